"""/api/serviceaccounts: identities for programs, and the tokens with which they log in.

https://grafana.com/docs/grafana/latest/developer-resources/api-reference/http-api/serviceaccount/
Messages and statuses are those of Grafana's pkg/services/serviceaccounts (models.go, api, database).
"""

from __future__ import annotations

import secrets
import sqlite3
import string
import time
import zlib
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, jsonify, request

from . import people
from .authentication import RANK, ROLES, caller, require_role, token_hash
from .context import body, context, text
from .database import timestamp
from .errors import ApiError
from .names import new_uid
from .paging import Page

SECRET_LENGTH = 32
WEEK = 7 * 24 * 3600
_ALPHABET = string.ascii_letters + string.digits

routes = Blueprint("service_accounts", __name__, url_prefix="/api/serviceaccounts")


@routes.before_request
def _administrators_only() -> None:
    require_role("Admin")


def new_token() -> str:
    """A token like Grafana's: `glsa_`, 32 random characters, and the CRC-32 of both (components/satokengen)."""
    start = "glsa_" + "".join(secrets.choice(_ALPHABET) for _ in range(SECRET_LENGTH))
    return f"{start}_{zlib.crc32(start.encode()):08x}"


def _find(number: int) -> sqlite3.Row:
    row = context().database.row("SELECT * FROM user WHERE id = ? AND is_service_account", number)
    if row is None:
        raise ApiError.with_id(404, "serviceaccounts.ErrNotFound", "service account not found")
    return row


def _tokens(number: int) -> list[sqlite3.Row]:
    return context().database.rows("SELECT * FROM api_key WHERE service_account_id = ? ORDER BY name", number)


def _as_json(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "uid": row["uid"],
        "name": row["name"],
        "login": row["login"],
        "orgId": people.ORGANISATION["id"],
        "isDisabled": bool(row["is_disabled"]),
        "role": row["role"],
        "tokens": len(_tokens(row["id"])),
        "avatarUrl": people.avatar(row["name"]),
    }


def _profile(row: sqlite3.Row) -> dict[str, Any]:
    return {**_as_json(row), "createdAt": row["created"], "updatedAt": row["updated"], "teams": []}


def _role(given: dict[str, Any], default: str) -> str:
    role = text(given, "role", default)
    if role not in ROLES:
        raise ApiError.with_id(400, "serviceaccounts.ErrInvalidRoleSpecified", "invalid role specified")
    if RANK[role] > RANK[caller().role]:
        message = "can not assign a role higher than user's role"
        raise ApiError.with_id(403, "serviceaccounts.ErrRoleForbidden", message)
    return role


@routes.get("/search")
def search() -> Response:
    """One page of the accounts whose name or login contains `query`, with the total count."""
    wanted = f"%{request.args.get('query', '')}%"
    page = Page.of(
        context().database.rows(
            "SELECT * FROM user WHERE is_service_account AND (name LIKE ? OR login LIKE ?) ORDER BY login",
            *(wanted, wanted),
        )
    )
    return jsonify(page.as_json("serviceAccounts", [_as_json(row) for row in page.rows]))


@routes.post("")
def create() -> tuple[Response, int]:
    """POST {"name", "role", "isDisabled"}: create an account without a token; 400 for a name in use."""
    given, database = body(), context().database
    name = text(given, "name")
    if not name:
        raise ApiError(400, "Bad request data")
    login = f"sa-{people.ORGANISATION['id']}-{name.lower()}".replace("--", "-", 1).replace(" ", "-")
    role = _role(given, "Viewer")
    with database.transaction():
        if database.row("SELECT 1 FROM user WHERE login = ?", login):
            raise ApiError.with_id(400, "serviceaccounts.ErrAlreadyExists", "service account already exists")
        number = database.write(
            "INSERT INTO user (uid, login, email, name, password, salt, is_admin, role, is_service_account, "
            "is_disabled, created, updated) VALUES (?, ?, '', ?, '', '', 0, ?, 1, ?, ?, ?)",
            *(new_uid(), login, name, role, bool(given.get("isDisabled")), timestamp(), timestamp()),
        )
    return jsonify(_as_json(_find(number))), 201


@routes.get("/<int:number>")
def read(number: int) -> Response:
    """One account."""
    return jsonify(_profile(_find(number)))


@routes.patch("/<int:number>")
def update(number: int) -> Response:
    """PATCH {"name", "role", "isDisabled"}: change the given fields."""
    given, row = body(), _find(number)
    context().database.write(
        "UPDATE user SET name = ?, role = ?, is_disabled = ?, updated = ? WHERE id = ?",
        *(text(given, "name", row["name"]), _role(given, row["role"])),
        *(bool(given.get("isDisabled", row["is_disabled"])), timestamp(), number),
    )
    changed = _profile(_find(number))
    return jsonify(message="Service account updated", id=number, name=changed["name"], serviceaccount=changed)


@routes.delete("/<int:number>")
def delete(number: int) -> Response:
    """Delete the account with its tokens."""
    _find(number)
    context().database.write("DELETE FROM user WHERE id = ?", number)
    return jsonify(message="Service account deleted")


@routes.get("/<int:number>/tokens")
def list_tokens(number: int) -> Response:
    """The account's tokens, without the secrets themselves."""
    return jsonify([_token_json(row) for row in _tokens(number)])


def _token_json(row: sqlite3.Row) -> dict[str, Any]:
    left = None if row["expires"] is None else row["expires"] - time.time()
    return {
        "id": row["id"],
        "name": row["name"],
        "created": row["created"],
        "lastUsedAt": row["last_used"],
        "expiration": None if left is None else datetime.fromtimestamp(row["expires"], UTC).isoformat("T", "seconds"),
        "secondsUntilExpiration": left if left is not None and 0 < left < WEEK else 0,
        "hasExpired": left is not None and left <= 0,
        "isRevoked": False,
    }


@routes.post("/<int:number>/tokens")
def create_token(number: int) -> Response:
    """POST {"name", "secondsToLive"}: create a token. It is the response's `key`, and is never shown again."""
    _find(number)
    given, database = body(), context().database
    name, seconds = text(given, "name"), given.get("secondsToLive") or 0
    if not name or not isinstance(seconds, int):
        raise ApiError(400, "Bad request data")
    if seconds < 0:
        raise ApiError.with_id(400, "serviceaccounts.ErrInvalidInput", "invalid SecondsToLive value")
    token = new_token()
    with database.transaction():
        if database.row("SELECT 1 FROM api_key WHERE name = ?", name):
            message = "service account token with given name already exists in the organization"
            raise ApiError.with_id(400, "serviceaccounts.ErrTokenAlreadyExists", message)
        made = database.write(
            "INSERT INTO api_key (name, key, service_account_id, created, expires) VALUES (?, ?, ?, ?, ?)",
            *(name, token_hash(token), number, timestamp(), time.time() + seconds if seconds else None),
        )
    return jsonify(id=made, name=name, key=token)


@routes.delete("/<int:number>/tokens/<int:token>")
def delete_token(number: int, token: int) -> Response:
    """Delete a token."""
    _find(number)
    query = "DELETE FROM api_key WHERE id = ? AND service_account_id = ?"
    if not context().database.write(query, token, number):
        raise ApiError.with_id(404, "serviceaccounts.ErrTokenNotFound", "service account token not found")
    return jsonify(message="Service account token deleted")
