"""Places in the configuration: their names, and what kind of value each has, secret or not."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from typing import Any, get_args

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from settings.mistakes import NeverShown, short
from settings.model import Settings

NAMESPACE = "monitoring"


def key(name: str) -> str:
    """The full key of a setting: with the project's namespace, unless it has one already."""
    return name if ":" in name else f"{NAMESPACE}:{name}"


# Called for every value of every setting, always with the same result.
@functools.cache
def fields(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The model's fields by the names that users write."""
    return {str(field.alias): field for field in model.model_fields.values()}


@functools.cache
def part(field: FieldInfo) -> type[BaseModel] | None:
    """The model a field holds, if it is an object with keys of its own."""
    for kind in (field.annotation, *get_args(field.annotation)):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
    return None


def path(location: Iterable[str | int]) -> str:
    """A place in the configuration as `pulumi config set --path` takes it: monitoring:hosts[0].port."""
    first, *rest = location
    return key(short(str(first))) + "".join(
        f"[{step}]" if isinstance(step, int) else f".{short(step)}" for step in rest
    )


def walk(location: Iterable[str | int]) -> tuple[type[BaseModel] | None, FieldInfo | None]:
    """The model and the field at a place; no field for an unknown key."""
    model: type[BaseModel] | None = Settings
    holder, field = model, None
    for step in location:
        if isinstance(step, int):  # all elements of a list have the same type
            continue
        holder, field = model, fields(model).get(step) if model else None
        if field is None:
            break
        model = part(field)
    return holder, field


def holds_secrets(model: type[BaseModel] | None) -> bool:
    """Whether a field of the model, or of a model in it, is a secret."""
    return model is not None and any(is_secret(field) or holds_secrets(part(field)) for field in fields(model).values())


def is_secret(field: FieldInfo) -> bool:
    """Whether the field is a secret, required or not."""
    return SecretStr in _kinds(field)


def is_shown(field: FieldInfo) -> bool:
    """Whether error messages may repeat the field's value."""
    return not is_secret(field) and NeverShown not in (*_kinds(field), *field.metadata)


@functools.cache
def _kinds(field: FieldInfo) -> list[Any]:
    """The types that the field may hold, required or not, with their annotations."""
    return [each for kind in (field.annotation, *get_args(field.annotation)) for each in (kind, *get_args(kind))]


def secret_places(
    model: type[BaseModel] | None, value: Any, location: tuple[str | int, ...]
) -> Iterator[tuple[str | int, ...]]:
    """Where the secrets are in a value of the given model."""
    if model is None:
        return
    if isinstance(value, list):
        for number, element in enumerate(value):
            yield from secret_places(model, element, (*location, number))
    elif isinstance(value, dict):
        for name, field in fields(model).items():
            if name in value and is_secret(field):
                yield (*location, name)
            yield from secret_places(part(field), value.get(name), (*location, name))
