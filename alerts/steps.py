"""The steps that rules are made of: a query, then reduce, then a threshold.

Unlike a classic condition, which is a single yes or no for all hosts together, these keep the labels, so that each host
has its own alert.
"""

from __future__ import annotations

import json
from typing import Any, Literal

from grafana_foundation_sdk.builders import expr
from grafana_foundation_sdk.builders.cloudwatch import CloudWatchMetricsQuery
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.cloudwatch import (
    CloudWatchQueryMode,
    MetricEditorMode,
    MetricQueryType,
)
from grafana_foundation_sdk.models.dashboard import DataSourceRef

from alerts.facts import Facts
from alerts.model import EXPRESSION, Query
from dashboards.queries import InfluxQuery

POINTS = 100
"""Points that a query may return: rules need one value, or a few."""

NOW = "$timeFilter"
"""The time range of an InfluxQL query, up to the evaluation."""


def influxql(facts: Facts, text: str, span: int, ref_id: str = "A") -> Query:
    """An InfluxQL query over the last `span` seconds, for which `NOW` stands."""
    query = InfluxQuery(text, ref_id=ref_id, datasource_uid=facts.influxdb_uid)
    return Query(ref_id, facts.influxdb_uid, {**_plain(query), **_size(span)}, span)


def of_every_instance(facts: Facts, metric: str, statistic: str, span: int) -> Query:
    """An EC2 metric of every instance in the region that has it: one value per minute, one series per instance."""
    query = (
        CloudWatchMetricsQuery()
        .ref_id("A")
        .datasource(DataSourceRef(type_val="cloudwatch", uid=facts.cloudwatch_uid))
        .query_mode(CloudWatchQueryMode.METRICS)
        .metric_query_type(MetricQueryType.SEARCH)
        .metric_editor_mode(MetricEditorMode.BUILDER)
        .id("")
        .expression("")
        .region(facts.region)
        .namespace("AWS/EC2")
        .metric_name(metric)
        .dimensions({"InstanceId": ["*"]})
        .match_exact(True)
        .statistic(statistic)
        .period("60")
    )
    return Query("A", facts.cloudwatch_uid, {**_plain(query), **_size(span)}, span)


def reduced(
    function: Literal["sum", "mean", "min", "max", "count", "last"], source: str = "A", ref_id: str = "B"
) -> Query:
    """One number per series (sum, mean, min, max, count, last); gaps are ignored."""
    settings = expr.ExprTypeReduceSettings().mode("dropNN")
    return _expression(ref_id, expr.TypeReduce().expression(source).reducer(function).settings(settings))


def calculated(formula: str, ref_id: str) -> Query:
    """A formula of numbers from earlier steps, such as `$B * 2`, joined by their labels."""
    return _expression(ref_id, expr.TypeMath().expression(formula))


def above(limit: float, source: str = "B", ref_id: str = "C", *, until: float | None = None) -> Query:
    """Holds for every number above the limit, and once firing until it is below `until`: a value that fluctuates around
    the limit is one alert, not many."""
    return _threshold(ref_id, source, "gt", limit, until=until)


LESS = 5
"""Percent below its limit at which an alert resolves."""


def end_of(limit: float) -> float:
    """The percentage at which an alert on a limit resolves: LESS below it, or a tenth for small limits."""
    return limit - min(LESS, limit / 10)


def below(limit: float, source: str = "B", ref_id: str = "C") -> Query:
    """Holds for every number below the limit."""
    return _threshold(ref_id, source, "lt", limit)


def _threshold(ref_id: str, source: str, kind: Any, *limits: float, until: float | None = None) -> Query:
    evaluator = expr.ExprTypeThresholdConditionsEvaluator().type(kind).params(list(limits))
    condition = expr.ExprTypeThresholdConditions().evaluator(evaluator)
    if until is not None:
        over: Any = "lt"
        condition.unload_evaluator(expr.ExprTypeThresholdConditionsUnloadEvaluator().type(over).params([until]))
    return _expression(ref_id, expr.TypeThreshold().expression(source).conditions([condition]))


def _expression(ref_id: str, builder: Any) -> Query:
    model = builder.ref_id(ref_id).datasource(DataSourceRef(type_val=EXPRESSION, uid=EXPRESSION))
    return Query(ref_id, EXPRESSION, _plain(model), 0)


def _plain(builder: Builder[Dataquery]) -> dict[str, Any]:
    """The model as JSON data."""
    plain: dict[str, Any] = json.loads(json.dumps(builder.build(), cls=JSONEncoder))
    return plain


def _size(span: int) -> dict[str, int]:
    """The fields that Grafana's editor adds to each query; `$__interval` is computed from them."""
    return {"intervalMs": max(1000, span * 1000 // POINTS), "maxDataPoints": POINTS}
