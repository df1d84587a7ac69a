"""What `pulumi preview --json` and `pulumi refresh --preview-only --json` print, as data.

The format is `PreviewDigest` of pulumi/pkg `display/json.go` (3.260), filled by `backend/display/json.go`: secrets are
"[secret]" there already, replacements are one step `replace`, and a step `same` is only listed when protection changes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from delivery.differences import Difference, differences
from delivery.errors import json_from

UNCHANGED = frozenset({"same", "read", "read-discard", "discard-replaced", "refresh"})
"""Steps that change nothing; `refresh` is the step of a refresh that found no difference."""

REPLACED = frozenset({"replace", "create-replacement", "delete-replaced"})
STACK = "pulumi:pulumi:Stack"
LOCAL_COMMAND = "command:local:Command"
"""The gates: replacing one only runs it again, and nothing is lost."""


@dataclass(frozen=True)
class Change:
    """One resource that would change.

    op: create, update, again, replace, delete or unprotect. kind: its type, such as aws:ec2/instance:Instance.
    because: the properties that force a replacement.
    """

    op: str
    kind: str
    name: str
    differences: tuple[Difference, ...] = ()
    because: tuple[str, ...] = ()


@dataclass(frozen=True)
class Preview:
    """errors, warnings: messages of the program, the engine and the providers, some with several lines."""

    changes: tuple[Change, ...]
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def of(self, op: str) -> list[Change]:
        """The changes with this op."""
        return [change for change in self.changes if change.op == op]


def parsed(text: str, command: str = "pulumi preview --json") -> Preview:
    """The preview that the command printed. Raises DeliveryError when it did not print one."""
    with json_from(command):
        return _read(json.loads(text))


def _read(digest: Mapping[str, Any]) -> Preview:
    found: dict[str, Change] = {}
    for step in digest.get("steps") or []:
        if change := _change(step):
            found[step["urn"] + (" deleted" if change.op == "delete" else "")] = change
    said = list(_said(digest.get("diagnostics") or []))
    return Preview(
        tuple(found.values()),
        tuple(dict.fromkeys(message for severity, message in said if severity == "error")),
        tuple(dict.fromkeys(message for severity, message in said if severity == "warning")),
    )


def _change(step: Mapping[str, Any]) -> Change | None:
    """A step's change; None if nothing changes. Components are left out, because their parts are listed."""
    op, kind, name = step["op"], *_named(step["urn"])
    old, new = step.get("oldState") or {}, step.get("newState") or {}
    if op == "same" and old.get("protect") and not new.get("protect") and new.get("custom"):
        return Change("unprotect", kind, name)
    if op in UNCHANGED or kind == STACK or not (new or old).get("custom"):
        return None
    if op in REPLACED:
        op = "again" if kind == LOCAL_COMMAND else "replace"
    because = tuple(step.get("replaceReasons") or ()) if op == "replace" else ()
    both = op in ("update", "replace", "again")
    return Change(op, kind, name, tuple(differences(step)) if both else (), because)


def _named(urn: str) -> tuple[str, str]:
    """Type and name: urn:pulumi:STACK::PROJECT::PARENT$TYPE::NAME."""
    _, _, kinds, name = urn.split("::", 3)
    return kinds.rpartition("$")[2], name


def _said(diagnostics: list[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Severity and text of each diagnostic, without those that only repeat that there was an error."""
    for each in diagnostics:
        text = str(each.get("message") or "").strip()
        text = text.removeprefix("error: ").removeprefix("warning: ").strip()
        if text and text not in ("preview failed", "update failed", "refresh failed"):
            yield str(each.get("severity")), text
