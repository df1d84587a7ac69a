"""Alerting's objects in the database: one JSON document per kind and key.

Kinds: `contact-point` (key: uid), `policy` (one document), `mute-timing` and `template` (key: name), `rule` (key: uid),
`group` (key: see `group_key`), `state` (key: the rule's uid).
"""

from __future__ import annotations

import json
from typing import Any, Literal

from ..database import Database

Kind = Literal["contact-point", "policy", "mute-timing", "template", "rule", "group", "state"]
Document = dict[str, Any]

DEFAULT_INTERVAL = 60
"""Seconds between the evaluations of a group that has no document."""


def every(database: Database, kind: Kind) -> list[Document]:
    """All documents of a kind, oldest first."""
    rows = database.rows("SELECT body FROM alerting WHERE kind = ? ORDER BY id", kind)
    return [json.loads(row["body"]) for row in rows]


def get(database: Database, kind: Kind, key: str) -> Document | None:
    """One document, or None."""
    row = database.row("SELECT body FROM alerting WHERE kind = ? AND key = ?", kind, key)
    return json.loads(row["body"]) if row else None


def put(database: Database, kind: Kind, key: str, document: Document) -> None:
    """Store or replace one document."""
    database.write(
        "INSERT INTO alerting (kind, key, body) VALUES (?, ?, ?) "
        "ON CONFLICT (kind, key) DO UPDATE SET body = excluded.body",
        kind,
        key,
        json.dumps(document),
    )


def delete(database: Database, kind: Kind, key: str) -> bool:
    """Delete one document; returns whether it existed."""
    return database.write("DELETE FROM alerting WHERE kind = ? AND key = ?", kind, key) > 0


def group_key(folder_uid: str, title: str) -> str:
    """The key of a rule group's document."""
    return f"{folder_uid}/{title}"


def rules_in_folder(database: Database, folder_uid: str) -> list[Document]:
    """The alert rules in a folder."""
    return [rule for rule in every(database, "rule") if rule["folderUID"] == folder_uid]
