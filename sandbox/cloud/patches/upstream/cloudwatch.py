"""CloudWatch's metrics: identified by namespace and all dimensions, and returned as by AWS."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from moto.cloudwatch.exceptions import InvalidParameterCombination, InvalidParameterValue, ValidationError
from moto.cloudwatch.models import CloudWatchBackend, MetricAggregatedDatum
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult

from sandbox.cloud import expressions, labels
from sandbox.cloud.metrics import Metric, Point, Series, UnsupportedError, check_statistic, series
from sandbox.cloud.patches.registry import patch

MAX_QUERIES = 500
MAX_EXPRESSION = 2048
"""Characters: the type MetricExpression in CloudWatch's API description (botocore, cloudwatch/2010-08-01)."""
MAX_FOUND = 500
"""Series of one SEARCH: docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/search-expression-syntax.html."""
RECENT = datetime.timedelta(hours=3)

Found = tuple[Metric | None, str, Series, dict[str, str]]
"""A result: its metric (None for arithmetic), default label, series, and the properties of its labels."""


def seconds(moment: datetime.datetime) -> float:
    """Since 1970. moto's times are UTC without saying so."""
    return (moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)).timestamp()


def metric_of(datum: Any) -> Metric:
    """The metric that one of moto's data belongs to."""
    return Metric(datum.namespace, datum.name, frozenset((each.name, each.value) for each in datum.dimensions))


def point_of(datum: Any) -> Point:
    """One of moto's data, a value or a set of statistics."""
    at = seconds(datum.timestamp)
    if isinstance(datum, MetricAggregatedDatum):
        return Point(at, datum.sample_count, datum.sum, datum.min, datum.max, datum.unit)
    return Point(at, 1, datum.value, datum.value, datum.value, datum.unit)


@patch(CloudWatchBackend, "get_metric_data", source="ea8fffaf")
def get_metric_data(
    _: Any,
    self: Any,
    queries: list[dict[str, Any]],
    start_time: datetime.datetime,
    end_time: datetime.datetime,
    scan_by: str = "TimestampDescending",
) -> list[dict[str, Any]]:
    """GetMetricData (docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html).

    moto: ignores the namespace if dimensions are given, averages over all metrics of a name if none are, starts its
    periods at StartTime, fails on percentiles, returns wrong values for Metrics Insights, and does not support SEARCH
    and arithmetic. What is not supported here is refused.
    """
    if start_time >= end_time:
        raise ValidationError("The parameter StartTime must be less than the parameter EndTime.")
    if not 1 <= len(queries) <= MAX_QUERIES or len({query["Id"] for query in queries}) != len(queries):
        raise ValidationError(f"MetricDataQueries must be 1 to {MAX_QUERIES} queries, each with an Id of its own.")
    for number, query in enumerate(queries, start=1):
        if len(expression := query.get("Expression", "")) > MAX_EXPRESSION:
            raise ValidationError(
                f"1 validation error detected: Value '{expression}' at 'metricDataQueries.{number}.member.expression'"
                f" failed to satisfy constraint: Member must have length less than or equal to {MAX_EXPRESSION}"
            )
    stored: dict[Metric, list[Point]] = defaultdict(list)
    for datum in self.get_all_metrics():
        stored[metric_of(datum)].append(point_of(datum))
    window = (seconds(start_time), seconds(end_time))
    known: dict[str, Series] = {}
    results = []
    try:
        # Expressions may refer to queries that come later: metrics first, the rest in the order it was sent.
        for query in sorted(queries, key=lambda each: "Expression" in each):
            for metric, default, values, properties in _answers(query, stored, window, known):
                # A SEARCH returns many series with one id, which arithmetic does not support here.
                if "MetricStat" in query or metric is None:
                    known[query["Id"]] = values
                properties |= {"Region": self.region_name, "AccountId": self.account_id}
                label = labels.expand(query.get("Label") or default, default, properties, values)
                if query.get("ReturnData", True):
                    results.append(_result(query["Id"], label, values, scan_by))
    except UnsupportedError as error:
        raise ValidationError(str(error)) from None
    order = [query["Id"] for query in queries]
    return sorted(results, key=lambda each: order.index(each["id"]))


def _answers(
    query: dict[str, Any],
    stored: dict[Metric, list[Point]],
    window: tuple[float, float],
    known: dict[str, Series],
) -> Iterator[Found]:
    if "MetricStat" in query:
        stat = query["MetricStat"]
        wanted = stat["Metric"]
        dimensions = frozenset((each["Name"], each["Value"]) for each in wanted.get("Dimensions", []))
        metric = Metric(wanted["Namespace"], wanted["MetricName"], dimensions)
        unit = stat.get("Unit")
        points = [point for point in stored.get(metric, []) if unit in (None, point.unit)]
        values = series(points, stat["Stat"], int(stat["Period"]), *window)
        yield metric, metric.name, values, _properties(metric, stat["Stat"], int(stat["Period"]))
        return
    expression = query["Expression"]
    found = expressions.search(expression)
    if found is None:
        yield None, query["Id"], expressions.calculate(expression, known), {}
        return
    period = found.period or int(query.get("Period") or 300)
    matching = [metric for metric in stored if found.finds(metric)][:MAX_FOUND]
    names = expressions.default_labels(matching)
    for metric in sorted(matching, key=lambda each: names[each]):
        values = series(stored[metric], found.statistic, period, *window)
        if values or not expression.startswith("REMOVE_EMPTY"):
            yield metric, names[metric], values, _properties(metric, found.statistic, period)


def _properties(metric: Metric, statistic: str, period: int) -> dict[str, str]:
    named = {f"Dim.{key}": value for key, value in metric.dimensions}
    return {
        **named,
        "MetricName": metric.name,
        "Namespace": metric.namespace,
        "Stat": statistic,
        "Period": str(period),
    }


def _result(query_id: str, label: str, values: Series, scan_by: str) -> dict[str, Any]:
    moments = sorted(values, reverse=scan_by == "TimestampDescending")
    return {
        "id": query_id,
        "label": label,
        "timestamps": [datetime.datetime.fromtimestamp(moment, tz=datetime.UTC) for moment in moments],
        "values": [values[moment] for moment in moments],
        "status_code": "Complete",
    }


@patch(CloudWatchResponse, "get_metric_statistics", source="76e1c092")
def get_metric_statistics(_: Any, self: Any) -> ActionResult:
    """GetMetricStatistics (API_GetMetricStatistics).

    moto: starts its periods at the first datum, includes metrics with further dimensions, and does not support
    percentiles.
    """
    plain, extended = self._get_param("Statistics", []), self._get_param("ExtendedStatistics", [])
    if not plain and not extended:
        raise InvalidParameterCombination("Must specify either Statistics or ExtendedStatistics")
    start, end = self._get_param("StartTime"), self._get_param("EndTime")
    if start >= end:
        raise InvalidParameterValue("The parameter StartTime must be less than the parameter EndTime.")
    dimensions = frozenset((each["Name"], each["Value"]) for each in self._get_param("Dimensions", []))
    wanted = Metric(self._get_param("Namespace"), self._get_param("MetricName"), dimensions)
    unit = self._get_param("Unit")
    data = [each for each in self.cloudwatch_backend.get_all_metrics() if metric_of(each) == wanted]
    points = [point_of(each) for each in data if unit in (None, each.unit)]
    moments: dict[int, dict[str, Any]] = defaultdict(dict)
    try:
        for name in (*plain, *extended):
            check_statistic(name)
            for moment, value in series(
                points, name, self._get_int_param("Period"), seconds(start), seconds(end)
            ).items():
                found = moments[moment]
                (found if name in plain else found.setdefault("ExtendedStatistics", {}))[name] = value
    except UnsupportedError as error:
        raise InvalidParameterValue(str(error)) from None
    unit_found = unit or next((point.unit for point in points if point.unit), "None")
    datapoints = [
        {"Timestamp": datetime.datetime.fromtimestamp(moment, tz=datetime.UTC), "Unit": unit_found, **values}
        for moment, values in moments.items()
    ]
    return ActionResult({"Label": wanted.name, "Datapoints": datapoints})


@patch(CloudWatchBackend, "get_filtered_metrics", source="63270f55")
def get_filtered_metrics(
    _: Any, self: Any, metric_name: str | None, namespace: str | None, dimensions: list[dict[str, str]]
) -> list[Any]:
    """ListMetrics (API_ListMetrics): each metric once. moto: lists a metric with two dimensions once per datum."""
    found: dict[Metric, Any] = {}
    for datum in self.get_all_metrics():
        metric = metric_of(datum)
        values = metric.values
        if (
            namespace in (None, metric.namespace)
            and metric_name in (None, metric.name)
            and all(
                each["Name"] in values and each.get("Value") in (None, values[each["Name"]])
                for each in dimensions or []
            )
        ):
            found[metric] = datum  # the newest, as data come in order
    return list(found.values())


@patch(CloudWatchResponse, "list_metrics", source="05b1a8cc")
def list_metrics(original: Any, self: Any) -> ActionResult:
    """AWS: RecentlyActive=PT3H leaves out metrics without data in the last three hours. moto: ignores it."""
    answer: ActionResult = original(self)
    if self._get_param("RecentlyActive") == "PT3H":
        since = datetime.datetime.now(datetime.UTC) - RECENT
        listed = answer.result["Metrics"]  # type: ignore[index]
        answer.result["Metrics"] = [each for each in listed if seconds(each.timestamp) > since.timestamp()]  # type: ignore[index]
    return answer
