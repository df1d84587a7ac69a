"""The configuration as Pulumi passes it, decoded: every value is a string, lists and objects are JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, get_args, get_origin

from pydantic.fields import FieldInfo

from settings import places
from settings.mistakes import DEEPEST, Mistake
from settings.model import Settings

LONGEST_NUMBER = 18
"""Digits of integers that are kept exactly. Python refuses to read integers of more than 4,300."""


def decoded(raw: Mapping[str, str]) -> tuple[dict[str, Any], list[Mistake]]:
    """The namespace's values by name, lists and objects decoded, without those that Pulumi.yaml gives as "unset"; and
    the mistakes in values that cannot be decoded, which are left out, too."""
    fields = places.fields(Settings)
    given: dict[str, Any] = {}
    mistakes = []
    for key, value in raw.items():
        namespace, _, name = key.partition(":")
        if namespace != places.NAMESPACE and key != "aws:region":
            continue
        name = key if key == "aws:region" else name
        field = fields.get(name)
        if field and _optional(field) and value in ("", "{}"):
            continue
        given[name] = value
        if (field and _is_container(field)) or value[:1] in ("[", "{"):
            try:
                given[name] = from_json(value)
            except RecursionError:
                del given[name]
                wrong = f"has more than {DEEPEST} levels of nested lists and objects"
                mistakes.append(Mistake(key, "", wrong, "write it as its description in Pulumi.yaml says"))
    return given, mistakes


def from_json(text: str) -> Any:
    """The value of a JSON text; the text itself if it is not JSON. Raises RecursionError if it is nested too deep."""
    try:
        value = json.loads(text, parse_int=lambda digits: (int if len(digits) <= LONGEST_NUMBER else float)(digits))
    except json.JSONDecodeError:
        return text
    level = [value]
    for _ in range(DEEPEST + 1):
        level = [
            inner
            for outer in level
            if isinstance(outer, list | dict)
            for inner in (outer if isinstance(outer, list) else outer.values())
        ]
    if level:
        raise RecursionError
    return value


def _is_container(field: FieldInfo) -> bool:
    return places.part(field) is not None or get_origin(field.annotation) in (tuple, dict)


def _optional(field: FieldInfo) -> bool:
    return type(None) in get_args(field.annotation)
