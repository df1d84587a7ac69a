"""Math: formulas such as `$A / ($B + 1) > 2 && !is_nan($A)`, read by precedence.

Operands are numbers and steps; a step's values are joined by their labels. Grafana's rules: a null on either
side makes null, a NaN makes NaN, a comparison makes 1 or 0.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from .values import Number, Series, Single, Value, Values, failure

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)|\$(?:\{(?P<braced>[^}]+)\}|(?P<step>\w+))"
    r"|(?P<name>[a-z_]+)|(?P<sign>\*\*|&&|\|\||[<>=!]=|[-+*/%()<>!,]))"
)
_PRECEDENCE = {
    **{"||": 1, "&&": 2, "==": 3, "!=": 3, "<": 4, "<=": 4, ">": 4, ">=": 4},
    **{"+": 5, "-": 5, "*": 6, "/": 6, "%": 6, "**": 8},
}
_UNARY = 7


def _divided(left: float, right: float) -> float:
    if right:
        return left / right
    return math.nan if left == 0 or math.isnan(left) else math.copysign(math.inf, left) * math.copysign(1, right)


_BINARY: Mapping[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divided,
    "%": lambda left, right: math.fmod(left, right) if right else math.nan,
    "**": operator.pow,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "&&": lambda left, right: bool(left) and bool(right),
    "||": lambda left, right: bool(left) or bool(right),
}
_FUNCTIONS: Mapping[str, Callable[[Number], Number]] = {
    "abs": lambda value: None if value is None else abs(value),
    "log": lambda value: None if value is None else math.log(value) if value > 0 else math.nan,
    "round": lambda value: None if value is None else math.floor(value + 0.5),
    "ceil": lambda value: None if value is None else math.ceil(value),
    "floor": lambda value: None if value is None else math.floor(value),
    "is_nan": lambda value: float(value is not None and math.isnan(value)),
    "is_inf": lambda value: float(value is not None and math.isinf(value)),
    "is_null": lambda value: float(value is None),
    "is_number": lambda value: float(value is not None and math.isfinite(value)),
}
_CONSTANTS = {"null": None, "nan": math.nan, "inf": math.inf}


def steps_of(formula: str) -> list[str]:
    """The steps that a formula refers to, without duplicates."""
    found = [match["braced"] or match["step"] for match in _TOKEN.finditer(formula) if match["braced"] or match["step"]]
    return list(dict.fromkeys(found))


def evaluate(formula: str, known: Mapping[str, Values]) -> Values:
    """The formula's values; empty if one of its steps has no data."""
    if any(not known[step] for step in steps_of(formula)):
        return []
    reader = _Reader(formula, known)
    made = reader.expression(0)
    reader.end()
    return made


class _Reader:
    """Parses and evaluates a formula in one pass (precedence climbing)."""

    def __init__(self, formula: str, known: Mapping[str, Values]) -> None:
        self.formula, self.known = formula, known
        self.position = 0
        self.token: re.Match[str] | None = None
        self.advance()

    def advance(self) -> None:
        if not self.formula[self.position :].strip():
            self.token = None
            return
        self.token = _TOKEN.match(self.formula, self.position)
        if self.token is None:
            raise self.wrong()
        self.position = self.token.end()

    def wrong(self) -> Exception:
        return failure(f"failed to parse math expression {self.formula!r}: unexpected input near {self.position}")

    @property
    def sign(self) -> str:
        return (self.token["sign"] or "") if self.token else ""

    def expect(self, sign: str) -> None:
        if self.sign != sign:
            raise self.wrong()
        self.advance()

    def end(self) -> None:
        if self.token is not None:
            raise self.wrong()

    def expression(self, above: int) -> Values:
        left = self.operand()
        while (sign := self.sign) in _PRECEDENCE and _PRECEDENCE[sign] > above:
            self.advance()
            left = _joined(_BINARY[sign], left, self.expression(_PRECEDENCE[sign]))
        return left

    def operand(self) -> Values:
        token = self.token
        if token is None:
            raise self.wrong()
        sign = self.sign
        self.advance()
        if token["number"]:
            return [Single({}, float(token["number"]))]
        if step := token["braced"] or token["step"]:
            return self.known[step]
        if token["name"]:
            return self.call(token["name"])
        if sign == "(":
            inside = self.expression(0)
            self.expect(")")
            return inside
        if sign in ("-", "!"):
            negate: Callable[[float], float] = operator.neg if sign == "-" else operator.not_
            return _mapped(lambda value: None if value is None else float(negate(value)), self.expression(_UNARY))
        raise self.wrong()

    def call(self, name: str) -> Values:
        self.expect("(")
        if name in _CONSTANTS:
            self.expect(")")
            return [Single({}, _CONSTANTS[name])]
        if name not in _FUNCTIONS:
            raise failure(f"failed to parse math expression {self.formula!r}: non existent function {name}")
        inside = self.expression(0)
        self.expect(")")
        return _mapped(_FUNCTIONS[name], inside)


def _mapped(function: Callable[[Number], Number], values: Values) -> Values:
    return [
        Single(item.labels, function(item.value))
        if isinstance(item, Single)
        else Series(item.labels, item.times, [function(value) for value in item.values])
        for item in values
    ]


def _joined(function: Callable[[float, float], float], left: Values, right: Values) -> Values:
    """Combine each pair of values whose labels match, that is, are equal or a subset of the other's. If there is a
    single value on each side and their labels do not match, they are combined without labels (union in Grafana's
    pkg/expr/mathexp/exp.go)."""
    pairs = [(a, b) for a in left for b in right if _agree(a.labels, b.labels)]
    if not pairs and len(left) == len(right) == 1:
        pairs = [(replace(left[0], labels={}), replace(right[0], labels={}))]
    return [_combined(function, a, b) for a, b in pairs]


def _agree(left: Mapping[str, str], right: Mapping[str, str]) -> bool:
    return left.items() <= right.items() or right.items() <= left.items()


def _combined(function: Callable[[float, float], float], left: Value, right: Value) -> Value:
    labels = left.labels if len(left.labels) >= len(right.labels) else right.labels
    if isinstance(left, Single) and isinstance(right, Single):
        return Single(labels, _computed(function, left.value, right.value))
    one, two = _over_time(left), _over_time(right)
    times: Sequence[int] = left.times if isinstance(left, Series) else right.times if isinstance(right, Series) else []
    both = [at for at in times if (one is None or at in one) and (two is None or at in two)]
    values = [
        _computed(
            function,
            one[at] if one is not None else left.value,  # type: ignore[union-attr]
            two[at] if two is not None else right.value,  # type: ignore[union-attr]
        )
        for at in both
    ]
    return Series(labels, both, values)


def _over_time(value: Value) -> dict[int, Number] | None:
    return dict(zip(value.times, value.values, strict=True)) if isinstance(value, Series) else None


def _computed(function: Callable[[float, float], float], left: Number, right: Number) -> Number:
    if left is None or right is None:
        return None
    if math.isnan(left) or math.isnan(right):
        return math.nan
    return float(function(left, right))
