"""The setting `hosts` of the shared environment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.live.environment import Environment


def configured(environment: Environment) -> list[dict[str, Any]]:
    """The setting `hosts`, with private keys encrypted."""
    return list(environment.setting("hosts"))


@contextmanager
def changed_hosts(environment: Environment, **changes: dict[str, Any] | None) -> Iterator[None]:
    """Change the settings of some hosts within this context. Keywords are hosts' names with _ for -; None removes the
    host."""
    by_name = {name.replace("_", "-"): change for name, change in changes.items()}
    listed = [
        host | (by_name.get(host["name"]) or {})
        for host in configured(environment)
        if by_name.get(host["name"], {}) is not None
    ]
    with environment.settings(hosts=listed):
        yield
