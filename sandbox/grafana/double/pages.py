"""The start page, which explains what this is and lists the dashboards."""

from __future__ import annotations

from html import escape

from flask import Blueprint, Response, make_response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from .authentication import identify
from .context import context
from .errors import ApiError
from .version import VERSION

routes = Blueprint("pages", __name__)

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Grafana stand-in</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 42rem; margin: 3rem auto; padding: 0 1rem; }}
code {{ background: #8881; padding: 0 .3em; }}
:root {{ color-scheme: light dark; }}
</style></head><body>
<h1>Grafana stand-in</h1>
<p>This is the local environment's stand-in for Grafana {version}: it implements Grafana's HTTP API and really
runs the data sources' queries, but it has no user interface. On AWS, the real Grafana runs here.</p>
{content}
</body></html>
"""
_LOGIN = """<p>Log in with HTTP basic authentication (user <code>admin</code>) to see the dashboards:
<a href="/?login">log in</a>.</p>
"""


def _overview() -> str:
    rows = context().database.rows("SELECT uid, title FROM dashboard ORDER BY title")
    items = "".join(
        f'<li><a href="/api/dashboards/uid/{escape(row["uid"])}">{escape(row["title"])}</a> (JSON)</li>' for row in rows
    )
    listing = f"<ul>{items}</ul>" if items else "<p>There are none yet.</p>"
    return f'<h2>Dashboards</h2>{listing}<p><a href="/api/datasources">Data sources</a> (JSON)</p>'


@routes.get("/")
def start() -> Response:
    """The overview for users who are logged in; for others, a request to log in."""
    try:
        identity = identify(context())
    except ApiError:
        identity = None
    if identity is None and "login" in request.args:
        response = make_response(_PAGE.format(version=VERSION, content=_LOGIN), 401)
        response.headers["WWW-Authenticate"] = 'Basic realm="Grafana stand-in"'
        return response
    return make_response(_PAGE.format(version=VERSION, content=_overview() if identity else _LOGIN))


@routes.get("/login")
def login_page() -> AnyResponse:
    """Grafana has its login form here; the stand-in redirects to its start page."""
    return redirect("/")


@routes.get("/d/<uid>")
@routes.get("/d/<uid>/<slug>")
def dashboard(uid: str, slug: str = "") -> AnyResponse:
    """Redirect a dashboard's address to its JSON."""
    del slug
    return redirect(f"/api/dashboards/uid/{uid}")
