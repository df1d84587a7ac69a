"""Evaluates an alert rule: its queries and expressions at one moment.

Each number of the condition is an alert: 0 is normal, null is no data, anything else fires.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Literal

from .. import datasources, expressions, plugins
from ..context import Context
from ..errors import ApiError, QueryError
from ..frames import Frame
from ..timerange import TimeRange
from . import store

Kind = Literal["Normal", "Alerting", "NoData", "Error"]


@dataclass(frozen=True)
class Result:
    """The result of an evaluation for one set of labels. values: the number of each step, by refId."""

    kind: Kind
    labels: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, float | None] = field(default_factory=dict)
    error: str = ""


def evaluate(
    shared: Context, rule: store.Document, now: datetime, loaded: Sequence[Mapping[str, str]] = ()
) -> list[Result]:
    """Evaluate a rule. Returns at least one result; a failed query is one result of kind Error.

    loaded: the labels of the active alerts.
    """
    try:
        outcomes = expressions.run([_step(shared, item, now) for item in rule["data"]], loaded)
        for ref_id, outcome in outcomes.items():
            if outcome.error and "[sse.dependencyError]" not in str(outcome.error):
                return [Result("Error", error=f"failed to execute query {ref_id}: {outcome.error}")]
        condition = outcomes[rule["condition"]].values(rule["condition"])
    except (QueryError, ApiError) as error:
        return [Result("Error", error=str(error))]
    if not condition:
        return [Result("NoData")]
    results = []
    for item in condition:
        if not isinstance(item, expressions.Single):
            message = "looks like time series data, only reduced data can be alerted on"
            return [Result("Error", error=f"invalid format of evaluation results for the alert definition: {message}")]
        kind: Kind = "NoData" if item.value is None else "Alerting" if item.value else "Normal"
        results.append(Result(kind, dict(item.labels), _values(outcomes, item.labels)))
    seen = [sorted(result.labels.items()) for result in results]
    if any(seen.count(labels) > 1 for labels in seen):
        return [Result("Error", error="frame cannot uniquely be identified by its labels: has duplicate results")]
    return results


def _step(shared: Context, item: Mapping[str, Any], now: datetime) -> expressions.Step:
    ref_id, model = item["refId"], item["model"]
    if expressions.is_expression(item["datasourceUid"]):
        return expressions.Step(ref_id, model)
    return expressions.Step(ref_id, model, partial(_fetch, shared, item, now))


def _fetch(shared: Context, item: Mapping[str, Any], now: datetime) -> Sequence[Frame]:
    try:
        source = datasources.opened(shared, datasources.find(shared, "uid", item["datasourceUid"]))
    except ApiError as error:
        raise QueryError(str(error), error.status, "plugin") from None
    span = item["relativeTimeRange"]
    start, end = now - timedelta(seconds=float(span["from"])), now - timedelta(seconds=float(span.get("to") or 0))
    time_range = TimeRange(
        int(start.timestamp() * 1000),
        int(end.timestamp() * 1000),
        max(1, int(item["model"].get("intervalMs") or 1000)),
        max(1, int(item["model"].get("maxDataPoints") or 43200)),
    )
    return plugins.plugin(shared, source).query(source, {**item["model"], "refId": item["refId"]}, time_range)


def _values(outcomes: Mapping[str, expressions.Outcome], labels: Mapping[str, str]) -> dict[str, float | None]:
    """The numbers of the steps for these labels; time series are left out."""
    return {
        ref_id: item.value
        for ref_id, outcome in outcomes.items()
        for item in outcome.computed or ()
        if isinstance(item, expressions.Single) and item.labels == labels
    }
