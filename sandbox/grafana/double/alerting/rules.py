"""/api/v1/provisioning: alert rules and rule groups.

Rules of one group may have the same title: Grafana dropped that constraint in 2025 (grafana/grafana#102067; the
migration "remove title in folder unique index" in pkg/services/sqlstore/migrations/ualert).
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify

from .. import datasources, folders
from ..context import Context, body, context, text
from ..database import timestamp
from ..errors import ApiError
from ..names import check_uid, new_uid
from . import contact_points, store
from .durations import parse_duration
from .http import check_provenance, invalid, provenance

EXPRESSION = "__expr__"
"""The data source uid of server-side expressions: reduce, threshold, math, …"""

BASE_INTERVAL = 10
"""Seconds. Groups' intervals are multiples of the scheduler's 10 s."""

TITLE_LENGTH = 190
_NO_DATA = ("Alerting", "NoData", "OK", "KeepLast")
_ERROR = ("Alerting", "Error", "OK", "KeepLast")

routes = Blueprint("rules", __name__, url_prefix="/api/v1/provisioning")


def _checked(shared: Context, given: dict[str, Any], stored: store.Document | None = None) -> store.Document:
    """The rule to store, with Grafana's defaults; 400 with the reason if Grafana would refuse it."""
    uid = text(given, "uid") or (stored["uid"] if stored else new_uid())
    check_uid(uid)
    title, folder, group = text(given, "title"), text(given, "folderUID"), text(given, "ruleGroup")
    for name, value in (("title", title), ("folderUID", folder), ("ruleGroup", group)):
        if not value:
            raise invalid(f"invalid alert rule: {name} cannot be empty")
    if len(title) > TITLE_LENGTH:
        raise invalid(f"invalid alert rule: title is longer than {TITLE_LENGTH} characters")
    try:
        folders.find(shared, "uid", folder)
    except ApiError:
        raise invalid(f"invalid alert rule: folder {folder} does not exist") from None
    no_data, error = text(given, "noDataState", "NoData"), text(given, "execErrState", "Error")
    if no_data not in _NO_DATA or error not in _ERROR:
        raise invalid(f"invalid alert rule: unknown state, noDataState {no_data!r}, execErrState {error!r}")
    _check_queries(shared, given)
    _check_texts(given)
    settings = given.get("notification_settings")
    if settings and settings.get("receiver") not in contact_points.names(shared):
        raise invalid(f"receiver {settings.get('receiver')} does not exist")
    for name in ("for", "keep_firing_for"):
        parse_duration(text(given, name, "0s"), name)
    return {
        "id": stored["id"] if stored else 1 + max([rule["id"] for rule in store.every(shared.database, "rule")] or [0]),
        "uid": uid,
        "orgID": 1,
        "folderUID": folder,
        "ruleGroup": group,
        "title": title,
        "condition": text(given, "condition"),
        "data": given["data"],
        "updated": timestamp(),
        "noDataState": no_data,
        "execErrState": error,
        "for": text(given, "for", "0s"),
        "keep_firing_for": text(given, "keep_firing_for", "0s"),
        "annotations": given.get("annotations") or {},
        "labels": given.get("labels") or {},
        "provenance": provenance(),
        "isPaused": bool(given.get("isPaused")),
        "notification_settings": settings,
        "record": given.get("record"),
        "missing_series_evals_to_resolve": given.get("missing_series_evals_to_resolve"),
    }


def _check_queries(shared: Context, given: dict[str, Any]) -> None:
    queries = given.get("data")
    if not isinstance(queries, list) or not queries:
        raise invalid("invalid alert rule: no queries or expressions are found")
    seen = set()
    for query in queries:
        ref_id = query.get("refId") if isinstance(query, dict) else None
        if not ref_id or ref_id in seen:
            raise invalid(f"invalid alert rule: refId {ref_id!r} is missing or used twice")
        seen.add(ref_id)
        if not isinstance(query.get("model"), dict):
            raise invalid(f"invalid alert rule: query {ref_id} has no model")
        source = query.get("datasourceUid") or ""
        if source in (EXPRESSION, "-100"):
            continue
        try:
            datasources.find(shared, "uid", source)
        except ApiError:
            raise invalid(f"invalid alert rule: data source {source!r} of query {ref_id} does not exist") from None
        span = query.get("relativeTimeRange") or {}
        if not float(span.get("from") or 0) > float(span.get("to") or 0):
            raise invalid(f"invalid alert rule: query {ref_id} has invalid relative time range")
    if not given.get("record") and given.get("condition") not in seen:
        raise invalid(f"invalid alert rule: condition {given.get('condition')} does not exist, must be one of {seen}")


def _check_texts(given: dict[str, Any]) -> None:
    for key in ("annotations", "labels"):
        values = given.get(key) or {}
        if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
            raise invalid(f"invalid alert rule: {key} must be texts by name")


def _rule(shared: Context, uid: str) -> store.Document:
    found = store.get(shared.database, "rule", uid)
    if found is None:
        raise ApiError(404, "")  # only the status, see ngalert/api/api_provisioning.go
    return found


@routes.get("/alert-rules")
def list_all() -> Response:
    """All rules."""
    return jsonify(store.every(context().database, "rule"))


@routes.get("/alert-rules/<uid>")
def read(uid: str) -> Response:
    """One rule."""
    return jsonify(_rule(context(), uid))


@routes.post("/alert-rules")
def create() -> tuple[Response, int]:
    """Create a rule; 409 for a uid in use."""
    shared = context()
    with shared.database.transaction():
        rule = _checked(shared, body())
        if store.get(shared.database, "rule", rule["uid"]):
            raise ApiError.with_id(409, "alerting.alert-rule.conflict", "a conflicting alert rule is found: uid")
        store.put(shared.database, "rule", rule["uid"], rule)
    return jsonify(rule), 201


@routes.put("/alert-rules/<uid>")
def update(uid: str) -> Response:
    """Replace a rule."""
    shared = context()
    with shared.database.transaction():
        stored = _rule(shared, uid)
        check_provenance(stored)
        rule = _checked(shared, {**body(), "uid": uid}, stored)
        store.put(shared.database, "rule", uid, rule)
    return jsonify(rule)


@routes.delete("/alert-rules/<uid>")
def delete(uid: str) -> tuple[str, int]:
    """Delete a rule."""
    shared = context()
    stored = store.get(shared.database, "rule", uid)
    if stored:
        check_provenance(stored)
        store.delete(shared.database, "rule", uid)
    return "", 204


def _no_group() -> ApiError:
    """As in pkg/services/ngalert/models/errors.go, where an error without a message has that of its kind."""
    return ApiError.with_id(404, "alerting.alert-rule.notFound", "NotFound")


def _members(shared: Context, folder: str, group: str) -> list[store.Document]:
    return [rule for rule in store.rules_in_folder(shared.database, folder) if rule["ruleGroup"] == group]


@routes.get("/folder/<folder>/rule-groups/<group>")
def read_group(folder: str, group: str) -> Response:
    """A group: title, folderUid, interval in seconds, and the rules in their order."""
    shared = context()
    rules = _members(shared, folder, group)
    if not rules:
        raise _no_group()
    details = store.get(shared.database, "group", store.group_key(folder, group)) or {
        "interval": store.DEFAULT_INTERVAL,
        "order": [],
    }
    order = {uid: number for number, uid in enumerate(details["order"])}
    rules.sort(key=lambda rule: order.get(rule["uid"], len(order)))
    return jsonify(title=group, folderUid=folder, interval=details["interval"], rules=rules)


@routes.put("/folder/<folder>/rule-groups/<group>")
def replace_group(folder: str, group: str) -> Response:
    """Replace a group: rules that are not in the body are deleted, those with a known uid are updated."""
    shared = context()
    given = body()
    interval = given.get("interval") or store.DEFAULT_INTERVAL
    if not isinstance(interval, int) or interval <= 0 or interval % BASE_INTERVAL:
        raise invalid(f"interval ({interval} s) should be non-zero and divided exactly by {BASE_INTERVAL} s")
    with shared.database.transaction():
        before = {rule["uid"]: rule for rule in _members(shared, folder, group)}
        for rule in before.values():
            check_provenance(rule)
        rules = []
        for item in given.get("rules") or []:
            stored = store.get(shared.database, "rule", str(item.get("uid") or ""))
            rules.append(_checked(shared, {**item, "folderUID": folder, "ruleGroup": group}, stored))
            store.put(shared.database, "rule", rules[-1]["uid"], rules[-1])
        order = [rule["uid"] for rule in rules]
        for uid in before.keys() - set(order):
            store.delete(shared.database, "rule", uid)
        store.put(shared.database, "group", store.group_key(folder, group), {"interval": interval, "order": order})
    return jsonify(title=group, folderUid=folder, interval=interval, rules=rules)


@routes.delete("/folder/<folder>/rule-groups/<group>")
def delete_group(folder: str, group: str) -> tuple[str, int]:
    """Delete a group with its rules."""
    shared = context()
    with shared.database.transaction():
        rules = _members(shared, folder, group)
        if not rules:
            raise _no_group()
        for rule in rules:
            check_provenance(rule)
            store.delete(shared.database, "rule", rule["uid"])
        store.delete(shared.database, "group", store.group_key(folder, group))
    return "", 204
