"""Which service and which operation a request is for: what moto works out again for each one, though it stays the same,
is worked out once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from moto import backends
from moto.core import responses

from sandbox.cloud.patches.registry import patch


@patch(backends, "list_of_moto_modules", source="4f741a10")
def list_of_moto_modules(original: Callable[[], Iterable[str]]) -> Iterable[str]:
    """moto: lists its own folder, and asks of each entry what it is."""
    return _modules(original)


@patch(responses, "method_names_from_class", source="9dbac89d")
def method_names_from_class(original: Callable[[object], list[str]], clazz: Any) -> list[str]:
    """moto: looks through all attributes of the service's class, of which EC2's has a thousand."""
    return _methods(original, clazz)


@cache
def _modules(original: Callable[[], Iterable[str]]) -> frozenset[str]:
    return frozenset(original())


@cache
def _methods(original: Callable[[object], list[str]], clazz: Any) -> list[str]:
    return original(clazz)
