"""/apis/notifications.alerting.grafana.app: lists the contact points with their integrations, and tests one.

Follows Grafana's pkg/registry/apps/alerting/notifications/receiver (handler.go: HandleReceiverTestingRequest and its
validation). The older address has returned 410 since Grafana 13 (grafana/grafana#121692).
"""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, jsonify

from ..context import Context, body, context
from ..errors import ApiError
from . import delivery, payloads, receivers, store
from .faults import DeliveryError
from .states import Alert

GROUP = "notifications.alerting.grafana.app/v1beta1"

routes = Blueprint("receiver_testing", __name__)


def _name(title: str) -> str:
    """A contact point's name in this API."""
    return base64.urlsafe_b64encode(title.encode()).decode().rstrip("=")


def _integration(point: store.Document) -> dict[str, Any]:
    secret = [key for key in receivers.RECEIVERS[point["type"]].secret if point["settings"].get(key)]
    return {
        "uid": point["uid"],
        "type": point["type"],
        "version": "v1",
        "disableResolveMessage": point["disableResolveMessage"],
        "settings": {key: value for key, value in point["settings"].items() if key not in secret},
        "secureFields": dict.fromkeys(secret, True),
    }


@routes.get(f"/apis/{GROUP}/namespaces/default/receivers")
def list_all() -> Response:
    """All contact points; of secret settings only whether they are set."""
    by_title: dict[str, list[dict[str, Any]]] = {}
    for point in store.every(context().database, "contact-point"):
        by_title.setdefault(point["name"], []).append(_integration(point))
    items = [
        {
            "metadata": {"name": _name(title), "namespace": "default"},
            "spec": {"title": title, "integrations": integrations},
        }
        for title, integrations in by_title.items()
    ]
    return jsonify(apiVersion=GROUP, kind="ReceiverList", items=items)


@routes.post(f"/apis/{GROUP}/namespaces/default/receivers/<name>/test")
def test(name: str) -> Response:
    """Send a message through one integration; a failed delivery is a valid response, too."""
    shared, given = context(), body()
    points = [point for point in store.every(shared.database, "contact-point") if _name(point["name"]) == name]
    if not points:
        raise ApiError(404, f'receivers.notifications.alerting.grafana.app "{name}" not found')
    point = _patched(shared, points, given.get("integration") or {})
    alert = given.get("alert") or {}
    now = datetime.now(UTC)
    firing = Alert(alert.get("labels") or {}, alert.get("annotations") or {}, "Alerting", now, now, firing_since=now)
    message = payloads.message(point["name"], firing.labels, [("test", firing)], shared.settings.root_url)
    began, error = time.monotonic(), {}
    try:
        delivery.send(shared, point, message)
    except DeliveryError as failed:
        error = {"error": str(failed)}
    took = f"{round(1000 * (time.monotonic() - began))}ms"
    return jsonify(status="failure" if error else "success", duration=took, **error)


def _patched(shared: Context, points: list[store.Document], given: Mapping[str, Any]) -> store.Document:
    """The integration to test: the given one, with the stored secret settings that it refers to."""
    kind, settings, kept = given.get("type"), given.get("settings"), given.get("secureFields") or {}
    if not kind or not isinstance(settings, dict):
        raise ApiError(400, "integration must be set")
    stored = next((point for point in points if point["uid"] == given.get("uid")), None)
    if kept and stored is None:
        raise ApiError(400, "integration must have a UID to be tested with patched secure settings")
    clear = {key: shared.vault.open(stored["settings"][key]) for key in kept if kept[key]} if stored else {}
    if fault := receivers.problem(kind, {**settings, **clear}):
        raise ApiError(400, fault)
    secret = receivers.RECEIVERS[kind].secret
    sealed = {key: shared.vault.seal(str(v)) if key in secret else v for key, v in {**settings, **clear}.items() if v}
    return {**points[0], "type": kind, "settings": sealed}


@routes.post("/api/alertmanager/grafana/config/api/v1/receivers/test")
def gone() -> tuple[Response, int]:
    """The address of this API before Grafana 13."""
    return jsonify(message=f"removed: use /apis/{GROUP}/namespaces/{{namespace}}/receivers/{{uid}}/test"), 410
