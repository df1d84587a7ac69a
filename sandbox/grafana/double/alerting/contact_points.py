"""/api/v1/provisioning/contact-points."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request

from ..context import Context, body, context, text
from ..errors import ApiError
from ..names import check_uid, new_uid
from . import receivers, store, tree
from .http import check_provenance, invalid, provenance

REDACTED = "[REDACTED]"

routes = Blueprint("contact_points", __name__, url_prefix="/api/v1/provisioning/contact-points")


def names(shared: Context) -> set[str]:
    """The names that a notification policy can use."""
    return {point["name"] for point in store.every(shared.database, "contact-point")}


def _public(point: store.Document) -> store.Document:
    secret = receivers.RECEIVERS[point["type"]].secret
    settings = {key: REDACTED if key in secret else value for key, value in point["settings"].items()}
    return {**point, "settings": settings}


def _checked(shared: Context, given: dict[str, Any], stored: store.Document | None) -> store.Document:
    """The checked document to store, with secret settings encrypted."""
    name, kind = text(given, "name"), text(given, "type")
    settings = given.get("settings") or {}
    if not isinstance(settings, dict):
        raise ApiError(400, "bad request data")
    if not name:
        raise invalid("contact point name cannot be empty")
    fault = receivers.problem(kind, settings)
    if fault:
        raise invalid(fault)
    uid = text(given, "uid") or (stored["uid"] if stored else new_uid())
    check_uid(uid)
    sealed = {}
    for key, value in settings.items():
        if key not in receivers.RECEIVERS[kind].secret or not value:
            sealed[key] = value
        elif value == REDACTED and stored and key in stored["settings"]:
            sealed[key] = stored["settings"][key]
        else:
            sealed[key] = shared.vault.seal(str(value))
    return {
        "uid": uid,
        "name": name,
        "type": kind,
        "settings": sealed,
        "disableResolveMessage": bool(given.get("disableResolveMessage")),
        "provenance": provenance(),
    }


@routes.get("")
def list_all() -> Response:
    """All contact points, or those named `name`, with secret settings redacted."""
    wanted = request.args.get("name")
    points = store.every(context().database, "contact-point")
    return jsonify([_public(point) for point in points if wanted in (None, point["name"])])


@routes.post("")
def create() -> tuple[Response, int]:
    """Create a contact point; those with the same name notify together."""
    shared = context()
    point = _checked(shared, body(), None)
    with shared.database.transaction():
        if store.get(shared.database, "contact-point", point["uid"]):
            raise invalid(f"receiver configuration with UID '{point['uid']}' already exist in contact point")
        store.put(shared.database, "contact-point", point["uid"], point)
    return jsonify(_public(point)), 202


@routes.put("/<uid>")
def update(uid: str) -> tuple[Response, int]:
    """Replace a contact point."""
    shared = context()
    with shared.database.transaction():
        stored = store.get(shared.database, "contact-point", uid)
        if stored is None:
            raise ApiError(404, f"contact point with uid '{uid}' not found", traceID="")
        check_provenance(stored)
        point = {**_checked(shared, {**body(), "uid": uid}, stored)}
        store.put(shared.database, "contact-point", uid, point)
        _refuse_if_used(shared, stored["name"])
    return jsonify(message="contactpoint updated"), 202


@routes.delete("/<uid>")
def delete(uid: str) -> tuple[Response, int]:
    """Delete a contact point; 409 while a policy or rule uses it."""
    shared = context()
    with shared.database.transaction():
        stored = store.get(shared.database, "contact-point", uid)
        if stored is None:
            return jsonify(message="contactpoint deleted"), 202
        check_provenance(stored)
        store.delete(shared.database, "contact-point", uid)
        _refuse_if_used(shared, stored["name"])
    return jsonify(message="contactpoint deleted"), 202


def _refuse_if_used(shared: Context, name: str) -> None:
    """Raises 409 if a policy or rule uses the name, but no contact point has it any more."""
    if name not in names(shared) and name in tree.receivers_in_use(shared):
        raise ApiError.with_id(
            409,
            "alerting.notifications.receivers.used",
            f"Receiver '{name}' is used by notification policies or alert rules",
        )
