"""Caches what moto computes again for each request to find its service and operation, although it never changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from moto import backends
from moto.core import responses

from sandbox.cloud.patches.registry import patch


@patch(backends, "list_of_moto_modules", source="4f741a10")
def list_of_moto_modules(original: Callable[[], Iterable[str]]) -> Iterable[str]:
    """moto: lists its own folder and inspects each entry."""
    return _modules(original)


@patch(responses, "method_names_from_class", source="9dbac89d")
def method_names_from_class(original: Callable[[object], list[str]], clazz: Any) -> list[str]:
    """moto: searches all attributes of the service's class; EC2's has a thousand."""
    return _methods(original, clazz)


@cache
def _modules(original: Callable[[], Iterable[str]]) -> frozenset[str]:
    return frozenset(original())


@cache
def _methods(original: Callable[[object], list[str]], clazz: Any) -> list[str]:
    return original(clazz)
