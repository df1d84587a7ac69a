"""People in front of Grafana: every few seconds each sends all queries of a dashboard's panels, as browsers do."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from dashboards.queries import ALL_HOSTS
from sandbox.screen import Grafana
from sandbox.viewer.queries import PanelQuery, TimeRange, Values, panel_queries

EVERY = 10
"""Seconds between two refreshes of a person: Grafana's second fastest choice."""
AT_ONCE = 6
"""Connections that a browser opens to a server."""
SHOWN = 3600
"""Seconds of the past that are shown: the dashboards' default."""
PATIENCE = 60
"""Seconds after which a request is abandoned."""


@dataclass(frozen=True)
class View:
    """A dashboard with its variables filled in. every_host: whether `host` is every host that exists at that time."""

    uid: str
    values: Values
    every_host: bool = False


@dataclass
class Asked:
    """The results of the requests. latencies: seconds, with the panel. refreshes: seconds, with the dashboard."""

    latencies: list[tuple[float, str]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    refreshes: list[tuple[float, str]] = field(default_factory=list)
    queries: int = 0

    def over(self, limit: float) -> list[str]:
        """The requests that took longer than this number of seconds."""
        return [f"{panel}: {seconds:.1f} s" for seconds, panel in self.latencies if seconds > limit]


class People:
    """A number of people who go through the views, each starting at another one, until `stop`."""

    def __init__(self, grafana: Grafana, views: list[View], number: int) -> None:
        self.asked = Asked()
        self._grafana = grafana
        self._views = views
        self._dashboards = {
            view.uid: grafana.get(f"/api/dashboards/uid/{view.uid}").json()["dashboard"] for view in views
        }
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._look, args=(person, EVERY * person / number), daemon=True)
            for person in range(number)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> Asked:
        """Stop after the refreshes that have begun."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        return self.asked

    def _look(self, person: int, phase: float) -> None:
        following = time.monotonic() + phase
        turn = person
        with requests.Session() as session, ThreadPoolExecutor(AT_ONCE) as connections:
            session.auth = (self._grafana.user, self._grafana.password)
            session.mount("https://", HTTPAdapter(pool_connections=1, pool_maxsize=AT_ONCE))
            while not self._stopping.wait(max(0.0, following - time.monotonic())):
                following = max(following + EVERY, time.monotonic())
                self.refresh(self._views[turn % len(self._views)], session, connections)
                turn += 1

    def refresh(self, view: View, session: requests.Session, connections: ThreadPoolExecutor) -> None:
        """Send all queries of a view once; first those of the variable, as Grafana does when the time range moves."""
        began = time.monotonic()
        values = view.values
        if view.every_host:
            values = {**values, "host": self._hosts(session)}
        panels = list(_by_panel(panel_queries(self._dashboards[view.uid], values, TimeRange.last(SHOWN))))
        for answer in [connections.submit(self._ask, session, f"{view.uid}: {title}", body) for title, body in panels]:
            answer.result()
        with self._lock:
            self.asked.refreshes.append((time.monotonic() - began, view.uid))

    def _hosts(self, session: requests.Session) -> list[str]:
        source = {"refId": "A", "datasource": {"uid": "influxdb", "type": "influxdb"}, "rawQuery": True}
        query = source | {"resultFormat": "table", "query": ALL_HOSTS}
        shown = TimeRange.last(SHOWN)
        body = {"queries": [query], "from": str(shown.start), "to": str(shown.end)}
        results = self._ask(session, "the variable host", body)
        frames = results.get("A", {}).get("frames", [])
        return [name for frame in frames for name in frame["data"]["values"][-1]] or ["nobody"]

    def _ask(self, session: requests.Session, what: str, body: dict[str, Any]) -> dict[str, Any]:
        began = time.monotonic()
        grafana = self._grafana
        results: dict[str, Any] = {}
        failure = ""
        try:
            # `verify` is set here, because an environment variable would override the session's.
            answer = session.post(f"{grafana.url}/api/ds/query", json=body, verify=grafana.verify, timeout=PATIENCE)
            if answer.status_code == requests.codes.ok:
                results = answer.json()["results"]
                failure = "; ".join(result["error"] for result in results.values() if result.get("error"))
            else:
                failure = f"{answer.status_code} {answer.text[-200:]}"  # the end: the reason comes after the query
        except requests.RequestException as error:
            failure = type(error).__name__
        with self._lock:
            self.asked.queries += len(body["queries"])
            self.asked.latencies.append((time.monotonic() - began, what))
            if failure:
                self.asked.failures.append(f"{what}: {failure}")
        return results


def _by_panel(queries: list[PanelQuery]) -> Iterator[tuple[str, dict[str, Any]]]:
    """One request per panel, with all its queries."""
    for _, group in groupby(queries, key=lambda query: query.panel_id):
        several = list(group)
        body = several[0].request()
        yield several[0].title, body | {"queries": [query for each in several for query in each.request()["queries"]]}
