"""Lists rules, alerts and receivers with their states: the APIs of Prometheus and the Alertmanager.

https://grafana.com/docs/grafana/latest/developers/http_api/alerting/
"""

from __future__ import annotations

from typing import Any, cast

from flask import Blueprint, Response, current_app, jsonify

from ..context import context
from . import store
from .durations import parse_duration
from .payloads import timestamp
from .scheduler import Scheduler
from .states import Alert, RuleState

routes = Blueprint("alert_listing", __name__)

_RULE_STATES = ("Alerting", "Recovering", "Pending")


def scheduler() -> Scheduler:
    """The running application's scheduler."""
    return cast(Scheduler, current_app.extensions["alerting"])


@routes.get("/api/prometheus/grafana/api/v1/rules")
def rules() -> Response:
    """All groups with their rules, and these with their states and alerts."""
    groups: dict[tuple[str, str], list[RuleState]] = {}
    for state in scheduler().snapshot():
        groups.setdefault((state.rule["folderUID"], state.rule["ruleGroup"]), []).append(state)
    listed = []
    for (folder, name), states in sorted(groups.items()):
        listed.append(
            {
                "name": name,
                "file": states[0].folder,
                "folderUid": folder,
                "rules": [_rule(state) for state in states],
                "interval": states[0].interval,
                "lastEvaluation": timestamp(max((s.evaluated for s in states if s.evaluated), default=None)),
                "evaluationTime": sum(state.took for state in states),
            }
        )
    return jsonify(status="success", data={"groups": listed})


@routes.get("/api/alertmanager/grafana/api/v2/alerts")
def alerts() -> Response:
    """The firing alerts."""
    return jsonify([_notified(alert) for _, alert in scheduler().alerts() if alert.firing])


@routes.get("/api/alertmanager/grafana/config/api/v1/receivers")
def receivers() -> Response:
    """The contact points, with the result of each integration's newest notification."""
    attempts = scheduler().notifier.attempts
    by_name: dict[str, list[dict[str, Any]]] = {}
    for point in store.every(context().database, "contact-point"):
        attempt = attempts.get(point["uid"])
        by_name.setdefault(point["name"], []).append(
            {
                "name": point["type"],
                "sendResolved": not point.get("disableResolveMessage"),
                "lastNotifyAttempt": timestamp(attempt.at if attempt else None),
                "lastNotifyAttemptDuration": "0s",
                **({"lastNotifyAttemptError": attempt.error} if attempt and attempt.error else {}),
            }
        )
    return jsonify([{"name": name, "active": True, "integrations": items} for name, items in by_name.items()])


def _rule(state: RuleState) -> dict[str, Any]:
    rule, known = state.rule, list(state.alerts.copy().values())
    states = [alert.state for alert in known]
    worst = next((name for name in _RULE_STATES if name in states), "")
    failing = bool(state.error)
    return {
        "state": {"Alerting": "firing", "Recovering": "recovering", "Pending": "pending"}.get(worst, "inactive"),
        "name": rule["title"],
        "uid": rule["uid"],
        "folderUid": rule["folderUID"],
        "query": str(rule["data"][0]["model"].get("query", "")),
        "duration": parse_duration(rule["for"], "for"),
        "annotations": rule["annotations"],
        "labels": rule["labels"],
        "alerts": [_alert(alert) for alert in known],
        "totals": {name.lower(): states.count(name) for name in sorted(set(states))},
        "health": "error" if failing else "nodata" if _without_data(known) else "ok",
        **({"lastError": state.error} if failing else {}),
        "lastEvaluation": timestamp(state.evaluated),
        "evaluationTime": state.took,
        "isPaused": rule["isPaused"],
        "type": "alerting",
    }


def _without_data(known: list[Alert]) -> bool:
    return any(alert.state == "NoData" or alert.reason.startswith("NoData") for alert in known)


def _alert(alert: Alert) -> dict[str, Any]:
    return {
        "labels": alert.labels,
        "annotations": alert.annotations,
        "state": alert.shown_state,
        "activeAt": timestamp(alert.since if alert.state != "Normal" else None),
        "value": ", ".join(f"{name}={value}" for name, value in alert.values.items()),
    }


def _notified(alert: Alert) -> dict[str, Any]:
    return {
        "annotations": alert.annotations,
        "endsAt": timestamp(None),
        "fingerprint": alert.fingerprint,
        "receivers": [],
        "startsAt": timestamp(alert.firing_since),
        "status": {"inhibitedBy": [], "mutedBy": [], "silencedBy": [], "state": "active"},
        "updatedAt": timestamp(alert.seen),
        "labels": alert.labels,
    }
