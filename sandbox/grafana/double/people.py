"""Users and organisations: /api/user, /api/users, /api/org, /api/orgs. There is one organisation.

Formats as in Grafana's pkg/api/user.go, org.go and org_users.go, pkg/services/user/model.go and org/model.go.
"""

from __future__ import annotations

import hashlib
import sqlite3
from typing import Any

from flask import Blueprint, Response, jsonify, request

from . import users
from .authentication import ROLES, caller, require_role
from .context import body, context, text
from .errors import ApiError
from .paging import Page

ORGANISATION = {"id": 1, "name": "Main Org."}

routes = Blueprint("people", __name__)


def avatar(name: str) -> str:
    """The URL of the avatar of a user with this email address or login."""
    if context().settings.disable_gravatar:
        return "/public/img/user_profile.png"
    return f"/avatar/{hashlib.md5(name.lower().encode(), usedforsecurity=False).hexdigest()}"


def _profile(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "uid": row["uid"],
        "email": row["email"],
        "name": row["name"],
        "login": row["login"],
        "theme": "",
        "orgId": ORGANISATION["id"],
        "isGrafanaAdmin": bool(row["is_admin"]),
        "isDisabled": bool(row["is_disabled"]),
        "isExternal": False,
        "isExternallySynced": False,
        "authLabels": [],
        "createdAt": row["created"],
        "updatedAt": row["updated"],
        "avatarUrl": avatar(row["email"] or row["login"]),
    }


def _hit(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "uid": row["uid"],
        "name": row["name"],
        "login": row["login"],
        "email": row["email"],
        "avatarUrl": avatar(row["email"] or row["login"]),
        "isAdmin": bool(row["is_admin"]),
        "isDisabled": bool(row["is_disabled"]),
        # The last visit is not recorded; this is the time when the user was created.
        "lastSeenAt": row["created"],
        "lastSeenAtAge": "",
        "authLabels": [],
    }


def _member(row: sqlite3.Row) -> dict[str, Any]:
    hit = _hit(row)
    kept = ("uid", "email", "name", "avatarUrl", "login", "lastSeenAt", "lastSeenAtAge", "isDisabled", "authLabels")
    return {"orgId": ORGANISATION["id"], "userId": row["id"], "role": row["role"]} | {key: hit[key] for key in kept}


def _page() -> Page:
    """The requested page of the users whose login, email or name contains `query`, ordered by login."""
    wanted = f"%{request.args.get('query', '')}%"
    rows = context().database.rows(
        "SELECT * FROM user WHERE NOT is_service_account AND (login LIKE ? OR email LIKE ? OR name LIKE ?) "
        "ORDER BY login, email",
        *(wanted, wanted, wanted),
    )
    return Page.of(rows)


@routes.get("/api/user")
def me() -> Response:
    """The caller's profile; service accounts have one, too."""
    return jsonify(_profile(context().database.rows("SELECT * FROM user WHERE id = ?", caller().user_id)[0]))


@routes.get("/api/users")
def everyone() -> Response:
    """One page of the users; after the last one an empty list, at which clients stop."""
    return jsonify([_hit(row) for row in _page().rows])


@routes.get("/api/users/search")
def search() -> Response:
    """One page of the users, with the total count."""
    page = _page()
    return jsonify(page.as_json("users", [_hit(row) for row in page.rows]))


@routes.get("/api/users/lookup")
def lookup() -> Response:
    """One user by login or email address (`loginOrEmail`)."""
    wanted = request.args.get("loginOrEmail", "").lower()
    row = context().database.row(
        "SELECT * FROM user WHERE (lower(login) = ? OR lower(email) = ?) AND NOT is_service_account", wanted, wanted
    )
    if row is None:
        raise ApiError(404, "user not found")
    return jsonify(_profile(row))


@routes.get("/api/users/<int:user_id>")
def one(user_id: int) -> Response:
    """One user by id."""
    return jsonify(_profile(users.find(user_id)))


@routes.get("/api/user/orgs")
def my_organisations() -> Response:
    """The one organisation and the caller's role in it."""
    return jsonify([{"orgId": ORGANISATION["id"], "name": ORGANISATION["name"], "role": caller().role}])


@routes.get("/api/users/<int:user_id>/orgs")
def organisations_of(user_id: int) -> Response:
    """The one organisation and a user's role in it."""
    role = _member(users.find(user_id))["role"]
    return jsonify([{"orgId": ORGANISATION["id"], "name": ORGANISATION["name"], "role": role}])


@routes.get("/api/user/teams")
@routes.get("/api/users/<int:user_id>/teams")
def teams(user_id: int = 0) -> Response:
    """Teams, which do not exist here."""
    if user_id:
        users.find(user_id)
    return jsonify([])


@routes.get("/api/org")
def organisation() -> Response:
    """The one organisation."""
    address = dict.fromkeys(("address1", "address2", "city", "zipCode", "state", "country"), "")
    return jsonify({**ORGANISATION, "address": address})


@routes.get("/api/orgs/<int:number>")
@routes.get("/api/orgs/name/<name>")
def organisation_by(number: int = 0, name: str = "") -> Response:
    """The one organisation by id or name; 404 for any other."""
    if number != ORGANISATION["id"] and name != ORGANISATION["name"]:
        raise ApiError(404, "Organization not found")
    return organisation()


@routes.get("/api/orgs")
def organisations() -> Response:
    """All organisations. Grafana counts these pages from 0."""
    return jsonify([ORGANISATION] if request.args.get("page", 0, type=int) < 1 else [])


@routes.post("/api/orgs")
def create_organisation() -> Response:
    """Refuse, like a Grafana with a quota of one organisation."""
    if text(body(), "name") == ORGANISATION["name"]:
        raise ApiError(409, "Organization name taken")
    raise ApiError(403, "Quota reached")


@routes.get("/api/org/users")
def members() -> Response:
    """All members of the organisation."""
    require_role("Admin")
    return jsonify([_member(row) for row in _page().everything])


@routes.get("/api/org/users/search")
def search_members() -> Response:
    """One page of the organisation's members, with the total count."""
    require_role("Admin")
    page = _page()
    return jsonify(page.as_json("orgUsers", [_member(row) for row in page.rows]))


@routes.patch("/api/org/users/<int:user_id>")
def change_role(user_id: int) -> Response:
    """PATCH {"role"}: change a member's role."""
    role = text(body(), "role")
    if role not in ROLES:
        raise ApiError(400, "Invalid role specified")
    users.find(user_id)
    context().database.write("UPDATE user SET role = ? WHERE id = ?", role, user_id)
    return jsonify(message="Organization user updated")
