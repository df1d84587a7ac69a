"""/api/datasources/proxy: forwards requests to a data source's URL, for anyone who may query it.

Follows Grafana's pkg/api/pluginproxy/ds_proxy.go. A request is forwarded with its method, body and headers, but without
Grafana's cookies and login. A refused login is returned as 400, an unreachable data source as 502.
"""

from __future__ import annotations

import sqlite3
from urllib.parse import urlsplit

import urllib3
from flask import Blueprint, Response, request

from . import datasources
from .context import context
from .errors import ApiError
from .influxdb import client
from .version import VERSION

routes = Blueprint("proxy", __name__, url_prefix="/api/datasources/proxy")

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_DROPPED = {"host", "cookie", "authorization", "origin", "referer", "content-length", "connection"}


@routes.route("/uid/<uid>/", defaults={"path": ""}, methods=METHODS)
@routes.route("/uid/<uid>/<path:path>", methods=METHODS)
def by_uid(uid: str, path: str) -> Response:
    """Forward to the data source with this uid."""
    return _forward(datasources.find(context(), "uid", uid), path)


@routes.route("/<int:number>/", defaults={"path": ""}, methods=METHODS)
@routes.route("/<int:number>/<path:path>", methods=METHODS)
def by_id(number: int, path: str) -> Response:
    """Forward to the data source with this id."""
    return _forward(datasources.find(context(), "id", number), path)


def _forward(row: sqlite3.Row, path: str) -> Response:
    source = datasources.opened(context(), row)
    if not source.url:
        raise ApiError(400, "Validation error, empty URL")
    headers = {name: value for name, value in request.headers.items() if name.lower() not in _DROPPED}
    forwarded = [*request.headers.getlist("X-Forwarded-For"), request.remote_addr or ""]
    headers |= {"X-Forwarded-For": ", ".join(forwarded), "User-Agent": f"Grafana/{VERSION}", **client.headers(source)}
    url = f"{source.url.rstrip('/')}/{path}?{request.query_string.decode()}".rstrip("?")
    pool = urllib3.PoolManager(ssl_context=client.tls(source) if urlsplit(url).scheme == "https" else None)
    try:
        answer = pool.request(
            request.method,
            url,
            body=request.get_data(),
            headers=headers,
            timeout=urllib3.Timeout(connect=client.CONNECT_SECONDS, read=client.READ_SECONDS),
            redirect=False,
            retries=False,
        )
    except urllib3.exceptions.HTTPError:
        return Response(status=502)
    finally:
        pool.clear()
    if answer.status == 401:
        return Response("Authentication to data source failed", status=400, mimetype="text/plain")
    return Response(answer.data, status=answer.status, content_type=answer.headers.get("Content-Type", "text/plain"))
