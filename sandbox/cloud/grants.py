"""Which statements of roles' policies were used: a log of what each role was allowed, for the test that policies
grant nothing superfluous.
"""

from __future__ import annotations

import json
from pathlib import Path

from sandbox.cloud import policies
from sandbox.cloud.identities import Identity
from sandbox.cloud.policies import Question
from sandbox.place import Place

_noted: set[tuple[str, str, str]] = set()
_file: list[Path] = []


def path(place: Place) -> Path:
    """The log file: per line one JSON array of the role's name, the statement's Sid and the action."""
    return place.state / "cloud" / "grants.jsonl"


def start(place: Place) -> None:
    """Begin an empty list."""
    path(place).unlink(missing_ok=True)
    _noted.clear()
    _file[:] = [path(place)]


def note(identity: Identity, question: Question) -> None:
    """Record, once, which statement allowed a role's session to do something. Users are not recorded."""
    role = identity.context.get("aws:PrincipalArn", "")
    if ":role/" not in role or not _file:
        return
    for document in identity.policies:
        for statement in policies.statements(document):
            line = (role.rpartition("/")[2], str(statement.get("Sid", "")), question.action)
            if line not in _noted and statement["Effect"] == "Allow" and policies.applies(statement, question):
                _noted.add(line)
                with _file[0].open("a") as file:
                    file.write(json.dumps(line) + "\n")


def read(place: Place, role: str) -> set[tuple[str, str]]:
    """Pairs of Sid and action that a role was allowed so far. role: its name."""
    lines = path(place).read_text().splitlines() if path(place).exists() else []
    return {(sid, action) for name, sid, action in map(json.loads, lines) if name == role}
