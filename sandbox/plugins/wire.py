"""Converts property values between the engine's protocol buffers and plain Python.

The SDK's own `PropertyValue` loses unknown values, of which previews are full; this codec keeps them. Decoded values
are None, bool, int, float, str, list, dict and two marks: `UNKNOWN` and `Secret`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf import struct_pb2

Properties = dict[str, Any]
"""The decoded properties of a resource (inputs or state)."""

# The protocol's constants (sdk/go/common/resource/properties.go of pulumi/pulumi).
_SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
_SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"
_OUTPUT: Final = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
_RESOURCE: Final = "5cf8f73096256a8f31e491e813e4eb8e"
_UNKNOWN_VALUE: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_UNKNOWN_VALUES: Final = {
    _UNKNOWN_VALUE,  # of any type; the others are typed and come from older SDKs
    "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
    "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
    "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
    "030794c1-ac77-496b-92df-f27374a8bd58",
    "e48ece36-62e2-4504-bad9-02848725956a",
    "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
}


class Unknown:
    """The type of `UNKNOWN`, a value that only the real run will know."""

    def __repr__(self) -> str:
        return "UNKNOWN"

    def __deepcopy__(self, _memo: object) -> Unknown:
        return self


UNKNOWN: Final = Unknown()


@dataclass(frozen=True)
class Secret:
    """A value that the engine keeps encrypted and does not print."""

    value: Any

    def __repr__(self) -> str:
        return "[secret]"


def decode_map(struct: struct_pb2.Struct) -> Properties:
    """The properties in a message, without null ones."""
    decoded = {key: _decode(value) for key, value in struct.fields.items()}
    return {key: value for key, value in decoded.items() if value is not None}


def encode_map(properties: Mapping[str, Any]) -> struct_pb2.Struct:
    """The opposite of `decode_map`. Values that are None are left out."""
    return struct_pb2.Struct(fields={key: _encode(value) for key, value in properties.items() if value is not None})


def _decode(value: struct_pb2.Value) -> Any:
    match value.WhichOneof("kind"):
        case "bool_value":
            return value.bool_value
        case "number_value":
            # All numbers arrive as floats; whole ones were integers.
            number = value.number_value
            return int(number) if number.is_integer() else number
        case "string_value":
            return UNKNOWN if value.string_value in _UNKNOWN_VALUES else value.string_value
        case "list_value":
            return [_decode(item) for item in value.list_value.values]
        case "struct_value":
            return _decode_struct(value.struct_value)
        case _:
            return None


def _decode_struct(struct: struct_pb2.Struct) -> Any:
    fields = struct.fields
    if _SIGNATURE not in fields:
        return {key: _decode(item) for key, item in fields.items()}
    signature = fields[_SIGNATURE].string_value
    if signature == _SECRET:
        return Secret(_decode(fields["value"]))
    if signature == _OUTPUT:
        inner = _decode(fields["value"]) if "value" in fields else UNKNOWN
        return Secret(inner) if "secret" in fields and fields["secret"].bool_value else inner
    if signature == _RESOURCE:
        return _decode(fields["id"]) if "id" in fields else fields["urn"].string_value
    raise ValueError(f"a value of the kind {signature}: no resource of the local environment takes one")


def _encode(value: Any) -> struct_pb2.Value:  # noqa: PLR0911 (one for each type)
    if value is None:
        return struct_pb2.Value(null_value=struct_pb2.NULL_VALUE)
    if isinstance(value, Unknown):
        return struct_pb2.Value(string_value=_UNKNOWN_VALUE)
    if isinstance(value, bool):
        return struct_pb2.Value(bool_value=value)
    if isinstance(value, int | float):
        return struct_pb2.Value(number_value=value)
    if isinstance(value, str):
        return struct_pb2.Value(string_value=value)
    if isinstance(value, Secret):
        return _signed(_SECRET, {"value": value.value})
    if isinstance(value, Mapping):
        fields = {str(key): _encode(item) for key, item in value.items()}
        return struct_pb2.Value(struct_value=struct_pb2.Struct(fields=fields))
    if isinstance(value, list | tuple | set | frozenset):
        items = [_encode(item) for item in value]
        return struct_pb2.Value(list_value=struct_pb2.ListValue(values=items))
    raise TypeError(f"a property cannot hold a {type(value).__name__}")


def _signed(signature: str, fields: Mapping[str, Any]) -> struct_pb2.Value:
    marked = {_SIGNATURE: struct_pb2.Value(string_value=signature)}
    marked.update({key: _encode(item) for key, item in fields.items()})
    return struct_pb2.Value(struct_value=struct_pb2.Struct(fields=marked))


def reveal(value: Any) -> Any:
    """The value without its secret marks."""
    if isinstance(value, Secret):
        return reveal(value.value)
    if isinstance(value, Mapping):
        return {key: reveal(item) for key, item in value.items()}
    if isinstance(value, list):
        return [reveal(item) for item in value]
    return value


def has(value: Any, mark: type) -> bool:
    """Whether a mark (`Secret`, `Unknown`) occurs anywhere in the value."""
    if isinstance(value, mark):
        return True
    if isinstance(value, Secret):
        return has(value.value, mark)
    if isinstance(value, Mapping):
        return any(has(item, mark) for item in value.values())
    return isinstance(value, list) and any(has(item, mark) for item in value)


def mark_like(value: Any, pattern: Any) -> Any:
    """The value with secret marks where the pattern, a value of the same shape, has them.

    If the shapes differ, the whole value becomes secret if anything in the pattern is, as in the engine.
    """
    if value is None or not has(pattern, Secret):
        return value
    if isinstance(pattern, Secret) or not isinstance(value, Mapping) or not isinstance(pattern, Mapping):
        return value if isinstance(value, Secret) else Secret(reveal(value))
    return {key: mark_like(item, pattern.get(key)) for key, item in value.items()}


def secret_texts(value: Any, *, inside: bool = False) -> Iterator[str]:
    """Every text below a secret mark, to be redacted from messages."""
    if isinstance(value, Secret):
        yield from secret_texts(value.value, inside=True)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from secret_texts(item, inside=inside)
    elif isinstance(value, list):
        for item in value:
            yield from secret_texts(item, inside=inside)
    elif inside and isinstance(value, str):
        yield value
