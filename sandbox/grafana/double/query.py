"""/api/ds/query: runs each query where its data source says, and collects the answers.

https://grafana.com/docs/grafana/latest/developers/http_api/data_source/#query-a-data-source
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, jsonify

from . import datasources, plugins
from .context import Context, body, context
from .errors import ApiError, QueryError
from .timerange import parse_range

routes = Blueprint("query", __name__)


@routes.post("/api/ds/query")
def query() -> tuple[Response, int]:
    """Results by refId; HTTP 400 when any query failed, as Grafana answers by default."""
    given = body()
    queries = given.get("queries")
    if not isinstance(queries, list) or not queries:
        raise ApiError.with_id(400, "query.noQueries", "No queries found")
    shared = context()
    sources = [_source(shared, item) for item in queries]
    results = {}
    for number, (item, source) in enumerate(zip(queries, sources, strict=True)):
        ref_id = str(item.get("refId") or chr(ord("A") + number % 26))
        if ref_id in results:
            raise ApiError(400, f"multiple queries using the same RefId is not allowed: {ref_id}")
        results[ref_id] = _run(given, item, source, ref_id)
    failed = any("error" in result for result in results.values())
    return jsonify(results=results), 400 if failed else 200


def _source(shared: Context, item: Any) -> datasources.DataSource:
    if not isinstance(item, dict):
        raise ApiError(400, "bad request data")
    reference = item.get("datasource")
    uid = reference.get("uid") if isinstance(reference, dict) else None
    if not uid and not item.get("datasourceId"):
        raise ApiError.with_id(
            400, "query.invalidDatasourceId", "Query does not contain a valid data source identifier"
        )
    row = datasources.find(shared, "uid", uid) if uid else datasources.find(shared, "id", item["datasourceId"])
    return datasources.opened(shared, row)


def _run(given: Mapping[str, Any], item: dict[str, Any], source: datasources.DataSource, ref_id: str) -> dict[str, Any]:
    own = item.get("timeRange") or {}
    time_range = parse_range(
        own.get("from", given.get("from", "now-1h")),
        own.get("to", given.get("to", "now")),
        item.get("intervalMs"),
        item.get("maxDataPoints"),
    )
    try:
        frames = plugins.plugin(source).query(source, {**item, "refId": ref_id}, time_range)
    except QueryError as error:
        return {"error": str(error), "errorSource": error.source, "status": error.status, "frames": []}
    return {"status": 200, "frames": [frame.as_json(ref_id) for frame in frames]}
