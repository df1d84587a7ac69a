"""The panel "When hosts reported": a band for each host with a gap in the time shown, from a real InfluxDB."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import requests

from dashboards.registry import LINUX_HOSTS
from sandbox.viewer.queries import TimeRange, panel_queries, panels
from tests.dashboards.conftest import Influx

pytestmark = pytest.mark.live

MINUTE = 60
END = int(time.time()) // 300 * 300 - 24 * 3600
"""The end of the time shown, which is one hour: yesterday, when all points have arrived, and at the end of a step of
any length."""
BEGIN = END - 60 * MINUTE
LONG = (12 * 60, 0)
"""When a host reported, in minutes before END: from, to."""

REPORTED: dict[str, tuple[tuple[float, float], ...]] = {
    "whole": (LONG,),
    "gap": ((720, 30), (28, 0)),
    "one-minute": ((720, 30), (29, 0)),
    "half-a-minute": ((720, 30), (29.5, 0)),
    "ended-before": ((720, 200), (61, 0)),
    "ended-at-the-edge": ((720, 200), (60, 0)),
    "ended-in-it": ((720, 200), (59, 0)),
    "fell-silent": ((720, 5),),
    "fell-silent-at-the-end": ((720, 1),),
    "silent-throughout": ((720, 90),),
    "silent-for-long": ((1200, 700),),
    "new": ((20, 0),),
    "new-with-a-gap": ((20, 10), (5, 0)),
    "came-later": ((-5, -10),),
}
SILENT = {
    **{"gap": 2, "one-minute": 1, "ended-in-it": 1, "fell-silent": 5, "fell-silent-at-the-end": 1},
    **{"silent-throughout": 60, "new-with-a-gap": 5},
}
"""Hosts with a gap: the minutes of the time shown without a point."""

MANY = {f"many-{number:02}": ((720, 40), (37, 0)) if number % 10 == 7 else (LONG,) for number in range(50)}


DATABASE = "silent"
"""A separate one, because InfluxDB still lists hosts whose series were dropped."""


@pytest.fixture(scope="module", autouse=True)
def reported(influx: Influx) -> None:
    requests.post(f"{influx.url}/query", params={"q": f"CREATE DATABASE {DATABASE}"}, timeout=20).raise_for_status()
    write(influx, REPORTED)


def ask(influx: Influx, query: str) -> list[dict[str, Any]]:
    answer = requests.get(f"{influx.url}/query", params={"db": DATABASE, "q": query, "epoch": "ms"}, timeout=20).json()
    (result,) = answer["results"]
    assert "error" not in result, f"{result}: {query}"
    return list(result.get("series", []))


def write(influx: Influx, hosts: Mapping[str, Sequence[tuple[float, float]]]) -> None:
    lines = "\n".join(
        f"system,host={host} uptime={moment}i {moment}"
        for host, spans in hosts.items()
        for begin, end in spans
        for moment in range(END - round(begin * MINUTE), END - round(end * MINUTE), 10)
    )
    requests.post(f"{influx.url}/write?db={DATABASE}&precision=s", data=lines, timeout=20).raise_for_status()


def bands(influx: Influx, hosts: Sequence[str], begin: int = BEGIN, end: int = END - 1) -> dict[str, list[Any]]:
    """The visible bands of these hosts: [time in milliseconds, points] of each step. begin, end: in seconds."""
    shown = TimeRange(begin * 1000, end * 1000)
    asked = panel_queries(json.loads(LINUX_HOSTS.build()), {"host": list(hosts)}, shown)
    (query,) = [each for each in asked if each.title == "When hosts reported"]
    seen = (begin - query.step) * 1000
    return {
        each["tags"]["host"]: [step for step in each["values"] if step[0] > seen]
        for each in ask(influx, query.influxql())
    }


def empty(band: list[Any]) -> int:
    """The number of steps without a point."""
    return sum(points == 0 for _, points in band)


def test_only_hosts_with_a_gap_in_the_time_shown_have_a_band(influx: Influx) -> None:
    found = bands(influx, list(REPORTED))
    assert {host: empty(band) for host, band in found.items()} == SILENT
    # A band covers the time shown; a new host's begins with its first point.
    assert {host: len(band) for host, band in found.items()} == {**dict.fromkeys(SILENT, 60), "new-with-a-gap": 20}
    assert {band[-1][0] for band in found.values()} == {(END - MINUTE) * 1000}


@pytest.mark.parametrize("late", [1, 29, 59])
def test_steps_that_are_only_partly_visible(influx: Influx, late: int) -> None:
    hosts = list(REPORTED)
    found = bands(influx, hosts, BEGIN + late)
    assert {host: empty(band) for host, band in found.items()} == SILENT
    found = bands(influx, hosts, BEGIN - MINUTE + late)
    assert (empty(found["ended-in-it"]), empty(found["ended-at-the-edge"])) == (2, 1)
    assert found.keys() == {*SILENT, "ended-at-the-edge"}
    # At the other end: agents measure at the beginning of a minute.
    found = bands(influx, hosts, end=END - late)
    assert {host: empty(band) for host, band in found.items()} == SILENT


def test_without_gaps_the_panel_is_empty_and_says_so(influx: Influx) -> None:
    assert bands(influx, ["whole", "new", "ended-before", "silent-for-long"]) == {}
    (panel,) = [each for each in panels(json.loads(LINUX_HOSTS.build())) if each["title"] == "When hosts reported"]
    assert panel["fieldConfig"]["defaults"]["noValue"] == "No host that reported fell silent in the time shown"


def test_of_many_hosts_only_those_with_a_gap_are_shown(influx: Influx) -> None:
    write(influx, MANY)
    found = bands(influx, list(MANY))
    assert {host: empty(band) for host, band in found.items()} == {f"many-{number}7": 3 for number in range(5)}


def test_over_a_day_steps_are_longer(influx: Influx) -> None:
    """Five minutes, so shorter gaps are not shown."""
    found = bands(influx, list(REPORTED), END - 24 * 3600)
    assert {host: empty(band) for host, band in found.items()} == {
        **{"ended-before": 27, "ended-at-the-edge": 28, "ended-in-it": 28},
        **{"fell-silent": 1, "silent-throughout": 18, "silent-for-long": 140, "new-with-a-gap": 1},
    }


def test_the_table_of_hosts_shows_every_silent_host(influx: Influx) -> None:
    asked = panel_queries(json.loads(LINUX_HOSTS.build()), {"host": list(REPORTED)}, TimeRange.last(3600))
    columns = [ask(influx, each.influxql()) for each in asked if each.title == "Hosts"]
    states = {
        series["tags"]["host"]: series["values"]
        for found in columns
        for series in found
        if "State" in series["columns"]
    }
    assert {host: rows[0][1] for host, rows in states.items()} == dict.fromkeys(REPORTED, 100)
