"""The difference between two sets of inputs, property by property, as the engine shows it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sandbox.plugins.schema import Input, Kind, ListOf, MapOf, ObjectOf
from sandbox.plugins.wire import UNKNOWN

_NOTHING: tuple[Any, ...] = (None, "", [], {}, False)
"""Values that AWS and others return for a property that is not set."""


@dataclass(frozen=True)
class Change:
    """A property that differs.

    path: such as `rootBlockDevice.volumeSize`.  replaces: it requires a new resource.
    """

    path: str
    how: Literal["add", "delete", "update"]
    replaces: bool

    @property
    def top(self) -> str:
        """The name of the top-level input that the change is in."""
        return re.split(r"[.\[]", self.path, maxsplit=1)[0]


def compare(fields: Mapping[str, Input], old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    """All changes between old and new inputs, both revealed."""
    return list(_fields(fields, old, new, "", replaces=False))


def without_ignored(changes: Sequence[Change], ignored: Sequence[str]) -> list[Change]:
    """The changes outside the paths in the resource option `ignoreChanges`."""
    return [change for change in changes if not any(_covers(path, change.path) for path in ignored)]


def _covers(ignored: str, path: str) -> bool:
    if ignored == "*":
        return True
    return path == ignored or path.startswith((f"{ignored}.", f"{ignored}["))


def _fields(
    fields: Mapping[str, Input], old: Mapping[str, Any], new: Mapping[str, Any], prefix: str, *, replaces: bool
) -> Iterator[Change]:
    for name, field in fields.items():
        before, after = old.get(name), new.get(name)
        if after is None and field.computed:
            continue
        yield from _value(field.kind, before, after, f"{prefix}{name}", replaces=replaces or field.replaces)


def _value(kind: Kind, before: Any, after: Any, path: str, *, replaces: bool) -> Iterator[Change]:
    if before is None and after is None:
        return
    if before is None:
        yield Change(path, "add", replaces or _replacing(kind, after))
    elif after is None:
        yield Change(path, "delete", replaces or _replacing(kind, before))
    elif after is UNKNOWN:
        yield Change(path, "update", replaces or _replacing(kind, before))
    elif isinstance(kind, ObjectOf) and isinstance(before, Mapping):
        yield from _fields(kind.fields, before, after, f"{path}.", replaces=replaces)
    elif isinstance(kind, MapOf) and isinstance(before, Mapping):
        for key in sorted({*before, *after}):
            yield from _value(kind.item, before.get(key), after.get(key), _entry_path(path, key), replaces=replaces)
    elif isinstance(kind, ListOf) and kind.ordered and isinstance(before, list) and len(before) == len(after):
        for index, (left, right) in enumerate(zip(before, after, strict=True)):
            yield from _value(kind.item, left, right, f"{path}[{index}]", replaces=replaces)
    elif not kind.same(before, after):
        yield Change(path, "update", replaces)


def _replacing(kind: Kind, value: Any) -> bool:
    """Whether a nested object that is added or removed sets a field that requires a new resource."""
    if not isinstance(kind, ObjectOf) or not isinstance(value, Mapping):
        return False
    return any(field.replaces and value.get(name) is not None for name, field in kind.fields.items())


def _entry_path(path: str, key: str) -> str:
    """The path of a map's entry. Keys that are not identifiers are quoted in the engine's syntax."""
    return f"{path}.{key}" if re.fullmatch(r"[A-Za-z_$][\w$]*", key) else f'{path}["{key}"]'


def refreshed(
    fields: Mapping[str, Input], old: Mapping[str, Any], before: Mapping[str, Any], found: Mapping[str, Any]
) -> dict[str, Any]:
    """The inputs that would produce what was found, so that the next diff shows the drift.

    old: the inputs of the last run, empty at an import.  before: the state of the last run.
    found: the state just read.  Inputs that are not in `found` (such as how to delete) are kept.
    """
    inputs = {key: value for key, value in old.items() if key not in fields or key not in found}
    for name, field in fields.items():
        if name not in found:
            continue
        current = found[name]
        if name in old:
            value = _reconcile(field.kind, old[name], current)
            if value is not None:
                inputs[name] = value
        elif _appeared(field, name, old, before, current):
            inputs[name] = current
    return inputs


def _appeared(field: Input, name: str, old: Mapping[str, Any], before: Mapping[str, Any], current: Any) -> bool:
    """Whether a property that was found counts as an input although none was given."""
    if not old:
        # An import: a program's inputs have their defaults filled in, so defaults are inputs, too.
        return current not in _NOTHING or (current is not None and current == field.default)
    return not field.computed and before.get(name) != current and current not in (*_NOTHING, field.default)


def _reconcile(kind: Kind, old: Any, current: Any) -> Any:
    """What was found, in terms of the old input: only its fields, in its order."""
    if isinstance(kind, ObjectOf) and isinstance(old, Mapping) and isinstance(current, Mapping):
        kept = {
            key: _reconcile(kind.fields[key].kind, value, current[key]) if key in current else value
            for key, value in old.items()
            if key in kind.fields
        }
        return {key: value for key, value in kept.items() if value is not None}
    return old if current is not None and kind.same(old, current) else current
