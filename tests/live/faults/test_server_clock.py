"""The server's own clock jumps hours ahead, and some minutes later back: that of InfluxDB, Grafana and Telegraf while
they run. What hosts measure is stored all the while, an alert says what is wrong, and afterwards alerts and the
server's own measurements continue, which without a restart would happen only hours later."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterator

import pytest

from sandbox.machines.register import find
from tests.live.alert_rules import rules
from tests.live.clocks import processes, set_clock
from tests.live.environment import PLACE, Environment
from tests.live.faults.test_clock import DELETE, moments, state
from tests.live.points import INTERVAL, SERVER, lost, steady
from tests.live.server import run_of
from tests.live.services import Ask
from tests.live.small_root import answers
from tests.support.waiting import eventually

pytestmark = [
    pytest.mark.live,
    pytest.mark.long_fault,
    pytest.mark.skipif(platform.machine() != "x86_64", reason="its clocks are x86-64's (tests/live/clocks.py)"),
]

SERVICES = ("influxdb", "grafana-server", "telegraf")
HOURS = 5 * 3600
WRONG = 150
"""Seconds for which the clock is wrong: more than four probes of InfluxDB."""


def runs(environment: Environment) -> list[str]:
    return [run_of(environment, environment.instance_id, each) for each in SERVICES]


def jump(environment: Environment, seconds: int) -> None:
    for process in processes(find(PLACE, environment.instance_id), *SERVICES):
        set_clock(process, seconds)


@pytest.fixture
def right_afterwards(environment: Environment) -> Iterator[None]:
    yield
    jump(environment, 0)


def test_a_clock_that_jumps_by_hours_and_back_costs_no_host_a_point(
    environment: Environment, influxdb: Ask, quick: None, right_afterwards: None
) -> None:
    steady(environment)
    began, before = time.time(), runs(environment)
    jump(environment, HOURS)
    seen: set[str] = set()

    def reported() -> bool:
        seen.update(host for host in ("db-1", "web-1") if state(environment, "host-silent", host) == "Alerting")
        return len(seen) == 2

    assert eventually(reported, WRONG), rules(environment)["host-silent"]
    print(f"reported after {time.time() - began:.0f} s")
    time.sleep(max(0.0, began + WRONG - time.time()))
    assert runs(environment) == before, "something was started again"
    taken = [moment for moment in moments(influxdb, "web-1") if moment > began]
    assert len(taken) >= WRONG // INTERVAL - 3

    jump(environment, 0)
    right = time.time()
    # As its timer does (OnClockChange): here the kernel's clock has not jumped.
    assert environment.guest("systemctl", "is-active", "monitoring-clock.timer").stdout == "active\n"
    assert environment.guest("systemctl", "start", "monitoring-clock.service").returncode == 0
    assert eventually(lambda: answers(environment) and "host-silent" in rules(environment), 60)
    over = lambda: not any(state(environment, "host-silent", host) == "Alerting" for host in ("db-1", "web-1"))  # noqa: E731
    assert eventually(over, 120), rules(environment)["host-silent"]
    print(f"over {time.time() - right:.0f} s after it was right")
    # The server's own points of that time are in the future, as a host's would be; the command of docs/alerts.md.
    deleted = environment.guest("bash", "-c", DELETE, SERVER)
    assert '"error"' not in deleted.stdout, deleted.stdout
    assert runs(environment)[0] == before[0], "InfluxDB was restarted"
    time.sleep(max(0.0, right + 8 * INTERVAL - time.time()))
    assert lost(environment, right + 5 * INTERVAL)[SERVER] == 0
    found = lost(environment, began)
    assert found["db-1"] == found["web-1"] == 0
