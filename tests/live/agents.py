"""The setting `hosts` of the shared environment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import yaml

from tests.live.environment import Environment


def configured(environment: Environment) -> list[dict[str, Any]]:
    """The setting `hosts`, private keys encrypted."""
    return list(yaml.safe_load(environment.stack_file.read_text())["config"]["monitoring:hosts"])


@contextmanager
def changed_hosts(environment: Environment, **changes: dict[str, Any] | None) -> Iterator[None]:
    """Other settings of some hosts for a while (None: the host is taken out). Their names have _ for -."""
    by_name = {name.replace("_", "-"): change for name, change in changes.items()}
    listed = [
        host | (by_name.get(host["name"]) or {})
        for host in configured(environment)
        if by_name.get(host["name"], {}) is not None
    ]
    with environment.settings(hosts=listed):
        yield
