"""Grafana as a browser reaches it: its own address, its certificate's authority, the administrator's login."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from prove.command_line import FailedError
from tools import waiting
from tools.pulumi_cli import AnswerError
from tools.waiting import Answer, NotYetError

PATIENCE = 300.0
"""Seconds to wait for measurements, a rule's first evaluation, or a new access key that takes effect."""

METRICS_WORK = "Successfully queried the CloudWatch metrics API"
"""CloudWatch's health check also queries logs, which the policy does not allow; the dashboards need only metrics."""


@dataclass(frozen=True)
class Grafana:
    """url: its address, for people. connection: with which it is queried."""

    url: str
    connection: waiting.Grafana

    @classmethod
    def of(cls, outputs: Mapping[str, Any]) -> Grafana:
        """The Grafana of a stack's outputs. Raises FailedError when they cannot be used."""
        try:
            return cls(str(outputs.get("grafanaUrl")), waiting.Grafana.from_outputs(outputs))
        except AnswerError as error:
            raise FailedError(str(error)) from None

    def call(self, path: str, body: Mapping[str, Any] | None = None) -> Answer:
        """The answer to a GET, or to a POST with a body. Raises FailedError when Grafana cannot be reached."""
        try:
            return self.connection.ask("GET" if body is None else "POST", path, body)
        except NotYetError as error:
            raise FailedError(f"{self.url}: {error}") from None

    def ask(self, path: str) -> Any:
        """The JSON at a path. Raises FailedError for anything but success."""
        answer = self.call(path)
        if answer.status != 200:
            raise FailedError(f"{path}: Grafana answered: {answer.message}")
        if answer.content is None:
            raise FailedError(f"{path}: Grafana did not answer with JSON")
        return answer.content

    def health_of(self, uid: str) -> Callable[[], str]:
        """A function that runs a data source's “Save & test”. It raises FailedError unless measurements can be read."""

        def ask() -> str:
            answer = self.call(f"/api/datasources/uid/{uid}/health")
            found = answer.content or {}
            said = str(found.get("message") or answer.message)
            if found.get("status") != "OK" and METRICS_WORK not in said:
                raise FailedError(said)
            return said

        return ask

    def points(self, start: int, end: int) -> int:
        """How many points with an uptime the data source returns between two times (ms)."""
        query = {
            "refId": "A",
            "datasource": {"uid": "influxdb"},
            "query": 'SELECT count("uptime") FROM "system" WHERE $timeFilter',
            "rawQuery": True,
            "resultFormat": "time_series",
        }
        answer = self.call("/api/ds/query", {"queries": [query], "from": str(start), "to": str(end)})
        result = ((answer.content or {}).get("results") or {}).get("A") or {}
        if result.get("error") or not result:
            raise FailedError(f"the query fails: {result.get('error') or answer.message}")
        values = [frame["data"]["values"] for frame in result.get("frames") or []]
        return sum(int(column) for value in values if len(value) > 1 for column in value[1] if column)

    def rules(self) -> str:
        """The states of the alert rules; FailedError unless each has been evaluated without an error."""
        groups = self.ask("/api/prometheus/grafana/api/v1/rules")["data"]["groups"]
        rules = [rule for group in groups for rule in group["rules"]]
        # “nodata” is not an error: the rule is about something that this server does not have.
        bad = {rule["name"]: rule.get("health") for rule in rules if rule.get("health") not in ("ok", "nodata")}
        if bad or not rules:
            raise FailedError(f"{len(rules)} rules; not evaluated successfully: {bad}")
        states = sorted(rule["state"] for rule in rules)
        return f"{len(rules)} rules: " + ", ".join(f"{states.count(state)} {state}" for state in sorted(set(states)))


def eventually(act: Callable[[], str], patience: float = PATIENCE) -> str:
    """Call `act` until it no longer raises FailedError, for up to `patience` seconds, and return its result."""
    end = time.monotonic() + patience
    while True:
        try:
            return act()
        except FailedError:
            if time.monotonic() > end:
                raise
        time.sleep(5)
