"""A panel's queries, sent in its place."""

from __future__ import annotations

from typing import Any

import requests

from sandbox.viewer.queries import PanelQuery, TimeRange, panel_queries
from tests.live.alert_rules import rules
from tests.live.environment import Environment
from tests.support.waiting import eventually

DASHBOARDS = ("linux-hosts", "monitoring-server")
MEASURED = frozenset({"CPU use", "File systems", "Metrics delivered"})
"""Titles of panels that show numbers once the server's own agent measures."""


def ask(environment: Environment, query: PanelQuery) -> dict[str, Any]:
    return answered(environment, query.request(), query.title)


def answered(environment: Environment, request: object, title: str) -> dict[str, Any]:
    """What Grafana answers to a request of its own pages."""
    grafana = environment.grafana
    answer = requests.post(
        f"{grafana.url}/api/ds/query",
        json=request,
        auth=(grafana.user, grafana.password),
        verify=str(grafana.ca_file),
        timeout=30,
    )
    assert answer.status_code == 200, f"{title}: {answer.status_code} {answer.text[:500]}"
    return dict(answer.json()["results"])


def look(stack: Environment, only: frozenset[str] = frozenset()) -> tuple[list[str], set[str]]:
    """The panels that InfluxDB refuses, and those that show numbers of the stack's server. only: titles of those asked,
    instead of all."""
    refused, numbers = [], set()
    for uid in DASHBOARDS:
        stored = stack.grafana.get(f"/api/dashboards/uid/{uid}").json()["dashboard"]
        host: dict[str, str | list[str]] = {"host": [f"monitoring-{stack.name}"]}
        queries = panel_queries(stored, host, TimeRange.last(900))
        for query in [each for each in queries if not only or each.title in only]:
            results = ask(stack, query)
            refused += [f"{query.title}: {each['error']}" for each in results.values() if each.get("error")]
            frames = [frame for each in results.values() for frame in each.get("frames", [])]
            if any(column for frame in frames for column in frame["data"]["values"][1:]):
                numbers.add(query.title)
    return refused, numbers


def shown(stack: Environment) -> None:
    """Every panel's query and every rule runs, and what the server's own agent measures is there."""
    assert look(stack)[0] == []
    assert eventually(lambda: look(stack, MEASURED)[1] >= MEASURED)

    def evaluated() -> bool:
        return all(rule["health"] in ("ok", "nodata") for rule in rules(stack).values())

    assert eventually(evaluated, 400), {uid: rule["health"] for uid, rule in rules(stack).items()}
