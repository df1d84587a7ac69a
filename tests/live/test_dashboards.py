"""Every query of every dashboard's panels, sent to Grafana's own query endpoint."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest

from dashboards.registry import ENTRIES
from sandbox.viewer.queries import PanelQuery, TimeRange, panel_queries
from tests.live.environment import Environment
from tests.live.panels import ask
from tests.support.waiting import eventually

pytestmark = pytest.mark.live

MAY_BE_EMPTY = re.compile("Needs attention|When hosts reported|Clock offset|Last week: ")
"""Panels that can be empty, because no host is in trouble or was silent, or a sandbox machine has no such data, or not
yet."""

BY_UID = {entry.uid: entry for entry in ENTRIES}


def values(environment: Environment) -> dict[str, str | list[str]]:
    """The variables' values when the server is chosen."""
    return {
        "host": ["monitoring-sandbox"],
        "instance": [environment.instance_id],
        "region": environment.region,
    }


def panels(dashboard: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A dashboard's panels, including rows and the panels inside them."""
    return [each for panel in dashboard["panels"] for each in (panel, *panel.get("panels", []))]


@pytest.fixture(scope="module")
def given(environment: Environment) -> dict[str, dict[str, Any]]:
    """What Pulumi gave Grafana for each dashboard, by uid."""
    resources = [each for each in environment.resources() if each["type"].endswith(":Dashboard")]
    contents = [json.loads(each["inputs"]["configJson"]) for each in resources]
    return {content["uid"]: content for content in contents}


@pytest.mark.parametrize("uid", BY_UID)
def test_grafana_stores_what_the_program_builds(
    environment: Environment, given: dict[str, dict[str, Any]], uid: str
) -> None:
    stored = environment.grafana.get(f"/api/dashboards/uid/{uid}").json()
    assert stored["meta"]["folderUid"] == "monitoring"
    assert stored["dashboard"]["title"] == BY_UID[uid].title
    # Alerts link to panels by these numbers; some panels exist only while the stack moves.
    built = {panel["title"] for panel in panels(given[uid])}
    numbers = {title: number for title, number in BY_UID[uid].panels.items() if title in built}
    assert {panel["title"]: panel["id"] for panel in panels(stored["dashboard"])} == numbers
    for part in ("panels", "templating", "links", "time", "refresh"):
        assert stored["dashboard"].get(part) == given[uid].get(part), part


@pytest.mark.parametrize("uid", BY_UID)
def test_every_query_returns_numbers(environment: Environment, uid: str) -> None:
    """It can take a while until there is data: rates need several points, and cores are measured once a minute."""
    stored = environment.grafana.get(f"/api/dashboards/uid/{uid}").json()["dashboard"]
    # By number, as each attempt asks for the fifteen minutes before it.
    asked = dict(enumerate(panel_queries(stored, values(environment), TimeRange.last(900))))
    assert len(asked) > 5

    def answered() -> bool:
        now = panel_queries(stored, values(environment), TimeRange.last(900))
        still = {number: now[number] for number in asked if without_numbers(environment, now[number])}
        asked.clear()
        asked.update(still)
        return not asked

    assert eventually(answered), "\n".join(
        f"{query.title}: {json.dumps(query.model)[:300]}" for query in asked.values()
    )


def without_numbers(environment: Environment, query: PanelQuery) -> bool:
    """Whether a query returns no numbers although it should. Fails if the query does."""
    results = ask(environment, query)
    assert not [each["error"] for each in results.values() if each.get("error")], (query.title, results)
    frames = [frame for result in results.values() for frame in result.get("frames", [])]
    numbers = [value for frame in frames for column in frame["data"]["values"][1:] for value in column]
    return not MAY_BE_EMPTY.match(query.title) and all(value is None for value in numbers)


def test_measurements_of_the_server_name_its_instance(environment: Environment) -> None:
    asked = {
        "datasource": {"uid": "influxdb", "type": "influxdb"},
        "rawQuery": True,
        "resultFormat": "table",
        "query": 'SHOW TAG VALUES FROM "system" WITH KEY = "instance_id"',
    }
    frames = environment.grafana.query(asked)["results"]["A"]["frames"]
    assert instance_ids(frames) == {environment.instance_id}


def instance_ids(frames: list[dict[str, Any]]) -> set[str]:
    return {
        value for frame in frames for column in frame["data"]["values"] for value in column if str(value)[:2] == "i-"
    }
