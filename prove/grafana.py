"""Grafana as a browser reaches it: its own address, its certificate's authority, the administrator's login."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from program.trust import basic, trusting
from prove.command_line import FailedError

PATIENCE = 300.0
"""Seconds to wait for measurements, a rule's first evaluation, or a new access key that takes effect."""

METRICS_WORK = "Successfully queried the CloudWatch metrics API"
"""CloudWatch's health check also queries logs, which the policy does not allow; the dashboards need only metrics."""


@dataclass(frozen=True)
class Grafana:
    """authority: PEM of an authority to trust in addition to the system's; may be empty."""

    url: str
    user: str
    password: str
    authority: str

    @classmethod
    def of(cls, outputs: Mapping[str, Any]) -> Grafana:
        """The Grafana of a stack's outputs."""
        keys = ("grafanaUrl", "grafanaAdminUser", "grafanaAdminPassword", "caCertificate")
        return cls(*(str(outputs[key]) for key in keys))

    def call(self, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and JSON of a GET, or of a POST with a body; FailedError when Grafana cannot be reached."""
        request = urllib.request.Request(  # noqa: S310 (https, from the stack's own outputs)
            self.url + path,
            None if body is None else json.dumps(body).encode(),
            {"Authorization": basic(self.user, self.password), "Content-Type": "application/json"},
        )
        trust = trusting(self.authority or None, or_system=True)
        try:
            with urllib.request.urlopen(request, timeout=30, context=trust) as answer:  # noqa: S310
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, _json(error.read())
        except ValueError:
            raise FailedError(f"{path}: Grafana did not answer with JSON") from None
        except OSError as error:
            raise FailedError(f"{self.url} cannot be reached: {getattr(error, 'reason', error)}") from None

    def ask(self, path: str) -> Any:
        """The JSON at a path; FailedError for anything but success."""
        status, content = self.call(path)
        if status != 200:
            raise FailedError(f"{path}: Grafana answered {status}, {content}")
        return content

    def health_of(self, uid: str) -> Callable[[], str]:
        """A function that runs a data source's “Save & test”. It raises FailedError unless measurements can be read."""

        def ask() -> str:
            _, answer = self.call(f"/api/datasources/uid/{uid}/health")
            if answer.get("status") != "OK" and METRICS_WORK not in str(answer.get("message")):
                raise FailedError(str(answer.get("message") or answer))
            return str(answer["message"])

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
        _, answer = self.call("/api/ds/query", {"queries": [query], "from": str(start), "to": str(end)})
        result = (answer.get("results") or {}).get("A") or {}
        if result.get("error") or not result:
            raise FailedError(f"the query fails: {result.get('error') or answer}")
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
    """Call `act` until it no longer raises FailedError, and return its result. Raises its last error after
    `patience`.
    """
    end = time.monotonic() + patience
    while True:
        try:
            return act()
        except FailedError:
            if time.monotonic() > end:
                raise
        time.sleep(5)


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return {"message": content[:200].decode("utf-8", "replace")}
