"""Applies the notification policies: who is notified of which alerts, and when.

An alert goes down the tree to the deepest policy that matches, which groups alerts by labels. A group is notified after
the group wait, again after the group interval if it has changed, and again after the repeat interval while it fires.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ..context import Context
from . import delivery, payloads, store, timings
from .durations import parse_duration
from .faults import DeliveryError
from .states import Alert
from .tree import stored

_DEFAULTS = {"group_wait": "30s", "group_interval": "5m", "repeat_interval": "4h"}
_INHERITED = ("receiver", "group_by", *_DEFAULTS)


@dataclass
class Attempt:
    """The newest notification of an integration. error: empty if it was delivered."""

    at: datetime
    error: str = ""


@dataclass
class _Group:
    """Alerts that are notified together. sent: whether each was firing at the last notification, by fingerprint."""

    policy: Mapping[str, Any]
    labels: dict[str, str]
    began: datetime
    sent_at: datetime | None = None
    sent: dict[str, bool] = field(default_factory=dict)


Alerts = Sequence[tuple[str, Alert]]
"""Alerts with the uids of their rules."""


class Notifier:
    """Keeps the groups, and sends notifications when they are due."""

    def __init__(self, shared: Context) -> None:
        self.shared = shared
        self.attempts: dict[str, Attempt] = {}
        self._groups: dict[tuple[Any, ...], _Group] = {}

    def tick(self, alerts: Alerts, now: datetime) -> None:
        """Send the notifications that are due for these alerts."""
        members: dict[tuple[Any, ...], list[tuple[str, Alert]]] = {}
        tree = stored(self.shared.database)
        for uid, alert in alerts:
            if not alert.firing and alert.ended is None:
                continue
            for path, policy in _matching(tree, dict(_DEFAULTS), alert.labels, ()):
                labels = _group_labels(policy, alert.labels)
                key = (path, policy["receiver"], tuple(sorted(labels.items())))
                group = self._groups.setdefault(key, _Group(policy, labels, now))
                group.policy = policy
                members.setdefault(key, []).append((uid, alert))
        for key, group in list(self._groups.items()):
            if key not in members:
                del self._groups[key]
            else:
                self._notify_if_due(group, members[key], now)

    def _notify_if_due(self, group: _Group, alerts: Alerts, now: datetime) -> None:
        present = {alert.fingerprint: alert.firing for _, alert in alerts}
        # An alert that was resolved before its first notification is not sent, and no resolution is sent twice.
        fresh = [(u, a) for u, a in alerts if a.firing or group.sent.get(a.fingerprint)]
        if not fresh or now < _due(group, present, now):
            return
        # Nothing is recorded, so alerts that still fire when the mute timing ends are sent then.
        if timings.muted(self.shared, group.policy["mute_time_intervals"], now):
            return
        body = payloads.message(group.policy["receiver"], group.labels, fresh, self.shared.settings.root_url)
        for point in store.every(self.shared.database, "contact-point"):
            if point["name"] == group.policy["receiver"]:
                self._send(point, body, now)
        group.sent_at, group.sent = now, present

    def _send(self, point: store.Document, body: dict[str, Any], now: datetime) -> None:
        if body["status"] == "resolved" and point.get("disableResolveMessage"):
            return
        try:
            delivery.send(self.shared, point, body)
        except DeliveryError as error:
            self.attempts[point["uid"]] = Attempt(now, str(error))
        else:
            self.attempts[point["uid"]] = Attempt(now)


def _due(group: _Group, present: Mapping[str, bool], now: datetime) -> datetime:
    def after(name: str, start: datetime) -> datetime:
        return start + timedelta(seconds=parse_duration(str(group.policy[name]), name))

    if group.sent_at is None:
        return after("group_wait", group.began)
    changed = any(group.sent.get(key, False) != firing for key, firing in present.items())
    if changed:
        return after("group_interval", group.sent_at)
    if not any(present.values()):
        return now + timedelta(days=1)
    # A group is checked once per interval, and repeated if its last notification is more than the repeat interval ago,
    # not exactly as long ago (prometheus/alertmanager, notify/notify.go: DedupStage).
    interval, repeat = (parse_duration(str(group.policy[name]), name) for name in ("group_interval", "repeat_interval"))
    return group.sent_at + timedelta(seconds=(repeat // interval + 1) * interval)


def _matching(
    node: Mapping[str, Any], inherited: Mapping[str, Any], labels: Mapping[str, str], path: tuple[int, ...]
) -> Iterator[tuple[tuple[int, ...], dict[str, Any]]]:
    """The policies that apply to the labels, each with its position in the tree and the inherited settings."""
    own = {name: node[name] for name in _INHERITED if node.get(name)}
    policy = {**inherited, **own, "mute_time_intervals": node.get("mute_time_intervals") or []}
    found = False
    for number, child in enumerate(node.get("routes") or []):
        if all(_matches(matcher, labels) for matcher in child.get("object_matchers") or []):
            found = True
            yield from _matching(child, policy, labels, (*path, number))
            if not child.get("continue"):
                return
    if not found:
        yield path, policy


def _matches(matcher: Sequence[str], labels: Mapping[str, str]) -> bool:
    name, sign, value = matcher
    present = labels.get(name, "")
    equal = bool(re.fullmatch(value, present)) if sign.endswith("~") else present == value
    return equal is not sign.startswith("!")


def _group_labels(policy: Mapping[str, Any], labels: Mapping[str, str]) -> dict[str, str]:
    wanted = policy.get("group_by") or []
    return dict(labels) if "..." in wanted else {name: labels[name] for name in wanted if name in labels}
