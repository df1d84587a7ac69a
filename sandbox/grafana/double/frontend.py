"""/api/frontend/settings, which a client reads first to learn the version and the data sources."""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint, Response, jsonify

from .context import context
from .version import COMMIT, VERSION

EDITION = "Open Source"

routes = Blueprint("frontend", __name__)


@routes.get("/api/frontend/settings")
def frontend() -> Response:
    """The fields of Grafana's dtos/frontend_settings.go for which this double has values."""
    shared = context()
    settings = shared.settings
    rows = shared.database.rows("SELECT * FROM data_source ORDER BY name")
    default = next((row["name"] for row in rows if row["is_default"]), "")
    return jsonify(
        appUrl=settings.root_url,
        appSubUrl="",
        allowOrgCreate=False,
        anonymousEnabled=settings.anonymous,
        authProxyEnabled=False,
        ldapEnabled=False,
        defaultDatasource=default,
        datasources={row["name"]: _datasource(row) for row in rows},
        buildInfo={
            "hideVersion": False,
            "version": VERSION,
            "versionString": f"Grafana v{VERSION} ({COMMIT})",
            "commit": COMMIT,
            "edition": EDITION,
            "env": "production",
            "latestVersion": "",
            "hasUpdate": False,
        },
        licenseInfo={"edition": EDITION, "expiry": 0, "stateInfo": "", "licenseUrl": ""},
    )


def _datasource(row: Any) -> dict[str, Any]:
    content = json.loads(row["body"])
    return {
        "id": row["id"],
        "uid": row["uid"],
        "type": content["type"],
        "name": row["name"],
        "url": f"/api/datasources/proxy/uid/{row['uid']}",
        "access": content["access"],
        "isDefault": bool(row["is_default"]),
        "jsonData": content["jsonData"],
        "readOnly": False,
    }
