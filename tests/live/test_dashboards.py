"""Every query of every dashboard and variable, asked through Grafana's own query endpoint."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest

from dashboards.registry import ENTRIES
from sandbox.viewer.queries import TimeRange, panel_queries
from tests.live.environment import Environment
from tests.live.panels import ask
from tests.live.points import eventually

pytestmark = pytest.mark.live

MAY_BE_EMPTY = re.compile("Needs attention|Clock offset|Last week: ")
"""Where there may be no host in trouble; what a machine of the sandbox does not have, or had not yet."""

BY_UID = {entry.uid: entry for entry in ENTRIES}


@pytest.fixture(scope="module")
def warm(environment: Environment) -> Environment:
    """The environment once everything is measured: rates need several points, and cores are measured once a minute."""
    uptime = 'SELECT "uptime" FROM "system" WHERE $timeFilter AND "host" = \'monitoring-sandbox\''
    cores = 'SELECT "usage_idle" FROM "cpu" WHERE $timeFilter AND "host" = \'monitoring-sandbox\' AND "cpu" = \'cpu0\''
    assert eventually(lambda: bool(times(environment, cores)), seconds=240)
    first = times(environment, uptime)[0] / 1000
    time.sleep(max(0.0, 120 - (time.time() - first)))
    return environment


def times(environment: Environment, query: str) -> list[int]:
    """When there are values of the last hour, in milliseconds."""
    asked = {
        "datasource": {"uid": "influxdb", "type": "influxdb"},
        "rawQuery": True,
        "resultFormat": "time_series",
        "query": query,
    }
    frames = environment.grafana.query(asked, minutes=60)["results"]["A"]["frames"]
    return [at for frame in frames for at in (frame["data"]["values"] or [[]])[0]]


def values(environment: Environment) -> dict[str, str | list[str]]:
    """What the variables would be after choosing everything there is."""
    return {
        "host": ["monitoring-sandbox"],
        "instance": [environment.instance_id],
        "region": environment.region,
    }


@pytest.mark.parametrize("uid", BY_UID)
def test_what_grafana_stores_is_what_the_program_builds(environment: Environment, uid: str) -> None:
    stored = environment.grafana.get(f"/api/dashboards/uid/{uid}").json()
    assert stored["meta"]["folderUid"] == "monitoring"
    assert stored["dashboard"]["title"] == BY_UID[uid].title


@pytest.mark.parametrize("uid", BY_UID)
def test_no_query_is_empty_or_erroneous(warm: Environment, uid: str) -> None:
    stored = warm.grafana.get(f"/api/dashboards/uid/{uid}").json()["dashboard"]
    queries = list(panel_queries(stored, values(warm), TimeRange.last(900)))
    assert len(queries) > 5
    empty = []
    for query in queries:
        results = ask(warm, query)
        frames = [frame for result in results.values() for frame in result.get("frames", [])]
        numbers = [value for frame in frames for column in frame["data"]["values"][1:] for value in column]
        if not MAY_BE_EMPTY.match(query.title) and not any(value is not None for value in numbers):
            empty.append(f"{query.title}: {json.dumps(query.model)[:300]}")
    assert not empty, "\n".join(empty)


def test_the_server_s_measurements_name_its_instance(warm: Environment) -> None:
    asked = {
        "datasource": {"uid": "influxdb", "type": "influxdb"},
        "rawQuery": True,
        "resultFormat": "table",
        "query": 'SHOW TAG VALUES FROM "system" WITH KEY = "instance_id"',
    }
    frames = warm.grafana.query(asked)["results"]["A"]["frames"]
    assert instance_ids(frames) == {warm.instance_id}


def instance_ids(frames: list[dict[str, Any]]) -> set[str]:
    return {
        value for frame in frames for column in frame["data"]["values"] for value in column if str(value)[:2] == "i-"
    }
