"""The stored tree of notification policies, and which contact points and mute timings are in use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..context import Context
from ..database import Database
from . import store

ROOT = "root"
DEFAULT_RECEIVER = "grafana-default-email"
DEFAULT: dict[str, Any] = {"receiver": DEFAULT_RECEIVER, "group_by": ["grafana_folder", "alertname"]}


def stored(database: Database) -> store.Document:
    """The stored tree."""
    return store.get(database, "policy", ROOT) or dict(DEFAULT)


def every(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The node and all nodes below it."""
    yield node
    for child in node.get("routes") or []:
        yield from every(child)


def receivers_in_use(shared: Context) -> set[str]:
    """The names of contact points that policies or rules use."""
    used = {node["receiver"] for node in every(stored(shared.database)) if node.get("receiver")}
    for rule in store.every(shared.database, "rule"):
        used |= {(rule.get("notification_settings") or {}).get("receiver", "")}
    return used


def timings_in_use(shared: Context) -> set[str]:
    """The names of mute timings that policies use."""
    return {
        name
        for node in every(stored(shared.database))
        for key in ("mute_time_intervals", "active_time_intervals")
        for name in node.get(key) or []
    }
