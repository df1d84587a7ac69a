"""Mends of moto's CloudWatch: metric data by namespace, dimensions and aligned periods, as AWS answers."""

from __future__ import annotations

import datetime
import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from moto.cloudwatch.exceptions import ValidationError
from moto.cloudwatch.models import CloudWatchBackend

SEARCH = re.compile(
    r"""^SEARCH\(\s*'\{(?P<schema>[^}]+)\}\s*(?P<terms>[^']*)'\s*,\s*'(?P<stat>[\w.]+)'\s*,\s*(?P<period>\d+)\s*\)$"""
)
METRIC_TERM = re.compile(r'MetricName="?(?P<name>[\w.]+)"?')
VALUE_TERM = re.compile(r'"?(?P<key>[\w:.-]+)"?=\(?(?P<values>"[^")]+"(?:\s+OR\s+"[^")]+")*)\)?')

Series = tuple[list[datetime.datetime], list[float]]


def apply() -> None:
    CloudWatchBackend.get_metric_data = get_metric_data  # type: ignore[method-assign]


def get_metric_data(
    self: Any,
    queries: list[dict[str, Any]],
    start_time: datetime.datetime,
    end_time: datetime.datetime,
    scan_by: str = "TimestampDescending",
) -> list[dict[str, Any]]:
    """GetMetricData (docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html).

    moto ignores the namespace once dimensions are given, averages all sets without them, starts its periods at
    StartTime and answers nothing to SEARCH. Expressions other than SEARCH are refused rather than answered wrongly.
    """
    if start_time >= end_time:
        raise ValidationError("The parameter StartTime must be less than the parameter EndTime.")
    points = [point for point in self.get_all_metrics() if start_time <= point.timestamp < end_time]
    results = []
    for query in queries:
        for label, series in _answers(query, points):
            times, values = series
            if scan_by == "TimestampDescending":
                times, values = times[::-1], values[::-1]
            if query.get("ReturnData", True):
                results.append(
                    {
                        "id": query["Id"],
                        "label": query.get("Label") or label,
                        "timestamps": times,
                        "values": values,
                        "status_code": "Complete",
                    }
                )
    return results


def _answers(query: dict[str, Any], points: list[Any]) -> Iterable[tuple[str, Series]]:
    if "MetricStat" in query:
        stat = query["MetricStat"]
        metric = stat["Metric"]
        wanted = {each["Name"]: each["Value"] for each in metric.get("Dimensions", [])}
        found = [
            point
            for point in points
            if (point.namespace, point.name) == (metric["Namespace"], metric["MetricName"])
            and dimensions_of(point) == wanted
            and stat.get("Unit") in (None, point.unit)
        ]
        yield metric["MetricName"], series(found, stat["Stat"], int(stat["Period"]))
        return
    expression = SEARCH.match(query["Expression"].strip())
    if expression is None:
        raise ValidationError(
            "The local AWS answers metrics and SEARCH('{…} MetricName=\"…\"', '…', …) only, "
            f"not: {query['Expression']}"
        )
    yield from _search(expression, points)


def _search(expression: re.Match[str], points: list[Any]) -> Iterable[tuple[str, Series]]:
    namespace, *names = [part.strip().strip('"') for part in expression["schema"].split(",")]
    name = METRIC_TERM.search(expression["terms"])
    allowed = {
        term["key"]: set(re.findall(r'"([^"]+)"', term["values"]))
        for term in VALUE_TERM.finditer(expression["terms"])
        if term["key"] in names
    }
    groups: dict[tuple[str, ...], list[Any]] = defaultdict(list)
    for point in points:
        dimensions = dimensions_of(point)
        if point.namespace != namespace or set(dimensions) != set(names):
            continue
        if name and point.name != name["name"]:
            continue
        if all(dimensions[key] in values for key, values in allowed.items()):
            groups[(point.name, *(dimensions[each] for each in names))].append(point)
    for key, found in sorted(groups.items()):
        yield " ".join(key[1:]) or key[0], series(found, expression["stat"], int(expression["period"]))


def dimensions_of(point: Any) -> dict[str, str]:
    return {dimension.name: dimension.value for dimension in point.dimensions}


def series(points: list[Any], stat: str, period: int) -> Series:
    """Timestamps (starts of periods aligned to the clock) and values, ascending; periods without data are left out."""
    buckets: dict[int, list[Any]] = defaultdict(list)
    for point in points:
        buckets[int(point.timestamp.timestamp()) // period * period].append(point)
    starts = sorted(buckets)
    times = [datetime.datetime.fromtimestamp(start, tz=datetime.UTC) for start in starts]
    return times, [statistic(buckets[start], stat) for start in starts]


def statistic(points: list[Any], stat: str) -> float:
    """One statistic over the points of a period; points are values or sets of Min, Max, Sum and SampleCount.

    Raises ValidationError for a statistic CloudWatch does not know, or a percentile of statistic sets.
    """
    counts = [float(getattr(point, "sample_count", 1)) for point in points]
    sums = [float(point.sum if hasattr(point, "sum") else point.value) for point in points]
    if stat == "SampleCount":
        return float(sum(counts))
    if stat == "Sum":
        return float(sum(sums))
    if stat == "Average":
        return float(sum(sums) / sum(counts))
    if stat in ("Minimum", "Maximum"):
        attribute = "min" if stat == "Minimum" else "max"
        extremes = [float(getattr(point, attribute) if hasattr(point, "sum") else point.value) for point in points]
        return min(extremes) if stat == "Minimum" else max(extremes)
    percentile = re.fullmatch(r"p(\d{1,2}(?:\.\d+)?|100)", stat)
    if percentile is None or any(hasattr(point, "sum") for point in points):
        raise ValidationError(f"The value {stat} for parameter Stat is not supported.")
    values = sorted(float(point.value) for point in points)
    position = (len(values) - 1) * float(percentile[1]) / 100
    low = int(position)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (position - low)
