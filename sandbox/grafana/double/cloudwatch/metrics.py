"""CloudWatch metric queries of the builder, which Grafana turns into metric statistics or a search.

Grafana makes one SEARCH expression of a query with several or any (`*`) dimension values, which CloudWatch refuses if
it is too long. The double makes and refuses the same expression, but then lists the matching metrics and queries each
of them, which returns the same series.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ..errors import QueryError
from ..frames import Field, Frame
from ..timerange import TimeRange, parse_seconds
from . import labels, search
from .session import Session

MAXIMUM_DATA_QUERIES = 500
"""CloudWatch's limit of MetricDataQueries in one GetMetricData."""

MAXIMUM_SERIES = 500
"""CloudWatch's limit of series from one SEARCH."""

_DAY = 86400
_ID = re.compile(r"^[a-z][a-zA-Z0-9_]*$")


@dataclass(frozen=True)
class _Plan:
    """A validated query: what to request for each metric. period: in seconds."""

    query: Mapping[str, Any]
    statistic: str
    period: int
    time_range: TimeRange


def run(session: Session, query: Mapping[str, Any], time_range: TimeRange) -> Sequence[Frame]:
    """Run a query; returns one frame per series, ordered by label. QueryError if it cannot be run."""
    _check(query)
    period = _period(str(query.get("period") or ""), time_range)
    statistic = str(query.get("statistic") or (query.get("statistics") or [""])[0])
    if not statistic:
        raise QueryError("query must have either statistic or statistics field", 400, "plugin")
    if query.get("hide") and query.get("type") == "timeSeriesQuery":
        return []
    wanted = _dimensions(query.get("dimensions") or {})
    exact = query.get("matchExact", True) is not False
    searching = _is_search(wanted, match_exact=exact)
    if searching:
        search.expression(query["namespace"], query["metricName"], wanted, statistic, period, exact=exact)
    metrics = _matching(session, query, wanted) if searching else [{k: v[0] for k, v in wanted.items()}]
    plan = _Plan(query, statistic, period, time_range)
    series = [
        _series(session.region, plan, dimensions, data)
        for dimensions, data in _data(session, plan, metrics)
        # REMOVE_EMPTY(SEARCH(…)): series without data do not appear.
        if data["times"] or not searching
    ]
    return sorted(series, key=lambda frame: frame.name) or [Frame(str(query.get("label") or ""), [])]


def _check(query: Mapping[str, Any]) -> None:
    mode = query.get("queryMode") or "Metrics"
    if mode != "Metrics":
        raise QueryError(f"queryMode {mode} is not part of this stand-in: only Metrics is", 400, "plugin")
    if query.get("metricQueryType") or query.get("metricEditorMode") or query.get("expression"):
        raise QueryError(
            "this stand-in runs queries of the metric builder only, no search, math or SQL expressions",
            400,
            "plugin",
        )
    for key in ("namespace", "metricName"):
        if not query.get(key):
            raise QueryError(f"metric query error: {key} is required", 400, "plugin")
    given = str(query.get("id") or "")
    if given and not _ID.match(given):
        raise QueryError(f"invalid query id {given!r}: it must start with a lower case letter", 400, "plugin")


def _period(written: str, time_range: TimeRange) -> int:
    """The period in seconds. `auto` is the smallest that AWS still has and that gives at most 2000 points."""
    if written and written.lower() != "auto":
        try:
            period = parse_seconds(written)
        except ValueError as error:
            raise QueryError(f"failed to parse period as duration: {error}", 400, "plugin") from None
        if period < 1:
            raise QueryError("the period must be at least one second", 400, "plugin")
        return period
    age = datetime.now(UTC).timestamp() - time_range.start_ms / 1000
    kept = [60, 300, 900, 3600, 21600, 86400]
    for days, smallest in ((455, 21600), (63, 3600), (15, 300)):
        if age > days * _DAY:
            kept = [period for period in kept if period >= smallest]
            break
    needed = math.ceil((time_range.end_ms - time_range.start_ms) / 1000 / 2000)
    return next((period for period in kept if period >= needed), kept[-1])


def _dimensions(given: Any) -> dict[str, list[str]]:
    if not isinstance(given, dict):
        raise QueryError("failed to parse dimensions: unknown type as dimension value", 400, "plugin")
    found = {}
    for key in sorted(given):
        values = [given[key]] if isinstance(given[key], str) else given[key]
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise QueryError("failed to parse dimensions: unknown type as dimension value", 400, "plugin")
        if values:
            found[key] = values
    return found


def _is_search(wanted: Mapping[str, Sequence[str]], *, match_exact: bool) -> bool:
    return not match_exact or any(len(values) > 1 or "*" in values for values in wanted.values())


def _matching(session: Session, query: Mapping[str, Any], wanted: Mapping[str, Sequence[str]]) -> list[dict[str, str]]:
    """The dimensions of the metrics that a SEARCH would find."""
    listed = session.pages(
        "cloudwatch",
        "list_metrics",
        "failed to call cloudwatch:ListMetrics",
        "Metrics",
        Namespace=query["namespace"],
        MetricName=query["metricName"],
        Dimensions=[{"Name": name} for name in wanted],
    )
    exact = query.get("matchExact", True) is not False
    found: list[dict[str, str]] = []
    for metric in listed:
        dimensions = {item["Name"]: item["Value"] for item in metric["Dimensions"]}
        if exact and set(dimensions) != set(wanted):
            continue
        if all("*" in values or dimensions.get(name) in values for name, values in wanted.items()):
            found.append(dimensions)
    unique = {tuple(sorted(item.items())): item for item in found}
    return [unique[key] for key in sorted(unique)][:MAXIMUM_SERIES]


def _data(
    session: Session, plan: _Plan, metrics: Sequence[dict[str, str]]
) -> Iterator[tuple[dict[str, str], dict[str, list[Any]]]]:
    """The dimensions and points (`times` in milliseconds, ascending, and `values`) of each metric."""
    time_range, period = plan.time_range, plan.period
    # CloudWatch aggregates whole periods; starting at a whole one gives the same points on each refresh.
    start = datetime.fromtimestamp(time_range.start_ms // 1000 // period * period, UTC)
    for first in range(0, len(metrics), MAXIMUM_DATA_QUERIES):
        part = metrics[first : first + MAXIMUM_DATA_QUERIES]
        answers = session.pages(
            "cloudwatch",
            "get_metric_data",
            "failed to call cloudwatch:GetMetricData",
            "MetricDataResults",
            StartTime=start,
            EndTime=time_range.end,
            ScanBy="TimestampAscending",
            MetricDataQueries=[
                {
                    "Id": f"q{number}",
                    "MetricStat": {
                        "Metric": {
                            "Namespace": plan.query["namespace"],
                            "MetricName": plan.query["metricName"],
                            "Dimensions": [{"Name": k, "Value": v} for k, v in sorted(dimensions.items())],
                        },
                        "Period": period,
                        "Stat": plan.statistic,
                    },
                }
                for number, dimensions in enumerate(part)
            ],
        )
        points: dict[str, dict[int, float]] = {}
        for answer in answers:
            known = points.setdefault(answer["Id"], {})
            for moment, value in zip(answer["Timestamps"], answer["Values"], strict=True):
                known[int(moment.timestamp() * 1000)] = value
        for number, dimensions in enumerate(part):
            ordered = sorted(points.get(f"q{number}", {}).items())
            yield dimensions, {"times": [at for at, _ in ordered], "values": [value for _, value in ordered]}


def _series(region: str, plan: _Plan, dimensions: Mapping[str, str], data: Mapping[str, list[Any]]) -> Frame:
    query = plan.query
    label = labels.expand(
        str(query.get("label") or ""),
        labels.Facts(
            namespace=query["namespace"],
            metric=query["metricName"],
            statistic=plan.statistic,
            period=plan.period,
            region=region,
            dimensions=dimensions,
            values=data["values"],
        ),
    )
    identity = str(query.get("id") or f"query{query['refId']}")
    return Frame(
        label,
        [
            Field("Time", "time", data["times"]),
            Field("Value", "number", data["values"], dimensions, label),
        ],
        {"type": "timeseries-multi", "custom": {"period": plan.period, "id": identity}},
    )
