"""Nested objects whose names differ between the program and Grafana's API.

A `Shape` declares both sides' names once; the inputs' kinds and the translations in both directions follow from it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from sandbox.plugins.base import TEXT, Failure, Input, ListOf, ObjectOf, Properties
from sandbox.plugins.schema import JsonText, Kind, Text

_MODEL_DEFAULTS = {"intervalMs": 1000, "maxDataPoints": 43200, "hide": False}
"""What Grafana adds to a rule's query."""

_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w|y)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0, "y": 31536000.0}


class Duration(Text):
    """A duration such as `5m` or `1h30m`; `60s` and `1m` are the same."""

    name: ClassVar[str] = "a duration"

    def _parse(self, value: Any, path: str, failures: list[Failure]) -> Any:
        text = super()._parse(value, path, failures)
        if isinstance(text, str) and _seconds(text) is None:
            failures.append(Failure(path, f"{text!r} is not a valid duration: write 30s, 5m or 1h"))
        return text

    def same(self, one: Any, other: Any) -> bool:
        return _seconds(str(one)) == _seconds(str(other))


def _seconds(text: str) -> float | None:
    if text in ("", "0"):
        return 0
    if not re.fullmatch(rf"(?:{_DURATION_PART.pattern})+", text):
        return None
    return sum(float(number) * _SECONDS[unit] for number, unit in _DURATION_PART.findall(text))


class ModelJson(JsonText):
    """A rule's query as JSON, compared without what Grafana adds."""

    def same(self, one: Any, other: Any) -> bool:
        try:
            return bool(_plain_model(one) == _plain_model(other))
        except (TypeError, ValueError):
            return bool(one == other)


def _plain_model(text: str) -> dict[str, Any]:
    model = json.loads(text)
    return {key: value for key, value in model.items() if _MODEL_DEFAULTS.get(key) != value}


DURATION, MODEL = Duration(), ModelJson()


@dataclass(frozen=True)
class Mapped:
    """A field: its name in the API, and its kind in the program.

    shape: of a nested object; with `many`, of each object in a list.  joined: the separator with which the API joins
    a list into one text.  hidden: the API never returns the value.
    """

    api: str
    kind: Kind = TEXT
    required: bool = False
    default: Any = None
    shape: Shape | None = None
    many: bool = False
    joined: str = ""
    hidden: bool = False

    def input(self) -> Input:
        """The field as an input property."""
        kind = self.kind
        if self.shape is not None:
            kind = ListOf(self.shape.kind()) if self.many else self.shape.kind()
        return Input(kind, required=self.required, default=self.default)

    def to_api(self, value: Any) -> Any:
        """The value as the API wants it."""
        if self.shape is not None:
            return [self.shape.to_api(item) for item in value] if self.many else self.shape.to_api(value)
        if self.joined:
            return self.joined.join(value)
        return json.loads(value) if isinstance(self.kind, ModelJson) else value

    def from_api(self, value: Any, like: Any) -> Any:
        """The API's value in the program's terms. `like` is returned if it means the same."""
        if value is None:
            return None
        if self.shape is not None and self.many:
            items = like if isinstance(like, list) else []
            return [
                self.shape.from_api(item, items[number] if number < len(items) else {})
                for number, item in enumerate(value)
            ]
        if self.shape is not None:
            return self.shape.from_api(value, like or {})
        if self.joined:
            value = [item for item in str(value).split(self.joined) if item]
        if isinstance(self.kind, ModelJson):
            value = json.dumps(value, separators=(",", ":"), sort_keys=True)
        return like if like is not None and self.kind.same(like, value) else value


@dataclass(frozen=True)
class Shape:
    """A nested object's fields, by the program's names."""

    fields: Mapping[str, Mapped]

    def kind(self) -> ObjectOf:
        """The object as a property's kind."""
        return ObjectOf(self.inputs())

    def inputs(self) -> dict[str, Input]:
        """The fields as input properties."""
        return {name: mapped.input() for name, mapped in self.fields.items()}

    def to_api(self, values: Properties) -> Properties:
        """The object as the API wants it, without fields that are not set."""
        return {
            mapped.api: mapped.to_api(values[name])
            for name, mapped in self.fields.items()
            if values.get(name) is not None
        }

    def from_api(self, found: Properties, like: Properties) -> Properties:
        """The API's object in the program's terms: the fields in `like`, and others that are not empty.

        like: the object as last known, so that fields that are not set are no difference.
        """
        inputs: Properties = {}
        for name, mapped in self.fields.items():
            before = like.get(name)
            if mapped.hidden:
                value = before if found.get(mapped.api) else None
            else:
                value = mapped.from_api(found.get(mapped.api), before)
            if value in (None, "", [], {}, False, 0, mapped.default) and before in (None, value):
                value = before
            if value is not None:
                inputs[name] = value
        return inputs
