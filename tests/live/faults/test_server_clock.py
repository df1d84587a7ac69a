"""The clock of the server's InfluxDB, Grafana and Telegraf jumps hours ahead while they run, and some minutes later
back. What hosts measure is stored throughout, and an alert fires. Afterwards, alerts and the server's own measurements
continue, which would take hours without a restart."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterator

import pytest

from sandbox.machines.register import find
from tests.live.alert_rules import rules, state_of
from tests.live.clocks import processes, set_clock
from tests.live.environment import PLACE, Environment
from tests.live.faults.test_clock import delete_future_points, moments
from tests.live.points import INTERVAL, SERVER, lost, steady
from tests.live.server import main_pid
from tests.live.services import Ask, grafana_answers
from tests.support.waiting import eventually

pytestmark = [
    pytest.mark.live,
    pytest.mark.long_fault,
    pytest.mark.skipif(platform.machine() != "x86_64", reason="its clocks are x86-64's (tests/live/clocks.py)"),
]

SERVICES = ("influxdb", "grafana-server", "telegraf")
HOURS = 5 * 3600
WRONG = 150
"""Seconds for which the clock is wrong: longer than four probes of InfluxDB take."""


def pids(environment: Environment) -> list[str]:
    return [main_pid(environment, environment.instance_id, each) for each in SERVICES]


def jump(environment: Environment, seconds: int) -> None:
    for process in processes(find(PLACE, environment.instance_id), *SERVICES):
        set_clock(process, seconds)


@pytest.fixture
def right_afterwards(environment: Environment) -> Iterator[None]:
    yield
    jump(environment, 0)


def test_a_server_clock_that_jumps_by_hours_and_back_loses_no_points_of_hosts(
    environment: Environment, influxdb: Ask, quick: None, right_afterwards: None
) -> None:
    steady(environment)
    began, before = time.time(), pids(environment)
    jump(environment, HOURS)
    seen: set[str] = set()

    def silent() -> set[str]:
        return {host for host in ("db-1", "web-1") if state_of(environment, "host-silent", host) == "Alerting"}

    def reported() -> bool:
        seen.update(silent())
        return len(seen) == 2

    assert eventually(reported, WRONG), rules(environment)["host-silent"]
    print(f"reported after {time.time() - began:.0f} s")
    time.sleep(max(0.0, began + WRONG - time.time()))
    assert pids(environment) == before, "a service was restarted"
    taken = [moment for moment in moments(influxdb, "web-1") if moment > began]
    assert len(taken) >= WRONG // INTERVAL - 3

    jump(environment, 0)
    right = time.time()
    # What its timer does (OnClockChange); here, the kernel's clock has not jumped.
    assert environment.guest("systemctl", "is-active", "monitoring-clock.timer").stdout == "active\n"
    assert environment.guest("systemctl", "start", "monitoring-clock.service").returncode == 0
    assert eventually(lambda: grafana_answers(environment) and "host-silent" in rules(environment), 60)
    assert eventually(lambda: not silent(), 120), rules(environment)["host-silent"]
    print(f"the alert ended {time.time() - right:.0f} s after the clock was right")
    # The server's own points from that time are in the future, as a host's would be; docs/alerts.md has the command.
    delete_future_points(environment, SERVER)
    assert pids(environment)[0] == before[0], "InfluxDB was restarted"
    time.sleep(max(0.0, right + 8 * INTERVAL - time.time()))
    assert lost(environment, right + 5 * INTERVAL)[SERVER] == 0
    found = lost(environment, began)
    assert found["db-1"] == found["web-1"] == 0
