"""The Flask application: all blueprints, error responses, health."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable
from typing import Any

from flask import Flask, Response, g, jsonify, make_response, request
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Rule

from . import (
    authentication,
    dashboards,
    datasource_api,
    folders,
    frontend,
    oauth,
    pages,
    people,
    permissions,
    proxy,
    query,
    search,
    service_accounts,
    users,
)
from .alerting import contact_points, listing, policies, rules, templates, testing, timings
from .alerting.scheduler import Scheduler
from .bundled import Bundled
from .context import Context, context
from .database import Database
from .errors import ApiError
from .secrets import Vault
from .settings import Settings
from .version import COMMIT, VERSION

log = logging.getLogger("grafana")

_BLUEPRINTS = (
    authentication.routes,
    oauth.routes,
    users.routes,
    people.routes,
    permissions.routes,
    service_accounts.routes,
    frontend.routes,
    datasource_api.routes,
    proxy.routes,
    query.routes,
    folders.routes,
    dashboards.routes,
    search.routes,
    contact_points.routes,
    policies.routes,
    rules.routes,
    templates.routes,
    timings.routes,
    testing.routes,
    listing.routes,
    pages.routes,
)


class _Route(Rule):
    """A route that compiles its URL builder on first use, which never happens: that took two thirds of the time for
    creating an application."""

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:  # noqa: FBT001 - Werkzeug's
        compiled = super()._compile_builder

        def build(rule: Rule, **values: Any) -> tuple[str, str]:
            return compiled(append_unknown)(rule, **values)

        return build


class _Application(Flask):
    url_rule_class = _Route


def create(settings: Settings) -> Flask:
    """The WSGI application with the database from the settings, which is created if missing."""
    if not settings.secret_key:
        log.warning("secret_key is empty: secure fields are encrypted with a key that anyone can know")
    database = Database(settings.database_file)
    if users.create_administrator(database, settings):
        log.info("created the administrator %s", settings.admin_user)
    shared = Context(settings, database, Vault(settings.secret_key), Bundled.load(settings))
    policies.ensure_default(database)
    app = _Application("grafana", static_folder=None)
    app.extensions["grafana"] = shared
    app.extensions["alerting"] = Scheduler(app, shared)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.url_map.strict_slashes = False
    for blueprint in _BLUEPRINTS:
        app.register_blueprint(blueprint)
    app.before_request(_start)
    app.before_request(authentication.require_identity)
    app.after_request(_finish)
    app.register_error_handler(ApiError, _api_error)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _unexpected)
    app.add_url_rule("/api/health", view_func=health)
    app.add_url_rule("/healthz", view_func=lambda: "Ok")
    return app


def health() -> tuple[Response, int]:
    """200 if the database works, else 503."""
    try:
        context().database.row("SELECT 1")
    except sqlite3.Error:
        return jsonify(database="failing", version=VERSION, commit=COMMIT), 503
    return jsonify(database="ok", version=VERSION, commit=COMMIT), 200


def _start() -> None:
    g.started = time.monotonic()


def _finish(response: Response) -> Response:
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["X-XSS-Protection"] = "1; mode=block"
    settings = context().settings
    if not settings.allow_embedding:
        response.headers["X-Frame-Options"] = "deny"
    if settings.strict_transport_security is not None:
        response.headers["Strict-Transport-Security"] = f"max-age={settings.strict_transport_security}"
    response.headers["Cache-Control"] = "no-store"
    identity = getattr(g, "identity", None)
    milliseconds = (time.monotonic() - g.started) * 1000 if "started" in g else 0.0
    log.log(
        logging.INFO if response.status_code < 500 else logging.ERROR,
        "Request Completed method=%s path=%s status=%s remote_addr=%s uname=%s duration=%.0fms",
        request.method,
        request.path,
        response.status_code,
        request.remote_addr,
        identity.login if identity else "",
        milliseconds,
    )
    return response


def _api_error(error: ApiError) -> Response:
    return make_response(jsonify(error.body) if str(error) else "", error.status)


def _http_error(error: HTTPException) -> tuple[Response, int]:
    # Grafana's router answers an unknown method of a known path with 404, too.
    status = 404 if error.code == 405 else error.code or 500
    return jsonify(message="Not found" if status == 404 else error.name), status


def _unexpected(error: Exception) -> tuple[Response, int]:
    log.exception("Request error path=%s", request.path, exc_info=error)
    return jsonify(message="Internal Server Error - Check the Grafana server logs for the detailed error"), 500
