"""A short run with a few simulated hosts and two people at the dashboards; docs/scale.md has the long runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from benchmarks.load import senders as sending
from benchmarks.load.__main__ import LIKE, NAMED, views
from benchmarks.load.agent import recorded
from benchmarks.load.lines import Pattern
from benchmarks.load.people import Asked, People
from benchmarks.load.senders import Senders, Written
from benchmarks.load.server import Server
from dashboards.queries import ALL_HOSTS, BY_HOST, LATELY, select
from sandbox.machines.register import find
from sandbox.viewer.queries import TimeRange, panel_queries
from tests.live.environment import Environment
from tests.live.points import HOSTS
from tests.support.waiting import eventually

pytestmark = [pytest.mark.live, pytest.mark.disrupts]

NAMES = [f"load-{number:03}" for number in range(1, 6)]
ROUNDS = 4
REFRESHES = 2 * (ROUNDS - 1)
LOOKED_AT = 35
"""Seconds for at least three intervals; the first does not include processors."""


@dataclass
class Seen:
    """The results of a short load. points: number in the last minutes, by host. states: by host, from the overview's
    table. left: series of the simulated hosts after their removal. known: hosts that can be chosen after that."""

    pattern: Pattern
    written: Written
    asked: Asked
    points: dict[str, float]
    states: dict[str, float]
    left: list[object]
    known: set[str]


@pytest.fixture(scope="module")
def patient() -> Iterator[None]:
    """On a busy machine a write may take longer than an agent would wait."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sending, "TIMEOUT", 60)
        yield


@pytest.fixture(scope="module")
def seen(environment: Environment, patient: None) -> Seen:
    environment.settle()
    server = Server(find(environment.place, environment.instance_id), environment.grafana.verify)
    agent = recorded(find(environment.place, LIKE), LOOKED_AT)
    senders = Senders(agent, NAMES, ROUNDS)
    people = People(environment.grafana, views(environment.instance_id), 2)
    try:
        senders.start()
        people.start()
        try:
            written = senders.join()
            counted = server.query(select('count("uptime")', "system", LATELY, group=(BY_HOST,)))
            points = {each["tags"]["host"]: each["values"][0][1] for each in counted}
            states = overview(environment)
            # On a busy machine a refresh takes longer than the time between two.
            eventually(lambda: len(people.asked.refreshes) >= REFRESHES)
        finally:
            asked = people.stop()
    finally:
        server.forget(NAMED, set())
    left = server.query('SHOW SERIES WHERE "host" =~ /^load-/')
    (known,) = server.query(ALL_HOSTS)
    return Seen(agent.pattern, written, asked, points, states, list(left), {name for _, name in known["values"]})


def overview(environment: Environment) -> dict[str, float]:
    """The column "State" of the table of hosts: 0 for those that report."""
    stored = environment.grafana.get("/api/dashboards/uid/linux-hosts").json()["dashboard"]
    values = {"host": [*NAMES, *HOSTS]}
    queries = panel_queries(stored, values, TimeRange.last(3600))
    (state,) = [query for query in queries if query.title == "Hosts" and query.model["refId"] == "B"]
    found: dict[str, float] = {}
    for frame in environment.grafana.query(state.model)["results"]["B"]["frames"]:
        names = [field["name"] for field in frame["schema"]["fields"]]
        columns = dict(zip(names, frame["data"]["values"], strict=True))
        found |= dict(zip(columns["host"], columns["State"], strict=True))
    return found


def test_simulated_hosts_send_what_a_plain_host_sends(seen: Seen) -> None:
    measured = {point.measurement for points in seen.pattern.lines.values() for point in points}
    assert measured >= {"cpu", "mem", "disk", "net", "system", "processes", "kernel", "internal_write", "systemd_units"}


def test_every_write_is_accepted(seen: Seen) -> None:
    assert seen.written.failures == []
    assert len(seen.written.latencies) == len(NAMES) * ROUNDS


def test_every_point_is_stored_and_the_overview_shows_every_host(seen: Seen) -> None:
    assert {name: seen.points.get(name) for name in NAMES} == dict.fromkeys(NAMES, ROUNDS)
    assert {name: seen.states.get(name) for name in (*NAMES, *HOSTS)} == dict.fromkeys((*NAMES, *HOSTS), 0)


def test_the_dashboards_answer_during_the_load(seen: Seen) -> None:
    assert seen.asked.failures == []
    assert len(seen.asked.refreshes) >= REFRESHES


def test_afterwards_nothing_is_left_of_the_simulated_hosts(seen: Seen) -> None:
    assert seen.left == []
    assert not seen.known & set(NAMES)
    assert seen.known >= HOSTS
