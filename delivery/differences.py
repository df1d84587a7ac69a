"""How a resource differs: the properties of a preview's step, before and after."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

SECRET = "[secret]"  # noqa: S105 - what Pulumi shows in place of a secret
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""Pulumi's placeholder for a value that is known only after `up`: `UnknownStringValue` in pulumi/sdk
`common/resource/plugin/rpc.go`."""

LATER = "(known after the up)"

MISSING = object()
"""The value of a property that does not exist."""


@dataclass(frozen=True)
class Difference:
    """path: such as tags.environment. before, after: None if the property did not or will not exist."""

    path: str
    before: str | None
    after: str | None


def differences(step: Mapping[str, Any]) -> Iterator[Difference]:
    """Every difference of a step, properties in alphabetical order.

    Inputs are what a person writes, so they are compared first. The step's own list adds properties of which only the
    outputs differ (found by a refresh), and those that are secret before and after.
    """
    old, new = step.get("oldState") or {}, step.get("newState") or {}
    before, after = old.get("inputs") or {}, new.get("inputs") or {}
    hidden = {re.split(r"[.\[]", str(path))[0] for path in old.get("hideDiff") or ()}
    listed = {
        re.split(r"[.\[]", path)[0] for path in (*(step.get("detailedDiff") or ()), *(step.get("diffReasons") or ()))
    }
    for name in sorted({*before, *after, *listed} - {"__defaults"} - hidden):
        found = list(_between(name, before.get(name, MISSING), after.get(name, MISSING)))
        if not found and name in listed:
            was, now = ((state.get("outputs") or {}).get(name, MISSING) for state in (old, new))
            same = before.get(name, was)
            found = list(_between(name, was, now)) or [Difference(name, _text(same), _text(same))]
            # A value that is known only afterwards is not a change in itself.
            found = [each for each in found if each.after != LATER]
        yield from found


def _between(path: str, before: Any, after: Any) -> Iterator[Difference]:
    if before == after:
        return
    before, after = _opened(before), _opened(after)
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted({*before, *after} - {"__defaults"}):
            yield from _between(f"{path}.{key}", before.get(key, MISSING), after.get(key, MISSING))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from _between(f"{path}[{number}]", one, other)
    else:
        yield Difference(path, _text(before), _text(after))


def _opened(value: Any) -> Any:
    """JSON in a string (a dashboard, a policy), decoded."""
    if isinstance(value, str) and value[:1] in "{[" and value != SECRET:
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _text(value: Any) -> str | None:
    if value is MISSING:
        return None
    if value == UNKNOWN:
        return LATER
    if isinstance(value, str):
        return value.replace(UNKNOWN, LATER)
    return json.dumps(value, ensure_ascii=False, sort_keys=True).replace(f'"{UNKNOWN}"', LATER)
