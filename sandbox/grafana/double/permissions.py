"""Changes to users by administrators and by users themselves.

https://grafana.com/docs/grafana/latest/developers/http_api/: admin/ (permissions), org/ (role), user/
"""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from . import users
from .authentication import caller
from .context import body, context, text
from .database import timestamp
from .errors import ApiError

routes = Blueprint("permissions", __name__)


@routes.put("/api/user")
def change_myself() -> Response:
    """PUT {"login", "email", "name"}: change the caller; empty values are ignored (userimpl/user.go: Update)."""
    given, me = body(), caller().user_id
    login, email, name = (text(given, key).strip() for key in ("login", "email", "name"))
    if not login and not email:
        raise ApiError(400, "Validation error, need to specify either username or email")
    login, email = (login or email).lower(), email.lower()
    taken = "SELECT 1 FROM user WHERE id <> ? AND (lower(login) IN (?, ?) OR lower(email) IN (?, ?))"
    names = [login, email or login]
    if context().database.row(taken, me, *names, *names):
        raise ApiError(409, "User with login or email already exists")
    context().database.write(
        "UPDATE user SET login = ?, email = coalesce(nullif(?, ''), email), name = coalesce(nullif(?, ''), name), "
        "updated = ? WHERE id = ?",
        *(login, email, name, timestamp(), me),
    )
    return jsonify(message="User updated")


@routes.put("/api/admin/users/<int:user_id>/permissions")
def change_permissions(user_id: int) -> Response:
    """PUT {"isGrafanaAdmin"}: make a user a server administrator or not; the last one cannot be removed."""
    users.find(user_id)
    database, wanted = context().database, bool(body().get("isGrafanaAdmin"))
    if not wanted and database.row("SELECT 1 FROM user WHERE is_admin = 1 AND id <> ?", user_id) is None:
        raise ApiError(400, "cannot remove last grafana admin")
    database.write("UPDATE user SET is_admin = ?, updated = ? WHERE id = ?", int(wanted), timestamp(), user_id)
    return jsonify(message="User permissions updated")
