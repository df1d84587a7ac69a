"""The states of a rule's alerts, from one evaluation to the next. (memory.py keeps them across restarts.)

https://grafana.com/docs/grafana/latest/alerting/fundamentals/alert-rule-evaluation/
Transitions follow Grafana's pkg/services/ngalert/state/state.go (resultNormal, resultAlerting, resultKeepLast) and
manager.go (processMissingSeriesStates).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from . import store, wording
from .durations import parse_duration
from .evaluation import Result

State = Literal["Normal", "Pending", "Alerting", "Recovering", "NoData", "Error"]
ENDS_AFTER, RESENT = 4, 30
"""An alert sent to the Alertmanager is valid for this many intervals of at least this many seconds (nextEndsTime,
ResendDelay)."""
MISSING_FOR = 2
"""An alert ends after this many evaluations that no longer return its labels, unless its rule says otherwise."""


@dataclass
class Alert:
    """One alert: a rule and a set of labels.

    since: when it changed to its state. seen: when its labels were last returned. ended: when it was resolved.
    """

    labels: dict[str, str]
    annotations: dict[str, str]
    state: State
    since: datetime
    seen: datetime
    reason: str = ""
    values: Mapping[str, float | None] = field(default_factory=dict)
    firing_since: datetime | None = None
    ended: datetime | None = None

    @property
    def firing(self) -> bool:
        """Whether notifications are sent for it."""
        return self.state in ("Alerting", "Recovering", "NoData", "Error")

    @property
    def fingerprint(self) -> str:
        """Identifies the alert by its labels."""
        return hashlib.sha256(json.dumps(sorted(self.labels.items())).encode()).hexdigest()[:16]

    @property
    def shown_state(self) -> str:
        """The state with its reason: `Normal (NoData)`."""
        return f"{self.state} ({self.reason})" if self.reason else self.state


@dataclass
class RuleState:
    """A rule and the states of its alerts. root: Grafana's own URL."""

    rule: store.Document
    folder: str
    interval: int
    alerts: dict[str, Alert] = field(default_factory=dict)
    evaluated: datetime | None = None
    took: float = 0
    error: str = ""
    root: str = ""

    @property
    def loaded(self) -> list[Mapping[str, str]]:
        """The labels of the alerts to which a recovery threshold applies."""
        return [a.labels for a in self.alerts.values() if a.state in ("Alerting", "Pending") and not a.reason]

    def update(self, results: Sequence[Result], now: datetime) -> None:
        """Update the alerts with the results of an evaluation."""
        self.evaluated = now
        self.error = next((result.error for result in results if result.kind == "Error"), "")
        for result in results:
            for labels, values, state, reason in self._alerts_of(result):
                self._set(labels, values, state, reason, now)
        self._end_missing(now)

    def _alerts_of(
        self, result: Result
    ) -> Iterator[tuple[dict[str, str], Mapping[str, float | None], State | None, str]]:
        """The labels, values, state (None: unchanged) and reason of each alert, after the rule's no-data and error
        states have been applied."""
        own = self._labels(result)
        if result.kind in ("Normal", "Alerting"):
            yield own, result.values, result.kind, ""
            return
        chosen = self.rule["noDataState" if result.kind == "NoData" else "execErrState"]
        if chosen in ("NoData", "Error"):
            named = {**own, "alertname": f"Datasource{chosen}", "rulename": self.rule["title"]}
            yield named, {}, chosen, ""
            return
        state: State | None = {"Alerting": "Alerting", "OK": "Normal"}.get(chosen)  # type: ignore[assignment]
        # A result without labels applies to every alert of the rule.
        known = [alert.labels for alert in self.alerts.values()] if not result.labels else []
        reason = f"{result.kind}, KeepLast" if chosen == "KeepLast" else result.kind
        for labels in known or [own]:
            yield dict(labels), {}, state, reason

    def _labels(self, result: Result) -> dict[str, str]:
        written = {
            name: wording.expand(text, result.labels, result.values) for name, text in self.rule["labels"].items()
        }
        fixed = {"alertname": self.rule["title"], "grafana_folder": self.folder}
        return {**written, **result.labels, **fixed}

    def _set(
        self,
        labels: dict[str, str],
        values: Mapping[str, float | None],
        state: State | None,
        reason: str,
        now: datetime,
    ) -> None:
        key = json.dumps(sorted(labels.items()))
        alert = self.alerts.get(key)
        if alert is None:
            alert = self.alerts[key] = Alert(labels, {}, "Normal", now, now)
        alert.seen, alert.reason = now, reason
        if values or not alert.annotations:
            alert.values = values
            alert.annotations = {
                name: wording.expand(text, labels, values, self.root) for name, text in self.rule["annotations"].items()
            }
        self._change(alert, self._next(alert, state or _kept(alert.state), now), now)

    def _next(self, alert: Alert, wanted: State, now: datetime) -> State:
        if wanted == "Normal":
            return self._after_normal(alert, now)
        if wanted != "Alerting" or alert.state == "Alerting":
            return wanted
        wait = self._duration("for")
        if alert.state == "Pending":
            return "Alerting" if now - alert.since >= wait else "Pending"
        return "Pending" if wait and alert.state != "Recovering" else "Alerting"

    def _after_normal(self, alert: Alert, now: datetime) -> State:
        keep = self._duration("keep_firing_for")
        if alert.state == "Alerting" and keep:
            return "Recovering"
        return "Recovering" if alert.state == "Recovering" and now - alert.since < keep else "Normal"

    def _duration(self, name: str) -> timedelta:
        return timedelta(seconds=parse_duration(self.rule.get(name) or "0s", name))

    @staticmethod
    def _change(alert: Alert, state: State, now: datetime) -> None:
        if alert.state == state:
            return
        was_firing = alert.firing
        alert.state, alert.since = state, now
        if alert.firing and not was_firing:
            alert.firing_since, alert.ended = now, None
        elif was_firing and not alert.firing:
            alert.ended = now

    def _end_missing(self, now: datetime) -> None:
        """End the alerts whose labels were not returned, and drop those that ended a while ago."""
        for key, alert in list(self.alerts.items()):
            patience = self._patience(alert)
            missing = now - alert.seen
            if missing >= patience and alert.firing:
                self._change(alert, "Normal", now)
                alert.reason = "MissingSeries"
            elif missing >= patience and (alert.ended is None or now - alert.ended >= timedelta(minutes=15)):
                del self.alerts[key]

    def _patience(self, alert: Alert) -> timedelta:
        """How long an alert lasts without its labels being returned.

        Grafana prolongs only an alerting one (Maintain in processMissingSeriesStates). It no longer reports a
        recovering one to the Alertmanager, which ends it when the last report expires (nextEndsTime).
        """
        if alert.state in ("NoData", "Error"):
            return timedelta(seconds=self.interval)
        missing = self.rule.get("missing_series_evals_to_resolve") or MISSING_FOR
        patience = timedelta(seconds=self.interval * missing)
        if alert.state == "Recovering":
            return min(patience, ENDS_AFTER * timedelta(seconds=max(self.interval, RESENT)))
        return patience


def _kept(state: State) -> State:
    """The state that KeepLast asks for. A pending alert stays pending, and fires after the rule's `for`."""
    return "Alerting" if state in ("Alerting", "Pending") else "Normal"
