"""/api/datasources: create, read, update, delete, health and resources.

https://grafana.com/docs/grafana/latest/developers/http_api/data_source/
"""

from __future__ import annotations

import sqlite3

from flask import Blueprint, Response, jsonify, request

from . import datasources, plugins
from .authentication import require_role
from .context import body, context
from .errors import ApiError, QueryError

routes = Blueprint("datasources", __name__, url_prefix="/api/datasources")


def _saved(row: sqlite3.Row, message: str) -> Response:
    return jsonify(datasource=datasources.public_json(row), id=row["id"], name=row["name"], message=message)


def _delete(row: sqlite3.Row) -> None:
    context().database.write("DELETE FROM data_source WHERE id = ?", row["id"])


@routes.get("")
def list_all() -> Response:
    """All data sources, by name."""
    require_role("Admin")
    rows = context().database.rows("SELECT * FROM data_source ORDER BY name")
    return jsonify([datasources.listed_json(row) for row in rows])


@routes.post("")
def create() -> Response:
    """A new data source."""
    return _saved(datasources.save(context(), body()), "Datasource added")


@routes.get("/<int:number>")
def read_by_id(number: int) -> Response:
    """One data source by id."""
    require_role("Admin")
    return jsonify(datasources.public_json(datasources.find(context(), "id", number)))


@routes.get("/uid/<uid>")
def read_by_uid(uid: str) -> Response:
    """One data source by uid."""
    require_role("Admin")
    return jsonify(datasources.public_json(datasources.find(context(), "uid", uid)))


@routes.get("/name/<name>")
def read_by_name(name: str) -> Response:
    """One data source by name."""
    require_role("Admin")
    return jsonify(datasources.public_json(datasources.find(context(), "name", name)))


@routes.get("/id/<name>")
def id_of_name(name: str) -> Response:
    """The id of the data source with a name."""
    return jsonify(id=datasources.find(context(), "name", name)["id"])


@routes.put("/<int:number>")
def update_by_id(number: int) -> Response:
    """Replace a data source by id."""
    shared = context()
    row = datasources.find(shared, "id", number)
    return _saved(datasources.save(shared, body(), row), "Datasource updated")


@routes.put("/uid/<uid>")
def update_by_uid(uid: str) -> Response:
    """Replace a data source by uid."""
    shared = context()
    row = datasources.find(shared, "uid", uid)
    return _saved(datasources.save(shared, body(), row), "Datasource updated")


@routes.delete("/<int:number>")
def delete_by_id(number: int) -> Response:
    """Delete by id."""
    _delete(datasources.find(context(), "id", number))
    return jsonify(message="Data source deleted")


@routes.delete("/uid/<uid>")
def delete_by_uid(uid: str) -> Response:
    """Delete by uid."""
    row = datasources.find(context(), "uid", uid)
    _delete(row)
    return jsonify(id=row["id"], message="Data source deleted")


@routes.delete("/name/<name>")
def delete_by_name(name: str) -> Response:
    """Delete by name."""
    row = datasources.find(context(), "name", name)
    _delete(row)
    return jsonify(id=row["id"], message="Data source deleted")


@routes.get("/uid/<uid>/health")
def health(uid: str) -> tuple[Response, int]:
    """Check the data source itself: 200 {"status": "OK"} or 400 {"status": "ERROR"}, both with a message."""
    shared = context()
    source = datasources.opened(shared, datasources.find(shared, "uid", uid))
    try:
        message = plugins.plugin(shared, source).check_health(source)
    except QueryError as error:
        return jsonify(status="ERROR", message=str(error)), 400
    return jsonify(status="OK", message=message), 200


@routes.get("/uid/<uid>/resources/<path:path>")
def resource(uid: str, path: str) -> Response | tuple[Response, int]:
    """A data source's own lists, such as CloudWatch's regions for a dashboard variable. AWS's errors are reported in
    the plugin's own format (pkg/tsdb/cloudwatch/routes/middleware.go, models/http_error.go)."""
    shared = context()
    source = datasources.opened(shared, datasources.find(shared, "uid", uid))
    try:
        return jsonify(plugins.plugin(shared, source).resource(source, path.strip("/"), request.args))
    except QueryError as error:
        if error.source == "downstream":
            return jsonify(Message=str(error), Error=str(error), StatusCode=500), 500
        raise ApiError(error.status, str(error)) from None
