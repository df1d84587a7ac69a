"""Data sources in the database: rules for names, versions, defaults and secure fields."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from .context import Context, text
from .errors import ApiError
from .names import check_uid, new_uid

TYPES = {"influxdb": "InfluxDB", "cloudwatch": "CloudWatch"}
"""The types that this stand-in can query. Grafana has many more, which are refused here, as they could not be used."""

NAME_LENGTH = 190
_FIELDS = {
    "type": "",
    "access": "proxy",
    "url": "",
    "user": "",
    "database": "",
    "basicAuth": False,
    "basicAuthUser": "",
    "withCredentials": False,
    "jsonData": {},
}


@dataclass(frozen=True)
class DataSource:
    """A data source with its secure fields decrypted, ready to be queried."""

    id: int
    uid: str
    name: str
    type: str
    url: str
    user: str
    database: str
    basic_auth: bool
    basic_auth_user: str
    json_data: dict[str, Any]
    secure: dict[str, str]


def public_json(row: sqlite3.Row) -> dict[str, Any]:
    """The data source as the API returns it: secure fields only by name."""
    return {
        "id": row["id"],
        "uid": row["uid"],
        "orgId": 1,
        "name": row["name"],
        "typeLogoUrl": "",
        **json.loads(row["body"]),
        "isDefault": bool(row["is_default"]),
        "secureJsonFields": dict.fromkeys(json.loads(row["secure"]), True),
        "version": row["version"],
        "readOnly": False,
    }


def listed_json(row: sqlite3.Row) -> dict[str, Any]:
    """The shorter form of GET /api/datasources."""
    full = public_json(row)
    for key in ("secureJsonFields", "version", "withCredentials", "basicAuthUser"):
        full.pop(key)
    return {**full, "typeName": TYPES[full["type"]]}


def find(shared: Context, column: Literal["id", "uid", "name"], value: object) -> sqlite3.Row:
    """The row whose `column` is `value`; 404 if there is none."""
    row = shared.database.row(f"SELECT * FROM data_source WHERE {column} = ?", value)  # noqa: S608
    if row is None:
        raise ApiError(404, "Data source not found", traceID="")
    return row


def opened(shared: Context, row: sqlite3.Row) -> DataSource:
    """The data source with decrypted secure fields; 500 if the database was written with another secret_key."""
    content = json.loads(row["body"])
    try:
        secure = {key: shared.vault.open(value) for key, value in json.loads(row["secure"]).items()}
    except ValueError as error:
        raise ApiError(500, f"Failed to decrypt secure settings of data source {row['name']}: {error}") from None
    return DataSource(
        id=row["id"],
        uid=row["uid"],
        name=row["name"],
        type=content["type"],
        url=content["url"],
        user=content["user"],
        database=content["database"],
        basic_auth=content["basicAuth"],
        basic_auth_user=content["basicAuthUser"],
        json_data=content["jsonData"],
        secure=secure,
    )


def save(shared: Context, given: dict[str, Any], existing: sqlite3.Row | None = None) -> sqlite3.Row:
    """Create a data source, or replace `existing`; returns the stored row.

    As in Grafana, secure fields that are not given keep their values. Raises 400 and 409 as Grafana does.
    """
    name, uid = text(given, "name"), text(given, "uid") or (existing["uid"] if existing else new_uid())
    content = _content(given)
    if not name:
        raise ApiError(400, "bad request data")
    if len(name) > NAME_LENGTH:
        raise ApiError(400, f"name too long, max {NAME_LENGTH} characters")
    check_uid(uid)
    if existing and given.get("version") not in (None, 0, existing["version"]):
        raise ApiError(409, "Datasource has already been updated by someone else. Please reload and try again")
    database = shared.database
    own_id = existing["id"] if existing else 0
    with database.transaction():
        for column, value in (("name", name), ("uid", uid)):
            query = f"SELECT 1 FROM data_source WHERE {column} = ? AND id != ?"  # noqa: S608
            if database.row(query, value, own_id):
                raise ApiError(409, f"data source with the same {column} already exists", traceID="")
        secure = json.loads(existing["secure"]) if existing else {}
        for key, value in _object(given, "secureJsonData").items():
            if not isinstance(value, str):
                raise ApiError(400, "bad request data")
            secure[key] = shared.vault.seal(value)
        first = existing is None and not database.row("SELECT 1 FROM data_source")
        is_default = first or bool(given.get("isDefault"))
        if is_default:
            database.write("UPDATE data_source SET is_default = 0")
        stored = (uid, name, is_default, json.dumps(content), json.dumps(secure))
        if existing:
            database.write(
                "UPDATE data_source SET uid=?, name=?, is_default=?, body=?, secure=?, version=version+1 WHERE id=?",
                *stored,
                own_id,
            )
        else:
            own_id = database.write(
                "INSERT INTO data_source (uid, name, is_default, body, secure, version) VALUES (?, ?, ?, ?, ?, 1)",
                *stored,
            )
    return find(shared, "id", own_id)


def _object(given: dict[str, Any], key: str) -> dict[str, Any]:
    value = given.get(key) or {}
    if not isinstance(value, dict):
        raise ApiError(400, "bad request data")
    return value


def _content(given: dict[str, Any]) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for key, default in _FIELDS.items():
        value = default if given.get(key) is None else given[key]
        if not isinstance(value, type(default)):
            raise ApiError(400, "bad request data")
        content[key] = value
    if not content["type"]:
        raise ApiError(400, "bad request data")
    if content["type"] not in TYPES:
        known = ", ".join(sorted(TYPES))
        raise ApiError(400, f"Unknown data source type {content['type']!r}: this stand-in has {known}")
    if content["access"] not in ("proxy", "direct"):
        raise ApiError(400, "bad request data: access must be proxy or direct")
    if content["type"] == "influxdb":
        parts = urlsplit(content["url"])
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ApiError(400, f'Validation error, invalid URL: "{content["url"]}"')
    return content
