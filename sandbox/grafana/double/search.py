"""/api/search: https://grafana.com/docs/grafana/latest/developers/http_api/folder_dashboard_search/"""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint, Response, jsonify, request

from . import dashboards, folders
from .context import Context, context

routes = Blueprint("search", __name__)


def _folder_hits(shared: Context) -> list[dict[str, Any]]:
    return [
        {
            **_hit(row["id"], row["uid"], row["title"], folders.url(row), "dash-folder"),
            "_folder": row["parent_uid"],
        }
        for row in shared.database.rows("SELECT * FROM folder ORDER BY title COLLATE NOCASE")
    ]


def _dashboard_hits(shared: Context) -> list[dict[str, Any]]:
    known = {row["uid"]: row for row in shared.database.rows("SELECT * FROM folder")}
    hits = []
    for row in shared.database.rows("SELECT * FROM dashboard ORDER BY title COLLATE NOCASE"):
        hit = _hit(row["id"], row["uid"], row["title"], dashboards.url(row), "dash-db")
        hit["tags"] = json.loads(row["data"]).get("tags") or []
        folder = known.get(row["folder_uid"])
        if folder:
            hit |= {
                "folderId": folder["id"],
                "folderUid": folder["uid"],
                "folderTitle": folder["title"],
                "folderUrl": folders.url(folder),
            }
        hits.append({**hit, "_folder": row["folder_uid"]})
    return hits


def _hit(number: int, uid: str, title: str, address: str, kind: str) -> dict[str, Any]:
    return {
        "id": number,
        "uid": uid,
        "orgId": 1,
        "title": title,
        "uri": f"db/{address.rsplit('/', 1)[1]}",
        "url": address,
        "slug": "",
        "type": kind,
        "tags": [],
        "isStarred": False,
        "sortMeta": 0,
        "isDeleted": False,
    }


@routes.get("/api/search")
def search() -> Response:
    """Find folders and dashboards by type, query (part of the title), tag, uid and folder."""
    arguments, shared = request.args, context()
    kind = arguments.get("type", "")
    hits = _folder_hits(shared) if kind in ("", "dash-folder") else []
    hits += _dashboard_hits(shared) if kind in ("", "dash-db") else []
    wanted = arguments.get("query", "").lower()
    tags = set(arguments.getlist("tag"))
    uids = set(arguments.getlist("dashboardUIDs") or arguments.getlist("dashboardUID"))
    inside = {"" if uid == "general" else uid for uid in arguments.getlist("folderUIDs")}
    found = [
        {key: value for key, value in hit.items() if key != "_folder"}
        for hit in hits
        if wanted in hit["title"].lower()
        and tags <= set(hit["tags"])
        and (not uids or hit["uid"] in uids)
        and (not inside or (hit["_folder"] or "") in inside)
    ]
    limit = arguments.get("limit", 1000, type=int)
    first = (max(arguments.get("page", 1, type=int), 1) - 1) * limit
    return jsonify(found[first : first + limit])
