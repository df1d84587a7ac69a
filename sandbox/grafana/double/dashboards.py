"""/api/dashboards: https://grafana.com/docs/grafana/latest/developers/http_api/dashboard/"""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from flask import Blueprint, Response, jsonify, request

from . import folders
from .authentication import caller
from .context import Context, body, context, text
from .database import timestamp
from .errors import ApiError
from .names import check_uid, new_uid, slug

TITLE_LENGTH = 5000

routes = Blueprint("dashboards", __name__, url_prefix="/api/dashboards")


def url(row: sqlite3.Row) -> str:
    """The dashboard's address in the user interface."""
    return f"/d/{row['uid']}/{row['slug']}"


def model(row: sqlite3.Row) -> dict[str, Any]:
    """The dashboard's JSON, with the id and version that Grafana puts into it."""
    return {**json.loads(row["data"]), "id": row["id"], "uid": row["uid"], "version": row["version"]}


def find(shared: Context, uid: str) -> sqlite3.Row:
    """The dashboard's row; 404 if there is none."""
    row = shared.database.row("SELECT * FROM dashboard WHERE uid = ?", uid)
    if row is None:
        raise ApiError(404, "Dashboard not found", traceID="")
    return row


@routes.post("/db")
def save() -> Response:
    """POST {"dashboard", "folderUid", "message", "overwrite"}: create or replace; 400, 404, 412."""
    given = body()
    shared = context()
    content = given.get("dashboard")
    if not isinstance(content, dict):
        raise ApiError(400, "bad request data")
    check_model(content)
    with shared.database.transaction():
        folder_uid = _folder_uid(shared, given)
        existing = _existing(shared, content, overwrite=bool(given.get("overwrite")))
        row = _store(shared, content, folder_uid, text(given, "message"), existing)
    return jsonify(
        id=row["id"],
        uid=row["uid"],
        url=url(row),
        status="success",
        version=row["version"],
        slug=row["slug"],
        folderUid=row["folder_uid"] or "",
    )


def check_model(content: dict[str, Any]) -> None:
    """Raises 400 for the dashboards that Grafana refuses."""
    title = content.get("title")
    if not isinstance(title, str) or not title.strip():
        raise ApiError(400, "Dashboard title cannot be empty", status="empty-name")
    if len(title) > TITLE_LENGTH:
        raise ApiError(400, f"Dashboard title cannot contain more than {TITLE_LENGTH} characters")
    uid = content.get("uid")
    if uid is not None and not isinstance(uid, str):
        raise ApiError(400, "bad request data")
    check_uid(uid or "")
    for key, kind in (
        ("panels", list),
        ("tags", list),
        ("templating", dict),
        ("time", dict),
        ("links", list),
    ):
        if content.get(key) is not None and not isinstance(content[key], kind):
            raise ApiError(400, f"bad request data: {key} must be {'a list' if kind is list else 'an object'}")
    for number, panel in enumerate(content.get("panels") or []):
        if not isinstance(panel, dict) or not isinstance(panel.get("type"), str):
            raise ApiError(400, f"bad request data: panel {number} must be an object with a type")


def _folder_uid(shared: Context, given: dict[str, Any]) -> str | None:
    uid = text(given, "folderUid")
    number = given.get("folderId") or 0
    if uid in ("", "general") and not number:
        return None
    try:
        row = folders.find(shared, "uid", uid) if uid else folders.find(shared, "id", number)
    except ApiError:
        raise ApiError(400, "folder not found") from None
    return str(row["uid"])


def _existing(shared: Context, content: dict[str, Any], *, overwrite: bool) -> sqlite3.Row | None:
    """The dashboard to replace, if any."""
    number, uid = content.get("id") or 0, content.get("uid") or ""
    by_id = shared.database.row("SELECT * FROM dashboard WHERE id = ?", number) if number else None
    if number and by_id is None:
        raise ApiError(404, "Dashboard not found", status="not-found")
    by_uid = shared.database.row("SELECT * FROM dashboard WHERE uid = ?", uid) if uid else None
    if by_uid and (by_id is None or by_id["id"] != by_uid["id"]) and not overwrite:
        raise ApiError(412, "A dashboard with the same uid already exists", status="name-exists")
    existing = by_id or by_uid
    if existing and not overwrite and content.get("version") != existing["version"]:
        raise ApiError(412, "The dashboard has been changed by someone else", status="version-mismatch")
    return existing


def _store(
    shared: Context,
    content: dict[str, Any],
    folder_uid: str | None,
    message: str,
    existing: sqlite3.Row | None,
) -> sqlite3.Row:
    database, now, who = shared.database, timestamp(), caller().login
    uid = content.get("uid") or (existing["uid"] if existing else new_uid())
    kept = {key: value for key, value in content.items() if key not in ("id", "version")} | {"uid": uid}
    title = content["title"].strip()
    values = (uid, title, slug(title), folder_uid, json.dumps(kept), now, who)
    if existing:
        number = existing["id"]
        database.write(
            "UPDATE dashboard SET uid=?, title=?, slug=?, folder_uid=?, data=?, updated=?, updated_by=?, "
            "version=version+1 WHERE id=?",
            *values,
            number,
        )
    else:
        number = database.write(
            "INSERT INTO dashboard (uid, title, slug, folder_uid, data, updated, updated_by, version, "
            "created, created_by) VALUES (?, ?, ?, ?, ?, ?, ?, 1, ?, ?)",
            *values,
            now,
            who,
        )
    row = database.rows("SELECT * FROM dashboard WHERE id = ?", number)[0]
    database.write(
        "INSERT INTO dashboard_version (dashboard_id, version, message, data, created, created_by) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        number,
        row["version"],
        message,
        row["data"],
        now,
        who,
    )
    return row


@routes.get("/uid/<uid>")
def read(uid: str) -> Response:
    """The dashboard and its metadata."""
    shared = context()
    row = find(shared, uid)
    folder = folders.find(shared, "uid", row["folder_uid"]) if row["folder_uid"] else None
    meta = {
        "type": "db",
        "canSave": True,
        "canEdit": True,
        "canAdmin": True,
        "canStar": True,
        "canDelete": True,
        "slug": row["slug"],
        "url": url(row),
        "expires": "0001-01-01T00:00:00Z",
        "created": row["created"],
        "updated": row["updated"],
        "updatedBy": row["updated_by"],
        "createdBy": row["created_by"],
        "version": row["version"],
        "hasAcl": False,
        "isFolder": False,
        "folderId": folder["id"] if folder else 0,
        "folderUid": folder["uid"] if folder else "",
        "folderTitle": folder["title"] if folder else "Dashboards",
        "folderUrl": folders.url(folder) if folder else "",
        "provisioned": False,
        "provisionedExternalId": "",
    }
    return jsonify(meta=meta, dashboard=model(row))


@routes.delete("/uid/<uid>")
def delete(uid: str) -> Response:
    """Delete the dashboard with its history."""
    shared = context()
    row = find(shared, uid)
    shared.database.write("DELETE FROM dashboard WHERE uid = ?", uid)
    return jsonify(id=row["id"], title=row["title"], message=f"Dashboard {row['title']} deleted")


@routes.get("/uid/<uid>/versions")
def versions(uid: str) -> Response:
    """The dashboard's history, newest first."""
    shared = context()
    row = find(shared, uid)
    limit = min(request.args.get("limit", 1000, type=int), 1000)
    history = shared.database.rows(
        "SELECT * FROM dashboard_version WHERE dashboard_id = ? ORDER BY version DESC LIMIT ?",
        row["id"],
        limit,
    )
    entries = [
        {key: entry[column] for key, column in _VERSION_FIELDS.items()} | {"dashboardId": row["id"], "uid": uid}
        for entry in history
    ]
    return jsonify(continueToken="", versions=entries)


_VERSION_FIELDS = {
    "id": "id",
    "version": "version",
    "created": "created",
    "createdBy": "created_by",
    "message": "message",
}
