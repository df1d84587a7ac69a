"""CloudWatch metrics of the user's choice, each a panel of the dashboard "Custom metrics"."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError, ValidationInfo

from settings import aws_names, units
from settings import values as v
from settings.mistakes import WrongValueError
from settings.part import Part, as_list

MOST_METRICS = 100
MOST_DIMENSIONS = 30
"""CloudWatch's own limit (API_Dimension)."""
MOST_VALUES = 50
LONGEST_SEARCH = 1024
"""Characters of the search expression that Grafana makes of several values or `*`: CloudWatch's own limit."""

STATISTICS = ("Average", "Sum", "Minimum", "Maximum", "SampleCount", "IQM")
_PERCENTILE = r"p(100|[0-9]{1,2}(\.[0-9]{1,10})?)"
_TRIMMED = r"(tm|wm|tc|ts)(100|[0-9]{1,2}(\.[0-9]{1,10})?)"
_BOUND = r"([0-9]{1,20}(\.[0-9]{1,10})?%?)?"
_RANGE = re.compile(rf"(?P<kind>TM|WM|PR|TC|TS)\((?!:\))(?P<low>{_BOUND}):(?P<high>{_BOUND})\)")
_MEANT = {"avg": "Average", "mean": "Average", "min": "Minimum", "max": "Maximum", "count": "SampleCount"} | {
    "total": "Sum",
    "median": "p50",
}


def _name(what: str, longest: int) -> BeforeValidator:
    """A validator of CloudWatch's names: ASCII, not only blanks, not beginning with a colon.

    docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_Metric.html, API_Dimension.html
    """

    def check(value: Any) -> str:
        if v.text(value).startswith(":"):
            raise WrongValueError("starts with a colon, which CloudWatch refuses", "write it without one")
        return _plain(_ascii(value, what, longest))

    return BeforeValidator(check)


def _ascii(value: Any, what: str, longest: int) -> str:
    written = v.text(value)
    if not re.fullmatch(r"[\x20-\x7e]+", written):
        raise WrongValueError(f"is not {what} that CloudWatch accepts", "write it in ASCII, on one line")
    if len(written) > longest:
        raise WrongValueError(f"is longer than {longest} characters", f"write {what} as CloudWatch shows it")
    return written


def _namespace(value: Any) -> str:
    """docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html#Namespace"""
    if v.text(value).startswith(":"):
        raise WrongValueError("starts with a colon, which CloudWatch refuses", "write it without one, such as AWS/SQS")
    if not re.fullmatch(r"[A-Za-z0-9._/#: -]{1,255}", value):
        raise WrongValueError(
            "is not a CloudWatch namespace", "use up to 255 letters, digits and ._-/#: such as AWS/SQS"
        )
    return str(value)


def _statistic(value: Any) -> str:
    """docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html"""
    written = v.text(value)
    if written in STATISTICS or re.fullmatch(rf"{_PERCENTILE}|{_TRIMMED}", written):
        return written
    if between := _RANGE.fullmatch(written):
        _check_bounds(between["kind"], [bound for bound in (between["low"], between["high"]) if bound])
        return written
    known = {name.lower(): name for name in STATISTICS} | _MEANT
    if re.fullmatch(_PERCENTILE, written.lower()):
        guess = written.lower()
    else:
        close = difflib.get_close_matches(written.lower(), known, n=1)
        guess = known[close[0]] if close else ""
    others = f"write {', '.join(STATISTICS[:5])} or a percentile such as p99"
    raise WrongValueError("is not a CloudWatch statistic", f"did you mean {guess}?" if guess else others)


def _check_bounds(kind: str, bounds: list[str]) -> None:
    percent = [bound.endswith("%") for bound in bounds]
    numbers = [float(bound.rstrip("%")) for bound in bounds]
    if kind == "PR" and any(percent):
        raise WrongValueError("has a percentage; PR compares with values of the metric", "write it like PR(:300)")
    if len(set(percent)) > 1:
        raise WrongValueError("mixes a percentage and a value", "write it like TM(2%:98%) or TM(150:1000)")
    if percent[0] and max(numbers) > 100:
        raise WrongValueError("has a percentage above 100", "write it like TM(2%:98%)")
    if len(numbers) == 2 and numbers[0] >= numbers[1]:
        raise WrongValueError("has a lower bound that is not below the upper one", "write it like TM(2%:98%)")


def _plain(written: str) -> str:
    """Text that Grafana leaves unchanged: it fills in variables in metrics' names, dimensions and their values
    (public/app/plugins/datasource/cloudwatch/query-runner/CloudWatchMetricsQueryRunner.ts, replaceMetricQueryVars)."""
    if re.search(r"\$\{?(region|period|host|__\w+)\b|\[\[", written):
        raise WrongValueError("contains a Grafana variable", "write the value itself")
    return written


def _value(name: str, value: Any) -> str:
    """One value of a dimension."""
    try:
        written = _plain(_ascii(value, "a dimension's value", 1024))
    except WrongValueError as error:
        raise error.about(name, " has a value that") from None
    if "*" in written and written != "*":
        raise WrongValueError("has a * next to other characters", "write * alone for all, or the whole value").about(
            name
        )
    return written


def _dimensions(value: Any) -> dict[str, tuple[str, ...]]:
    """Dimensions' names and values: one, several, or `*` for any."""
    if not isinstance(value, dict):
        raise WrongValueError("is not an object", "write one `Name: value` per line")
    if len(value) > MOST_DIMENSIONS:
        raise WrongValueError(
            f"has {len(value)} dimensions", f"write at most {MOST_DIMENSIONS}, CloudWatch's own limit"
        )
    checked: dict[str, tuple[str, ...]] = {}
    for name, given in value.items():
        if not re.fullmatch(r"[\x21-\x39\x3b-\x7e][\x20-\x7e]{0,254}", name):
            raise WrongValueError(
                "is not a dimension name", "use up to 255 ASCII characters, not starting with a colon"
            ).about(name)
        try:
            _plain(name)
        except WrongValueError as error:
            raise error.about(name) from None
        if isinstance(given, list | tuple) and not 1 <= len(given) <= MOST_VALUES:
            raise WrongValueError(f"has {len(given)} values", f"write 1 to {MOST_VALUES}, or * for all").about(name)
        each = tuple(_value(name, one) for one in (given if isinstance(given, list | tuple) else [given]))
        if len(set(each)) < len(each):
            raise WrongValueError("has a value twice", "write each once").about(name)
        if "*" in each and len(each) > 1:
            raise WrongValueError("has * next to other values", "write only * or only values").about(name)
        checked[name] = each
    return checked


def _search(dimensions: dict[str, tuple[str, ...]], others: list[str]) -> str:
    """Roughly the search expression that Grafana makes of these dimensions, the namespace and the metric's name; empty
    if it makes none (pkg/tsdb/cloudwatch/metric_data_query_builder.go, buildSearchExpression)."""
    if not any(len(values) > 1 or "*" in values for values in dimensions.values()):
        return ""
    terms = [f"{name}, {name}=({' OR  '.join(f'{one}  ' for one in values)})" for name, values in dimensions.items()]
    return "REMOVE_EMPTY(SEARCH({, MetricName=}, Average, 86400))".ljust(70) + "  ".join([*terms, *others])


def _searchable(value: Any, info: ValidationInfo) -> dict[str, tuple[str, ...]]:
    checked = _dimensions(value)
    search = _search(checked, [info.data.get("namespace", ""), info.data.get("metric", "")])
    if len(search) > LONGEST_SEARCH:
        raise WrongValueError(
            f"makes a search of about {len(search)} characters; CloudWatch accepts {LONGEST_SEARCH}",
            "write fewer values, or * for all",
        )
    if re.search(r"['\"\\]", search):
        raise WrongValueError(
            "contains quotes or backslashes, or its namespace or metric does: CloudWatch cannot search for those",
            "write a single value for each dimension",
        )
    return checked


def _period(value: Any) -> str:
    """CloudWatch's periods: docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricStat.html"""
    written = str(v.duration("s|m|h|d", "1s", "1d", "5m").func(value))  # type: ignore[call-arg]
    length = v.seconds(written)
    if length not in (1, 5, 10, 20, 30) and length % 60:
        raise WrongValueError("is not a CloudWatch period", "write 1s, 5s, 10s, 20s, 30s or whole minutes, such as 5m")
    return written


def _title(value: Any) -> str:
    """A panel's title. Grafana accepts any text, and shows about as much as this
    (grafana.com/docs/grafana/latest/panels-visualizations/configure-panel-options)."""
    if len(v.text(value)) > 120 or "\n" in value:
        raise WrongValueError("is too long for a title", "write at most 120 characters, on one line")
    return str(value)


class CustomMetric(Part):
    """One panel.

    dimensions: each with the values that are wanted, `*` for any. period, region: None for those chosen on the
    dashboard. unit: Grafana's name for it.
    """

    namespace: Annotated[str, BeforeValidator(_namespace)]
    metric: Annotated[str, _name("a metric's name", 255)]
    dimensions: Annotated[dict[str, tuple[str, ...]], BeforeValidator(_searchable)] = Field(default_factory=dict)
    statistic: Annotated[str, BeforeValidator(_statistic)] = "Average"
    title: Annotated[str | None, BeforeValidator(_title)] = None
    unit: Annotated[str, BeforeValidator(units.grafana_unit)] = "short"
    period: Annotated[str | None, BeforeValidator(_period)] = None
    region: aws_names.Region | None = None

    @property
    def shown_title(self) -> str:
        """The title; by default it describes the metric: `Duration, p99 · orders`."""
        if self.title:
            return self.title
        values = ", ".join(value for values in self.dimensions.values() for value in values if value != "*")
        plain = f"{self.metric}, {self.statistic}"
        whole = f"{plain} · {values}" if values else plain
        return whole if len(whole) <= 120 else whole[:119] + "…"

    @property
    def identity(self) -> tuple[object, ...]:
        """Equal for two panels with the same data."""
        dimensions = tuple(sorted((name, tuple(sorted(values))) for name, values in self.dimensions.items()))
        return self.namespace, self.metric, dimensions, self.statistic, self.period, self.region


def listed(value: Any) -> Any:
    """A list of metrics, not too long."""
    return as_list(value, MOST_METRICS)


def repeated(given: Any) -> Iterator[tuple[int, str, str]]:
    """Metrics that repeat an earlier one: number, what is wrong, what to write instead. Wrong ones are skipped."""
    identities: dict[tuple[object, ...], int] = {}
    titles: dict[tuple[str, str], int] = {}
    for number, one in enumerate(given if isinstance(given, list) and len(given) <= MOST_METRICS else []):
        try:
            metric = CustomMetric.model_validate(one)
        except ValidationError:
            continue
        title = (metric.namespace, metric.shown_title)
        if metric.identity in identities:
            yield number, f"is the same as customMetrics[{identities[metric.identity]}]", "remove one of them"
        elif title in titles:
            yield number, f"has the same title as customMetrics[{titles[title]}]", "give it a title of its own"
        identities.setdefault(metric.identity, number)
        titles.setdefault(title, number)
