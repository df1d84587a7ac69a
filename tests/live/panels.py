"""The queries of panels, sent as Grafana's own pages send them."""

from __future__ import annotations

from typing import Any

from sandbox.viewer.queries import PanelQuery, TimeRange, panel_queries
from tests.live.alert_rules import rules
from tests.live.environment import Environment
from tests.live.services import grafana_request
from tests.support.waiting import eventually

DASHBOARDS = ("linux-hosts", "monitoring-server")
MEASURED = frozenset({"CPU use", "File systems", "Metrics delivered"})
"""Titles of panels that show numbers once the server's own agent measures."""


def ask(environment: Environment, query: PanelQuery) -> dict[str, Any]:
    """The results of a panel's query."""
    return query_results(environment, query.request(), query.title)


def query_results(environment: Environment, request: object, title: str) -> dict[str, Any]:
    """Results by refId of a request as Grafana's pages send it. title: for the message when it fails."""
    answer = grafana_request(environment.grafana, "POST", "/api/ds/query", request)
    assert answer.status_code == 200, f"{title}: {answer.status_code} {answer.text[:500]}"
    return dict(answer.json()["results"])


def panel_results(stack: Environment, only: frozenset[str] = frozenset()) -> tuple[list[str], set[str]]:
    """The errors of panels' queries, and the titles of panels that show numbers of the stack's server. only: titles of
    the panels to try, by default all."""
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


def check_dashboards_and_rules(stack: Environment) -> None:
    """Every panel's query and every rule runs, and what the server's own agent measures is shown."""
    assert panel_results(stack)[0] == []
    assert eventually(lambda: panel_results(stack, MEASURED)[1] >= MEASURED)

    def evaluated() -> bool:
        return all(rule["health"] in ("ok", "nodata") for rule in rules(stack).values())

    assert eventually(evaluated, 400), {uid: rule["health"] for uid, rule in rules(stack).items()}
