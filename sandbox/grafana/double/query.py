"""/api/ds/query: runs each query against its data source, then the expressions on the results.

https://grafana.com/docs/grafana/latest/developers/http_api/data_source/#query-a-data-source
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, Response, jsonify

from . import datasources, expressions, plugins
from .context import Context, body, context
from .errors import ApiError, QueryError
from .frames import Frame
from .timerange import parse_range

routes = Blueprint("query", __name__)


@routes.post("/api/ds/query")
def query() -> tuple[Response, int]:
    """Results by refId; with status 400 if any query failed, as is Grafana's default."""
    given = body()
    queries = given.get("queries")
    if not isinstance(queries, list) or not queries:
        raise ApiError.with_id(400, "query.noQueries", "No queries found")
    shared = context()
    steps = [_step(shared, given, item, number) for number, item in enumerate(queries)]
    names = [step.ref_id for step in steps]
    for name in names:
        if names.count(name) > 1:
            raise ApiError(400, f"multiple queries using the same RefId is not allowed: {name}")
    try:
        outcomes = expressions.run(steps)
    except QueryError as error:
        raise ApiError.with_id(400, "sse.parseError", str(error)) from None
    hidden = {step.ref_id for step in steps if step.model.get("hide") and len(steps) > 1}
    results = {name: _result(name, outcome) for name, outcome in outcomes.items() if name not in hidden}
    failed = any("error" in result for result in results.values())
    return jsonify(results=results), 400 if failed else 200


def _step(shared: Context, given: Mapping[str, Any], item: Any, number: int) -> expressions.Step:
    if not isinstance(item, dict):
        raise ApiError(400, "bad request data")
    ref_id = str(item.get("refId") or chr(ord("A") + number % 26))
    if expressions.is_expression(item.get("datasource") or item.get("datasourceId")):
        return expressions.Step(ref_id, item)
    source = _source(shared, item)
    return expressions.Step(ref_id, item, lambda: _run(shared, given, item, source, ref_id))


def _result(ref_id: str, outcome: expressions.Outcome) -> dict[str, Any]:
    error = outcome.error
    if error:
        return {"error": str(error), "errorSource": error.source, "status": error.status, "frames": []}
    return {"status": 200, "frames": [frame.as_json(ref_id) for frame in outcome.frames]}


def _source(shared: Context, item: dict[str, Any]) -> datasources.DataSource:
    reference = item.get("datasource")
    uid = reference.get("uid") if isinstance(reference, dict) else None
    if not uid and not item.get("datasourceId"):
        raise ApiError.with_id(
            400, "query.invalidDatasourceId", "Query does not contain a valid data source identifier"
        )
    row = datasources.find(shared, "uid", uid) if uid else datasources.find(shared, "id", item["datasourceId"])
    return datasources.opened(shared, row)


def _run(
    shared: Context, given: Mapping[str, Any], item: dict[str, Any], source: datasources.DataSource, ref_id: str
) -> Sequence[Frame]:
    own = item.get("timeRange") or {}
    time_range = parse_range(
        own.get("from", given.get("from", "now-1h")),
        own.get("to", given.get("to", "now")),
        item.get("intervalMs"),
        item.get("maxDataPoints"),
    )
    return plugins.plugin(shared, source).query(source, {**item, "refId": ref_id}, time_range)
