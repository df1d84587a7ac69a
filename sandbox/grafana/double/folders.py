"""/api/folders: https://grafana.com/docs/grafana/latest/developers/http_api/folder/"""

from __future__ import annotations

import sqlite3
from typing import Any, Literal

from flask import Blueprint, Response, jsonify, request

from .alerting import store as alerting
from .authentication import caller
from .context import Context, body, context, text
from .database import timestamp
from .errors import ApiError
from .names import check_uid, new_uid, slug

MAXIMUM_DEPTH = 4
"""Grafana nests folders at most four levels deep."""

routes = Blueprint("folders", __name__, url_prefix="/api/folders")


def find(shared: Context, column: Literal["id", "uid"], value: object) -> sqlite3.Row:
    """The folder whose `column` is `value`; 404 if there is none."""
    row = shared.database.row(f"SELECT * FROM folder WHERE {column} = ?", value)  # noqa: S608
    if row is None:
        raise ApiError(404, "folder not found", status="not-found")
    return row


def url(row: sqlite3.Row) -> str:
    """The folder's address in the user interface."""
    return f"/dashboards/f/{row['uid']}/{slug(row['title'])}"


def _as_json(shared: Context, row: sqlite3.Row) -> dict[str, Any]:
    parents = _parents(shared, row["parent_uid"])
    return {
        "id": row["id"],
        "uid": row["uid"],
        "orgId": 1,
        "title": row["title"],
        "url": url(row),
        "description": row["description"],
        "hasAcl": False,
        "canSave": True,
        "canEdit": True,
        "canAdmin": True,
        "canDelete": True,
        "createdBy": row["created_by"],
        "created": row["created"],
        "updatedBy": row["updated_by"],
        "updated": row["updated"],
        "version": row["version"],
        **({"parentUid": row["parent_uid"]} if row["parent_uid"] else {}),
        **({"parents": [{"uid": p["uid"], "title": p["title"], "url": url(p)} for p in parents]} if parents else {}),
    }


def _parents(shared: Context, uid: str | None) -> list[sqlite3.Row]:
    """The folders from the outermost to the folder `uid` itself."""
    found: list[sqlite3.Row] = []
    while uid:
        row = find(shared, "uid", uid)
        found.insert(0, row)
        uid = row["parent_uid"]
    return found


def _check_parent(shared: Context, parent: str, own_uid: str = "") -> None:
    if not parent:
        return
    try:
        chain = _parents(shared, parent)
    except ApiError:
        raise ApiError(400, "parent folder not found") from None
    if any(row["uid"] == own_uid for row in chain):
        raise ApiError.with_id(400, "folder.circular-reference", "Circular reference detected")
    if len(chain) >= MAXIMUM_DEPTH:
        raise ApiError.with_id(400, "folder.maximum-depth-reached", "Maximum nested folder depth reached")


@routes.get("")
def list_all() -> Response:
    """The folders directly inside `parentUid`, by default at the top level."""
    shared = context()
    parent = request.args.get("parentUid") or None
    rows = shared.database.rows("SELECT * FROM folder WHERE parent_uid IS ? ORDER BY title", parent)
    return jsonify([{"id": row["id"], "uid": row["uid"], "title": row["title"]} for row in rows])


@routes.post("")
def create() -> Response:
    """POST {"uid", "title", "parentUid", "description"}: create a folder; 409 for a uid in use."""
    given = body()
    shared = context()
    uid, title, parent = (
        text(given, "uid") or new_uid(),
        text(given, "title").strip(),
        text(given, "parentUid"),
    )
    if not title:
        raise ApiError(400, "folder title cannot be empty")
    check_uid(uid)
    with shared.database.transaction():
        taken = "SELECT 1 FROM folder WHERE uid = ? UNION SELECT 1 FROM dashboard WHERE uid = ?"
        if shared.database.row(taken, uid, uid):
            raise ApiError(409, "a folder/dashboard with the same uid already exists")
        _check_parent(shared, parent)
        who, now = caller().login, timestamp()
        shared.database.write(
            "INSERT INTO folder (uid, title, description, parent_uid, version, created, updated, created_by, "
            "updated_by) VALUES (?, ?, ?, ?, 1, ?, ?, ?, ?)",
            uid,
            title,
            text(given, "description"),
            parent or None,
            now,
            now,
            who,
            who,
        )
    return jsonify(_as_json(shared, find(shared, "uid", uid)))


@routes.get("/id/<int:number>")
def read_by_id(number: int) -> Response:
    """One folder by id."""
    shared = context()
    return jsonify(_as_json(shared, find(shared, "id", number)))


@routes.get("/<uid>")
def read(uid: str) -> Response:
    """One folder."""
    shared = context()
    return jsonify(_as_json(shared, find(shared, "uid", uid)))


@routes.put("/<uid>")
def update(uid: str) -> Response:
    """PUT {"title", "description", "version", "overwrite"}: change a folder; 412 if someone else has changed it."""
    given = body()
    shared = context()
    with shared.database.transaction():
        row = find(shared, "uid", uid)
        if not given.get("overwrite") and given.get("version") != row["version"]:
            raise ApiError(412, "the folder has been changed by someone else", status="version-mismatch")
        title = text(given, "title", row["title"]).strip()
        if not title:
            raise ApiError(400, "folder title cannot be empty")
        shared.database.write(
            "UPDATE folder SET title=?, description=?, version=version+1, updated=?, updated_by=? WHERE uid=?",
            title,
            text(given, "description", row["description"]),
            timestamp(),
            caller().login,
            uid,
        )
    return jsonify(_as_json(shared, find(shared, "uid", uid)))


@routes.post("/<uid>/move")
def move(uid: str) -> Response:
    """POST {"parentUid"}: move the folder into another one, or to the top level."""
    shared = context()
    parent = text(body(), "parentUid")
    with shared.database.transaction():
        find(shared, "uid", uid)
        _check_parent(shared, parent, own_uid=uid)
        shared.database.write("UPDATE folder SET parent_uid=?, version=version+1 WHERE uid=?", parent or None, uid)
    return jsonify(_as_json(shared, find(shared, "uid", uid)))


@routes.delete("/<uid>")
def delete(uid: str) -> Response:
    """Delete the folder with its content; 400 if it contains alert rules, unless `forceDeleteRules` is set."""
    shared = context()
    force = request.args.get("forceDeleteRules", "").lower() in ("true", "1")
    with shared.database.transaction():
        row = find(shared, "uid", uid)
        rules = alerting.rules_in_folder(shared.database, uid)
        if rules and not force:
            raise ApiError.with_id(400, "folder.not-empty", "folder cannot be deleted: folder contains alert rules")
        for rule in rules:
            alerting.delete(shared.database, "rule", rule["uid"])
        shared.database.write("DELETE FROM folder WHERE uid = ?", uid)
    return jsonify(id=row["id"], title=row["title"], message=f"Folder {row['title']} deleted")
