"""Evaluates every rule at its group's interval in one thread, and sends notifications in another.

Tests call `evaluate` and `notify` directly, with times of their choice.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from flask import Flask

from ..context import Context
from . import memory, store
from .evaluation import Result, evaluate
from .notifications import Alerts, Notifier
from .states import RuleState

TICK = 1.0
"""Seconds between two checks of what is due."""

log = logging.getLogger("grafana.alerting")


class Scheduler:
    """Keeps the states of the rules, by uid."""

    def __init__(self, app: Flask, shared: Context) -> None:
        self._app = app
        self.shared = shared
        self.states: dict[str, RuleState] = {}
        self.notifier = Notifier(shared)
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start evaluating and notifying."""
        self._threads = [
            threading.Thread(target=self._loop, args=(work,), name=name, daemon=True)
            for name, work in (("evaluation", self.evaluate), ("notification", self.notify))
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop both threads; waits briefly for running queries and deliveries."""
        self._stop.set()
        for thread in self._threads:
            thread.join(2)

    def evaluate(self, now: datetime) -> None:
        """Evaluate the rules that are due."""
        for state in self._current():
            due = state.evaluated is None or (now - state.evaluated).total_seconds() >= state.interval
            if not due or state.rule["isPaused"] or state.rule.get("record"):
                continue
            began = time.monotonic()
            results = self._results(state, now)
            with self._lock:
                state.took = time.monotonic() - began
                state.update(results, now)
                memory.keep(self.shared.database, state)
            if state.error:
                log.warning("rule=%s error=%s", state.rule["uid"], state.error)

    def _results(self, state: RuleState, now: datetime) -> list[Result]:
        """A rule's results. A rule that cannot be evaluated does not stop the others."""
        try:
            # Data sources read the server's settings from the running application.
            with self._app.app_context():
                return evaluate(self.shared, state.rule, now, state.loaded)
        except Exception as error:
            log.exception("rule=%s", state.rule["uid"])
            return [Result("Error", error=f"{type(error).__name__}: {error}")]

    def notify(self, now: datetime) -> None:
        """Send the notifications that are due."""
        self.notifier.tick(self.alerts(), now)

    def alerts(self) -> Alerts:
        """All alerts with the uids of their rules."""
        with self._lock:
            return [(uid, alert) for uid, state in self.states.items() for alert in list(state.alerts.values())]

    def snapshot(self) -> list[RuleState]:
        """The current states of the rules."""
        with self._lock:
            return list(self.states.values())

    def _current(self) -> list[RuleState]:
        """A state for each stored rule. A changed rule starts without alerts, a deleted one is removed; after a
        restart, the stored alerts continue."""
        database = self.shared.database
        folders: dict[str, str] = {row["uid"]: row["title"] for row in database.rows("SELECT uid, title FROM folder")}
        rules = {rule["uid"]: rule for rule in store.every(database, "rule")}
        with self._lock:
            for uid in self.states.keys() - rules.keys():
                del self.states[uid]
                store.delete(database, "state", uid)
            for uid, rule in rules.items():
                folder = str(rule["folderUID"])
                group = store.get(database, "group", store.group_key(folder, rule["ruleGroup"])) or {}
                interval = int(group.get("interval") or store.DEFAULT_INTERVAL)
                known = self.states.get(uid)
                if known is None or {**known.rule, "updated": ""} != {**rule, "updated": ""}:
                    alerts = {} if known else memory.recall(database, rule)
                    root = self.shared.settings.root_url
                    self.states[uid] = RuleState(rule, folders.get(folder, folder), interval, alerts, root=root)
                else:
                    known.interval = interval
            return list(self.states.values())

    def _loop(self, work: Callable[[datetime], None]) -> None:
        while not self._stop.wait(TICK):
            try:
                work(datetime.now(UTC))
            except Exception:
                # An error must not stop alerting.
                log.exception("alerting failed")
