"""The bodies of notifications: Grafana's webhook body, and those of other integrations, which are made from it.

https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from .states import Alert

NEVER = "0001-01-01T00:00:00Z"


def timestamp(moment: datetime | None) -> str:
    """A time as Grafana writes it; None is the year 1."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else NEVER


def message(
    receiver: str, group_labels: Mapping[str, str], alerts: Sequence[tuple[str, Alert]], root: str
) -> dict[str, Any]:
    """The webhook's body. alerts: each with the uid of its rule. root: Grafana's own URL."""
    items = [_alert(uid, alert, root) for uid, alert in alerts]
    firing = [alert for _, alert in alerts if alert.firing]
    labels, notes = _common([alert.labels for _, alert in alerts]), _common([a.annotations for _, a in alerts])
    status = "firing" if firing else "resolved"
    further = [value for name, value in sorted(labels.items()) if name not in group_labels]
    count = f"FIRING:{len(firing)}" if firing else "RESOLVED"
    title = f"[{count}] {' '.join(group_labels.values())} ({' '.join(further)})".replace(" ()", "")
    return {
        "receiver": receiver,
        "status": status,
        "orgId": 1,
        "alerts": items,
        "groupLabels": dict(group_labels),
        "commonLabels": labels,
        "commonAnnotations": {name: value for name, value in notes.items() if not name.startswith("__")},
        "externalURL": root,
        "version": "1",
        "groupKey": "{}:{" + ", ".join(f'{name}="{value}"' for name, value in group_labels.items()) + "}",
        "truncatedAlerts": 0,
        "title": title,
        "state": "alerting" if firing else "ok",
        "message": "\n\n".join(_paragraph(item) for item in items),
    }


def slack(body: Mapping[str, Any], recipient: str) -> dict[str, Any]:
    """The body of Slack's incoming webhook."""
    colour = "#D63232" if body["status"] == "firing" else "#36a64f"
    attachment = {
        "title": body["title"],
        "title_link": f"{body['externalURL']}alerting/list",
        "text": body["message"],
        "fallback": body["title"],
        "color": colour,
        "footer": "Grafana (local stand-in)",
    }
    return {"text": body["title"], "attachments": [attachment], **({"channel": recipient} if recipient else {})}


def pagerduty(body: Mapping[str, Any], key: str) -> dict[str, Any]:
    """The event of PagerDuty's Events API v2."""
    return {
        "routing_key": key,
        "dedup_key": body["groupKey"],
        "event_action": "trigger" if body["status"] == "firing" else "resolve",
        "payload": {"summary": body["title"], "severity": "critical", "source": body["externalURL"]},
    }


def _alert(rule_uid: str, alert: Alert, root: str) -> dict[str, Any]:
    dashboard, panel = (alert.annotations.get(name, "") for name in ("__dashboardUid__", "__panelId__"))
    page = f"{root}d/{dashboard}" if dashboard else ""
    values = {name: value for name, value in alert.values.items() if value is not None}
    matchers = [("matcher", f"{name}={value}") for name, value in sorted(alert.labels.items())]
    return {
        "status": "firing" if alert.firing else "resolved",
        "labels": alert.labels,
        "annotations": {name: text for name, text in alert.annotations.items() if not name.startswith("__")},
        "startsAt": timestamp(alert.firing_since),
        "endsAt": timestamp(None if alert.firing else alert.ended),
        "values": values or None,
        "valueString": ", ".join(f"[ var='{name}' value={value:g} ]" for name, value in values.items()),
        "generatorURL": f"{root}alerting/grafana/{quote(rule_uid)}/view?orgId=1",
        "fingerprint": alert.fingerprint,
        "silenceURL": f"{root}alerting/silence/new?{urlencode([('alertmanager', 'grafana'), *matchers])}",
        "dashboardURL": f"{page}?orgId=1" if page else "",
        "panelURL": f"{page}?orgId=1&viewPanel={panel}" if page and panel else "",
    }


def _common(sets: Sequence[Mapping[str, str]]) -> dict[str, str]:
    first = sets[0] if sets else {}
    return {name: value for name, value in first.items() if all(other.get(name) == value for other in sets)}


def _paragraph(alert: Mapping[str, Any]) -> str:
    notes = alert["annotations"]
    lines = [f"**{alert['status'].capitalize()}**", notes.get("summary", ""), notes.get("description", "")]
    return "\n".join(line for line in [*lines, alert["panelURL"]] if line)
