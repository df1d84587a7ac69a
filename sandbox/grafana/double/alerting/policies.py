"""/api/v1/provisioning/policies: the tree of notification policies, which determines who is notified of what."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify

from ..context import Context, body, context
from ..database import Database
from ..names import new_uid
from . import contact_points, store, tree
from .durations import parse_duration
from .http import check_provenance, invalid, provenance

_OPERATORS = ("=", "!=", "=~", "!~")

routes = Blueprint("policies", __name__, url_prefix="/api/v1/provisioning/policies")


def ensure_default(database: Database) -> None:
    """Create what Grafana starts with: a contact point with an example address, and a policy that sends all alerts
    there."""
    with database.transaction():
        if store.get(database, "policy", tree.ROOT):
            return
        uid = new_uid()
        point = {
            "uid": uid,
            "name": tree.DEFAULT_RECEIVER,
            "type": "email",
            "settings": {"addresses": "<example@email.com>"},
            "disableResolveMessage": False,
            "provenance": "",
        }
        store.put(database, "contact-point", uid, point)
        store.put(database, "policy", tree.ROOT, {**tree.DEFAULT, "provenance": ""})


def _check(shared: Context, given: dict[str, Any]) -> None:
    known = contact_points.names(shared)
    timings = {timing["name"] for timing in store.every(shared.database, "mute-timing")}
    if not given.get("receiver"):
        raise invalid("root route must specify a default receiver")
    if given.get("object_matchers") or given.get("matchers"):
        raise invalid("root route must not have any matchers")
    for node in tree.every(given):
        receiver = node.get("receiver")
        if receiver and receiver not in known:
            raise invalid(f"receiver '{receiver}' does not exist")
        for key in ("group_wait", "group_interval", "repeat_interval"):
            if node.get(key):
                parse_duration(str(node[key]), key)
        for matcher in node.get("object_matchers") or []:
            if not isinstance(matcher, list) or len(matcher) != 3 or matcher[1] not in _OPERATORS:
                raise invalid(f"matcher {matcher} must be [label, one of {' '.join(_OPERATORS)}, value]")
        for key in ("mute_time_intervals", "active_time_intervals"):
            for name in node.get(key) or []:
                if name not in timings:
                    raise invalid(f"mute time interval '{name}' does not exist")


@routes.get("")
def read() -> Response:
    """The tree."""
    return jsonify(tree.stored(context().database))


@routes.put("")
def replace() -> tuple[Response, int]:
    """Replace the whole tree."""
    shared = context()
    given = body()
    with shared.database.transaction():
        check_provenance(tree.stored(shared.database))
        _check(shared, given)
        store.put(shared.database, "policy", tree.ROOT, {**given, "provenance": provenance()})
    return jsonify(message="policies updated"), 202


@routes.delete("")
def reset() -> tuple[Response, int]:
    """Reset to the default tree."""
    shared = context()
    with shared.database.transaction():
        if tree.DEFAULT_RECEIVER not in contact_points.names(shared):
            store.delete(shared.database, "policy", tree.ROOT)
            ensure_default(shared.database)
        store.put(shared.database, "policy", tree.ROOT, {**tree.DEFAULT, "provenance": ""})
    return jsonify(message="policies reset"), 202
