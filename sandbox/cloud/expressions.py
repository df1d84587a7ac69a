"""Expressions of GetMetricData: SEARCH and arithmetic. Anything else is refused, with a list of what is supported.

docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/search-expression-syntax.html and using-metric-math.html
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from sandbox.cloud.metrics import Metric, Series, UnsupportedError

CALL = re.compile(
    r"""(?:REMOVE_EMPTY\(\s*)?(?P<call>SEARCH\(\s*(?P<quote>['"])(?P<terms>.*)(?P=quote)\s*,
    \s*(?P<q>['"])(?P<statistic>[\w.]+)(?P=q)\s*(?:,\s*(?P<period>\d+)\s*)?\))\s*\)?$""",
    re.VERBOSE | re.DOTALL,
)
SCHEMA = re.compile(r'^\s*\{(?P<parts>(?:[^}"]|"[^"]*")+)\}')
WORD = r'(?:"[^"]*"|[\w./:*@#-]+)'
TERM = re.compile(rf"\s*(?:AND\s+)?(?P<key>{WORD})\s*=\s*(?:\((?P<any>[^)]*)\)|(?P<one>{WORD}))")

OPERATORS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


@dataclass(frozen=True)
class Search:
    """A parsed SEARCH.

    period: seconds, None for the query's. dimensions: the metric has exactly these, None if there is no schema.
    wanted: the allowed values of MetricName, Namespace and dimensions.
    """

    statistic: str
    period: int | None
    namespace: str | None = None
    dimensions: frozenset[str] | None = None
    wanted: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def finds(self, metric: Metric) -> bool:
        """Whether the search finds the metric."""
        values = metric.values
        facts = {**values, "Namespace": metric.namespace, "MetricName": metric.name}
        return (
            self.namespace in (None, metric.namespace)
            and (self.dimensions is None or self.dimensions == set(values))
            and all(facts.get(key) in allowed for key, allowed in self.wanted.items())
        )


def search(expression: str) -> Search | None:
    """Parse a SEARCH; None if the expression is something else. Raises UnsupportedError for unsupported terms.

    Supported terms: a `{Namespace,Dimension,…}` schema, and `key=value` or `key=(a OR b)` for MetricName, Namespace and
    dimensions. A bare word (a partial match), NOT, and `:` before a key are refused.
    """
    call = CALL.match(expression.strip())
    if call is None:
        if "SEARCH(" in expression:
            raise UnsupportedError(f"The local AWS only supports SEARCH('…', 'Statistic', period), not: {expression}")
        return None
    terms, namespace, dimensions = call["terms"], None, None
    schema = SCHEMA.match(terms)
    if schema is not None:
        namespace, *names = [_bare(part) for part in schema["parts"].split(",")]
        dimensions, terms = frozenset(names), terms[schema.end() :]
    wanted: dict[str, frozenset[str]] = {}
    while terms.strip():
        term = TERM.match(terms)
        if term is None:
            raise UnsupportedError(f"The local AWS only searches by key=value, not by: {terms.strip()}")
        values = re.split(r"\s+OR\s+", term["any"].strip()) if term["any"] is not None else [term["one"]]
        wanted[_bare(term["key"])] = frozenset(_bare(value) for value in values)
        terms = terms[term.end() :]
    period = int(call["period"]) if call["period"] else None
    return Search(call["statistic"], period, namespace, dimensions, wanted)


def _bare(text: str) -> str:
    return text.strip().strip('"')


def calculate(expression: str, known: Mapping[str, Series]) -> Series:
    """The value of an arithmetic expression (`m1 / m2 * 100`) at each moment at which all of its series have one.

    known: series by the ids of their queries. Raises UnsupportedError for anything but + - * /, numbers and ids.
    """
    refused = UnsupportedError(
        f"The local AWS evaluates metrics, SEARCH and arithmetic (+ - * /) on query IDs, not: {expression}"
    )
    try:
        tree = ast.parse(expression.strip(), mode="eval").body
    except SyntaxError:
        raise refused from None
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    if not names:
        raise refused
    for name in names:
        if name not in known:
            raise UnsupportedError(
                f"{expression}: {name} is neither the Id of a metric nor that of an earlier expression."
            )
    moments = sorted(set.intersection(*(set(known[name]) for name in names)))
    found: Series = {}
    for moment in moments:
        value = _value(tree, {name: known[name][moment] for name in names}, refused)
        if value is not None:
            found[moment] = value
    if not moments:
        _value(tree, dict.fromkeys(names, 1.0), refused)  # a wrong expression is an error even without data
    return found


def _value(node: ast.expr, values: Mapping[str, float], refused: UnsupportedError) -> float | None:
    """The expression's value; None for a division by zero, for which CloudWatch returns no data point."""
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return float(number)
        case ast.Name(id=name):
            return values[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            inner = _value(operand, values, refused)
            return None if inner is None else -inner
        case ast.BinOp(left=left, op=operation, right=right) if type(operation) in OPERATORS:
            one, other = _value(left, values, refused), _value(right, values, refused)
            if one is None or other is None or (isinstance(operation, ast.Div) and other == 0):
                return None
            return OPERATORS[type(operation)](one, other)
        case _:
            raise refused


def default_labels(metrics: Iterable[Metric]) -> dict[Metric, str]:
    """Default labels of a SEARCH's results: what distinguishes them, or the metric's name if nothing does."""
    listed = list(metrics)
    several_names = len({metric.name for metric in listed}) > 1
    keys = sorted({key for metric in listed for key in metric.values})
    varying = [key for key in keys if len({metric.values.get(key) for metric in listed}) > 1] or keys
    labels = {}
    for metric in listed:
        parts = [metric.values[key] for key in varying if key in metric.values]
        labels[metric] = " ".join([*parts, metric.name] if several_names or not parts else parts)
    return labels
