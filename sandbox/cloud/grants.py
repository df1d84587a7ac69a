"""A log of which statements of roles' policies were used, for the test that policies grant nothing superfluous."""

from __future__ import annotations

import json
from pathlib import Path

from sandbox.cloud import policies
from sandbox.cloud.identities import Identity
from sandbox.cloud.permission import Permission
from sandbox.place import Place

_recorded: set[tuple[str, str, str]] = set()
_file: list[Path] = []


def path(place: Place) -> Path:
    """The log file. Each line is a JSON array: the role's name, the statement's Sid, the action."""
    return place.state / "cloud" / "grants.jsonl"


def reset(place: Place) -> None:
    """Start with an empty log."""
    path(place).unlink(missing_ok=True)
    _recorded.clear()
    _file[:] = [path(place)]


def record(identity: Identity, permission: Permission) -> None:
    """Log, once each, the statements that allow a role's session to do something. Users are not logged."""
    role = identity.context.get("aws:PrincipalArn", "")
    if ":role/" not in role or not _file:
        return
    for document in identity.policies:
        for statement in policies.statements(document):
            line = (role.rpartition("/")[2], str(statement.get("Sid", "")), permission.action)
            if line not in _recorded and statement["Effect"] == "Allow" and policies.applies(statement, permission):
                _recorded.add(line)
                with _file[0].open("a") as file:
                    file.write(json.dumps(line) + "\n")


def read(place: Place, role: str) -> set[tuple[str, str]]:
    """What a role was allowed so far, as pairs of Sid and action. role: its name."""
    lines = path(place).read_text().splitlines() if path(place).exists() else []
    return {(sid, action) for name, sid, action in map(json.loads, lines) if name == role}
