"""Creating, changing and deleting users: /api/user, /api/admin/users, and the first administrator.

https://grafana.com/docs/grafana/latest/developers/http_api/user/
"""

from __future__ import annotations

import sqlite3

from flask import Blueprint, Response, jsonify

from .authentication import caller, check_password
from .context import body, context, text
from .database import Database, timestamp
from .errors import ApiError
from .names import new_uid
from .secrets import hash_password, new_salt
from .settings import Settings

MINIMUM_PASSWORD_LENGTH = 4

routes = Blueprint("users", __name__)


def create_administrator(database: Database, settings: Settings) -> bool:
    """Create the administrator in a database without users; returns whether it did.

    `admin_password` is used only here: as in Grafana, later changes of the setting do not affect an existing database.
    """
    if settings.disable_initial_admin_creation or database.row("SELECT 1 FROM user"):
        return False
    person = (settings.admin_user, settings.admin_email, "", settings.admin_password)
    _insert(database, *person, role="Admin", is_admin=True)
    return True


def _insert(
    database: Database, login: str, email: str, name: str, password: str, *, role: str, is_admin: bool = False
) -> int:
    salt = new_salt()
    return database.write(
        "INSERT INTO user (uid, login, email, name, password, salt, is_admin, role, created, updated) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        *(new_uid(), login, email, name, hash_password(password, salt), salt),
        *(is_admin, role, timestamp(), timestamp()),
    )


def set_password(database: Database, user_id: int, password: str) -> None:
    """Change a user's password and end the user's sessions."""
    if len(password) < MINIMUM_PASSWORD_LENGTH:
        raise ApiError(400, "New password is too short")
    salt = new_salt()
    with database.transaction():
        database.write(
            "UPDATE user SET password = ?, salt = ?, updated = ? WHERE id = ?",
            hash_password(password, salt),
            salt,
            timestamp(),
            user_id,
        )
        database.write("DELETE FROM user_auth_token WHERE user_id = ?", user_id)


def find(user_id: int) -> sqlite3.Row:
    """The user's row; 404 for an unknown id or a service account's."""
    row = context().database.row("SELECT * FROM user WHERE id = ? AND NOT is_service_account", user_id)
    if row is None:
        raise ApiError(404, "user not found")
    return row


@routes.put("/api/user/password")
def change_own_password() -> Response:
    """PUT {"oldPassword", "newPassword"}: change the caller's password."""
    given = body()
    try:
        check_password(context(), caller().login, text(given, "oldPassword"))
    except ApiError:
        raise ApiError(401, "Invalid old password") from None
    set_password(context().database, caller().user_id, text(given, "newPassword"))
    return jsonify(message="User password changed")


@routes.put("/api/admin/users/<int:user_id>/password")
def change_password(user_id: int) -> Response:
    """PUT {"password"}: set a user's password, as an administrator."""
    find(user_id)
    set_password(context().database, user_id, text(body(), "password"))
    return jsonify(message="User password updated")


def _create(login: str, email: str, name: str, password: str) -> sqlite3.Row:
    """Create a member of the organisation, with the settings' role for new members."""
    database = context().database
    if not login and not email:
        raise ApiError(400, "Validation error, need specify either username or email")
    if len(password) < MINIMUM_PASSWORD_LENGTH:
        raise ApiError(400, "Password is missing or too short")
    taken = "SELECT 1 FROM user WHERE lower(login) IN (?, ?) OR lower(email) IN (?, ?)"
    names = [(login or email).lower(), (email or login).lower()]
    if database.row(taken, *names, *names):
        raise ApiError(412, f"User with email '{email}' or username '{login}' already exists")
    role = context().settings.auto_assign_org_role
    return find(_insert(database, login or email, email or login, name, password, role=role))


@routes.post("/api/admin/users")
def create_user() -> Response:
    """POST {"name", "email", "login", "password"}: create a user, as an administrator."""
    given = body()
    made = _create(*(text(given, key) for key in ("login", "email", "name", "password")))
    return jsonify(id=made["id"], uid=made["uid"], message="User created")


@routes.delete("/api/admin/users/<int:user_id>")
def delete_user(user_id: int) -> Response:
    """Delete a user, as an administrator."""
    login = find(user_id)["login"]
    with context().database.transaction():
        context().database.write("DELETE FROM user WHERE id = ?", user_id)
        context().database.write("DELETE FROM login_attempt WHERE username = ?", login.lower())
    return jsonify(message="User deleted")


@routes.post("/api/user/signup")
def sign_up() -> Response:
    """POST {"email"}: sign up, where that is allowed."""
    if not context().settings.allow_sign_up:
        raise ApiError(401, "User signup is disabled")
    raise ApiError(501, "This stand-in has no sign-up, as it sends no mail")


@routes.get("/api/snapshot/shared-options")
def snapshots() -> Response:
    """Whether and where snapshots can be published."""
    return jsonify(
        externalSnapshotURL="https://snapshots.raintank.io",
        externalSnapshotName="Publish to snapshots.raintank.io",
        externalEnabled=context().settings.external_snapshots,
    )
