"""Identifies the caller: basic authentication, tokens, session cookies, anonymous access. Limits password guessing."""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import cast

from flask import Blueprint, Response, g, jsonify, make_response, request

from .context import Context, body, context, text
from .database import timestamp
from .errors import ApiError
from .secrets import password_matches

ATTEMPTS = 5
ATTEMPT_WINDOW = 5 * 60.0
"""Seconds. Five wrong passwords within this time lock the user name until the oldest attempt is that old."""

SESSION_LIFETIME = 7 * 24 * 3600

routes = Blueprint("authentication", __name__)

_OPEN_PATHS = ("/api/health", "/healthz", "/login", "/login/generic_oauth", "/logout", "/", "/api/user/signup")
_SERVER_PATHS = ("/api/admin/", "/api/users", "/api/orgs")
"""Paths for administrators of the whole server only."""

RANK = {"Viewer": 0, "Editor": 1, "Admin": 2}
ROLES = frozenset(RANK)


@dataclass(frozen=True)
class Identity:
    """The caller.

    user_id: 0 for an anonymous caller. role: Viewer, Editor or Admin in the organisation.
    server_admin: may also administer users and organisations, which no service account may.
    """

    user_id: int
    login: str
    role: str
    server_admin: bool = False


def _identity(row: sqlite3.Row) -> Identity:
    return Identity(row["id"], row["login"], row["role"], bool(row["is_admin"]))


def _refuse() -> ApiError:
    return ApiError.with_id(401, "password-auth.failed", "Invalid username or password")


def check_password(shared: Context, login: str, password: str) -> Identity:
    """The user with this name (or email address) and password.

    Raises 401 for a wrong one and, like Grafana, for any password while the name is locked. Only wrong passwords of
    existing users count, and a correct one does not reset the count (pkg/services/authn/clients/password.go).
    """
    database = shared.database
    limited = not shared.settings.disable_brute_force_protection
    name = login.lower()
    if limited:
        counted = database.row(
            "SELECT COUNT(*) AS number FROM login_attempt WHERE username = ? AND created > ?",
            name,
            time.time() - ATTEMPT_WINDOW,
        )
        if counted is not None and counted["number"] >= ATTEMPTS:
            raise _refuse()
    row = database.row(
        "SELECT * FROM user WHERE (lower(login) = ? OR lower(email) = ?) AND NOT is_service_account", name, name
    )
    if row is None or not password:
        raise _refuse()
    if not password_matches(password, row["salt"], row["password"]):
        if limited:
            database.write("INSERT INTO login_attempt (username, created) VALUES (?, ?)", name, time.time())
        raise _refuse()
    return _identity(row)


def token_hash(token: str) -> str:
    """The hash under which the database stores a session's or a service account's token."""
    return hashlib.sha256(token.encode()).hexdigest()


def _from_session(shared: Context) -> Identity | None:
    token = request.cookies.get(shared.settings.cookie_name)
    if not token:
        return None
    row = shared.database.row(
        "SELECT user.* FROM user JOIN user_auth_token AS session ON user_id = user.id "
        "WHERE token = ? AND session.created > ?",
        token_hash(token),
        time.time() - SESSION_LIFETIME,
    )
    return _identity(row) if row else None


def _from_token(shared: Context, token: str) -> Identity:
    """The service account of a token; 401 with the messages of Grafana's pkg/services/authn/clients/api_key.go."""
    database, digest = shared.database, token_hash(token)
    key = database.row("SELECT * FROM api_key WHERE key = ?", digest)
    if key is None:
        raise ApiError.with_id(401, "api-key.invalid", "Invalid API key")
    if key["expires"] is not None and key["expires"] <= time.time():
        raise ApiError.with_id(401, "api-key.expired", "Expired API key")
    account = database.rows("SELECT * FROM user WHERE id = ?", key["service_account_id"])[0]
    if account["is_disabled"]:
        raise ApiError.with_id(401, "identity.disabled", "Unauthorized")
    database.write("UPDATE api_key SET last_used = ? WHERE id = ?", timestamp(), key["id"])
    return _identity(account)


def identify(shared: Context) -> Identity | None:
    """The caller of the current request; None without credentials; raises 401 for wrong ones."""
    header = request.headers.get("Authorization", "")
    if header.lower().startswith("bearer "):
        return _from_token(shared, header[len("bearer ") :])
    if header.lower().startswith("basic ") and shared.settings.basic_auth:
        given = request.authorization
        if given is None or given.type != "basic":
            raise ApiError.with_id(400, "basic-auth.invalid-header", "Invalid Basic Auth Header")
        return check_password(shared, given.username or "", given.password or "")
    session = _from_session(shared)
    if session is None and shared.settings.anonymous:
        return Identity(0, "", shared.settings.anonymous_role)
    return session


def require_identity() -> None:
    """Identify the caller before each request; raises 401 and 403 where Grafana does."""
    if request.path in _OPEN_PATHS:
        return
    identity = identify(context())
    if identity is None:
        raise ApiError.with_id(401, "auth.unauthorized", "Unauthorized")
    g.identity = identity
    own = ("/api/user", "/api/user/password")
    if request.path.startswith(("/api/ds/query", "/api/datasources/proxy/")) or request.path in own:
        return
    if request.path.startswith(_SERVER_PATHS):
        # A role in the organisation, even Admin, is not enough
        # (grafana.com/docs/grafana/latest/administration/roles-and-permissions).
        if not identity.server_admin:
            raise _denied()
    elif request.method != "GET":
        require_role("Editor" if "/dashboards/" in request.path or "/folders" in request.path else "Admin")


def require_role(role: str) -> None:
    """403 unless the caller's role is at least `role`."""
    if RANK[caller().role] < RANK[role]:
        raise _denied()


def _denied() -> ApiError:
    message = "You'll need additional permissions to perform this action."
    return ApiError(403, message, accessErrorId="ACE0000000000", title="Access denied")


def caller() -> Identity:
    """The caller of the current request, once identified."""
    return cast(Identity, g.identity)


@routes.post("/login")
def login() -> Response:
    """POST {"user", "password"}: log in and set the session cookie."""
    if context().settings.disable_login_form:  # pkg/services/authn/authnimpl/registration.go
        raise ApiError.with_id(400, "auth.client.notConfigured", "Bad Request")
    given = body()
    user, password = text(given, "user"), text(given, "password")
    if not user or not password:
        raise ApiError.with_id(400, "password-auth.empty", "Username and password are required")
    shared = context()
    identity = check_password(shared, user, password)
    return log_in(shared, identity.user_id, jsonify(message="Logged in", redirectUrl="/"))


def log_in(shared: Context, user_id: int, response: Response) -> Response:
    """Add the cookie of a new session of the user to the response."""
    token = secrets.token_hex(16)
    shared.database.write(
        "INSERT INTO user_auth_token (token, user_id, created) VALUES (?, ?, ?)",
        token_hash(token),
        user_id,
        time.time(),
    )
    response.set_cookie(
        shared.settings.cookie_name,
        token,
        max_age=SESSION_LIFETIME,
        secure=shared.settings.cookie_secure,
        httponly=True,
        samesite=shared.settings.same_site_attribute,
    )
    return response


@routes.get("/logout")
def logout() -> Response:
    """End the session and redirect to the start page."""
    shared = context()
    token = request.cookies.get(shared.settings.cookie_name, "")
    shared.database.write("DELETE FROM user_auth_token WHERE token = ?", token_hash(token))
    response = make_response("", HTTPStatus.FOUND)
    response.headers["Location"] = "/"
    response.delete_cookie(shared.settings.cookie_name)
    return response


@routes.get("/api/login/ping")
def ping() -> Response:
    """200 while the caller is logged in."""
    return jsonify(message="Logged in")
