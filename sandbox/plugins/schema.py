"""The declarations of a resource's properties, and the checks that follow from them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, TypeVar

from sandbox.plugins.wire import Unknown


@dataclass(frozen=True)
class Failure:
    """A mistake in a resource's inputs. property: its path, such as `tags.Name`; reason: one sentence."""

    property: str
    reason: str


class Kind:
    """A property's type. `parse` turns a value into its plain form or reports why it cannot."""

    name: ClassVar[str] = "any value"

    def parse(self, value: Any, path: str, failures: list[Failure]) -> Any:
        """The value in plain form. value: decoded and revealed, never None. Unknown values are returned unchanged."""
        if isinstance(value, Unknown):
            return value
        return self._parse(value, path, failures)

    def _parse(self, value: Any, path: str, failures: list[Failure]) -> Any:
        return value

    def same(self, one: Any, other: Any) -> bool:
        """Whether two values of this kind mean the same."""
        return bool(one == other)

    def _mismatch(self, value: Any, path: str, failures: list[Failure]) -> Any:
        # The value is not shown, because it may be a secret.
        failures.append(Failure(path, f"expected {self.name}, got a {_kind_of(value)}"))
        return value


def _kind_of(value: Any) -> str:
    names: dict[type, str] = {bool: "boolean", int: "number", float: "number", str: "string", list: "list"}
    return names.get(type(value), "map")


class Text(Kind):
    """A string. Numbers and booleans are converted to strings, as bridged providers do."""

    name = "a string"

    def _parse(self, value: Any, path: str, failures: list[Failure]) -> Any:
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int | float):
            return str(value)
        return value if isinstance(value, str) else self._mismatch(value, path, failures)


class Integer(Kind):
    """An integer."""

    name = "an integer"

    def _parse(self, value: Any, path: str, failures: list[Failure]) -> Any:
        if isinstance(value, str) and value.lstrip("-").isdecimal():
            return int(value)
        if isinstance(value, bool) or not isinstance(value, int | float) or math.floor(value) != value:
            return self._mismatch(value, path, failures)
        return int(value)


class Number(Kind):
    """A number, with or without a fraction."""

    name = "a number"

    def _parse(self, value: Any, path: str, failures: list[Failure]) -> Any:
        if isinstance(value, str):
            try:
                return float(value)
            except ValueError:
                return self._mismatch(value, path, failures)
        ok = isinstance(value, int | float) and not isinstance(value, bool)
        return value if ok else self._mismatch(value, path, failures)


class Boolean(Kind):
    """True or false."""

    name = "a boolean"

    def _parse(self, value: Any, path: str, failures: list[Failure]) -> Any:
        if value in ("true", "false"):
            return value == "true"
        return value if isinstance(value, bool) else self._mismatch(value, path, failures)


class JsonText(Text):
    """A JSON document as a string; documents that differ only in layout are the same."""

    name = "a JSON document"

    def _parse(self, value: Any, path: str, failures: list[Failure]) -> Any:
        if not isinstance(value, str):
            return self._mismatch(value, path, failures)
        try:
            json.loads(value)
        except ValueError:
            failures.append(Failure(path, "contains an invalid JSON policy: it is not a JSON document"))
        return value

    def same(self, one: Any, other: Any) -> bool:
        try:
            return bool(json.loads(one) == json.loads(other))
        except (TypeError, ValueError):
            return bool(one == other)


@dataclass(frozen=True)
class ListOf(Kind):
    """A list; with `ordered=False`, a set."""

    item: Kind
    ordered: bool = True
    name: ClassVar[str] = "a list"

    def _parse(self, value: Any, path: str, failures: list[Failure]) -> Any:
        if not isinstance(value, list):
            return self._mismatch(value, path, failures)
        return [self.item.parse(item, f"{path}[{index}]", failures) for index, item in enumerate(value)]

    def same(self, one: Any, other: Any) -> bool:
        if not isinstance(one, list) or not isinstance(other, list) or len(one) != len(other):
            return False
        if not self.ordered:
            one, other = sorted(one, key=repr), sorted(other, key=repr)
        return all(self.item.same(left, right) for left, right in zip(one, other, strict=True))


@dataclass(frozen=True)
class MapOf(Kind):
    """A map from strings to values of one kind."""

    item: Kind
    name: ClassVar[str] = "a map"

    def _parse(self, value: Any, path: str, failures: list[Failure]) -> Any:
        if not isinstance(value, Mapping):
            return self._mismatch(value, path, failures)
        return {
            key: self.item.parse(item, f"{path}.{key}", failures) for key, item in value.items() if item is not None
        }


@dataclass(frozen=True)
class ObjectOf(Kind):
    """A nested object with known fields."""

    fields: Mapping[str, Input]
    name: ClassVar[str] = "an object"

    def _parse(self, value: Any, path: str, failures: list[Failure]) -> Any:
        if not isinstance(value, Mapping):
            return self._mismatch(value, path, failures)
        return parse_fields(self.fields, value, failures, f"{path}.")


@dataclass(frozen=True)
class Input:
    """An input property.

    kind: its type.  required: it must be given.  default: its value if it is left out.
    secret: always encrypted in the state.  replaces: a change requires a new resource.
    computed: the provider chooses a value if it is left out, so leaving it out is no change.
    auto_name: if left out, the logical name, a dash and seven random hexadecimal digits.
    """

    kind: Kind
    required: bool = False
    default: Any = None
    secret: bool = False
    replaces: bool = False
    computed: bool = False
    auto_name: bool = False


@dataclass(frozen=True)
class Output:
    """A property that only the provider sets. secret: always secret."""

    secret: bool = False


Declared = TypeVar("Declared")


def fields(**declared: Declared) -> Mapping[str, Declared]:
    """A class's declarations, by name: `inputs = fields(name=Input(TEXT), ...)`."""
    return MappingProxyType(declared)


TEXT, INTEGER, NUMBER, BOOLEAN, JSON, ANY = (
    Text(),
    Integer(),
    Number(),
    Boolean(),
    JsonText(),
    Kind(),
)


def parse_fields(
    fields: Mapping[str, Input], values: Mapping[str, Any], failures: list[Failure], path: str = ""
) -> dict[str, Any]:
    """Check an object's values against its fields (unknown, missing, mistyped), and fill in defaults."""
    parsed: dict[str, Any] = {}
    for key, value in values.items():
        if value is None:
            continue
        if key not in fields:
            known = ", ".join(sorted(fields))
            reason = f"Invalid or unknown key. `{path}{key}` is not a property of this object, which has: {known}"
            failures.append(Failure(f"{path}{key}", reason))
            continue
        parsed[key] = fields[key].kind.parse(value, f"{path}{key}", failures)
    for key, field in fields.items():
        if key in parsed:
            continue
        if field.default is not None:
            parsed[key] = field.default
        elif field.required:
            reason = f'Missing required argument. The argument "{path}{key}" is required, but it is not set'
            failures.append(Failure(f"{path}{key}", reason))
    return parsed
