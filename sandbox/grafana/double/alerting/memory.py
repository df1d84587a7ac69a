"""Keeps alerts across a restart, as Grafana does in its table alert_instance.

https://grafana.com/docs/grafana/latest/alerting/fundamentals/alert-rule-evaluation/
A changed rule starts without alerts.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime

from ..database import Database
from . import store
from .states import Alert, RuleState

_MOMENTS = ("since", "seen", "firing_since", "ended")


def keep(database: Database, state: RuleState) -> None:
    """Store a rule's alerts next to it."""
    alerts = [asdict(alert) for alert in state.alerts.values()]
    document = {"updated": state.rule["updated"], "alerts": json.loads(json.dumps(alerts, default=datetime.isoformat))}
    store.put(database, "state", state.rule["uid"], document)


def recall(database: Database, rule: store.Document) -> dict[str, Alert]:
    """The stored alerts of a rule; empty if the rule has changed since."""
    document = store.get(database, "state", rule["uid"])
    if document is None or document["updated"] != rule["updated"]:
        return {}
    found = {}
    for kept in document["alerts"]:
        moments = {name: datetime.fromisoformat(kept[name]) for name in _MOMENTS if kept[name]}
        found[json.dumps(sorted(kept["labels"].items()))] = Alert(**{**kept, **moments})
    return found
