"""What breaks for a moment mends itself, and what is lost is counted: the faults that take seconds."""

from __future__ import annotations

import time

import pytest

from tests.live.environment import Environment
from tests.live.points import HOSTS, SERVER, eventually, lost

pytestmark = pytest.mark.live

NONE = dict.fromkeys(HOSTS, 0)


def main_process(environment: Environment, machine: str, unit: str) -> str:
    """Identifies the run of a service; "0" when it does not run."""
    return environment.machine(machine, "systemctl", "show", "-p", "MainPID", "--value", unit).stdout.strip()


def kill(environment: Environment, machine: str, unit: str) -> float:
    """kill -9 of a service; returns the moment, once another run of it is there."""
    before = main_process(environment, machine, unit)
    moment = time.time()
    killed = environment.machine(machine, "systemctl", "kill", "--signal=KILL", "--kill-whom=main", unit)
    assert killed.returncode == 0, killed.stderr
    assert eventually(lambda: main_process(environment, machine, unit) not in ("0", before), 30)
    return moment


def test_influxdb_killed_loses_nothing(environment: Environment) -> None:
    moment = kill(environment, environment.instance_id, "influxdb")
    assert lost(environment, moment) == NONE


def test_grafana_killed_loses_nothing(environment: Environment) -> None:
    moment = kill(environment, environment.instance_id, "grafana-server")
    assert eventually(lambda: environment.guest("curl", "-sko/dev/null", "https://127.0.0.1:3000").returncode == 0)
    assert lost(environment, moment) == NONE


def test_an_agent_killed_loses_what_it_had_not_sent_of_one_interval(environment: Environment) -> None:
    """What Telegraf has measured and not sent yet is in its memory: at most one interval, and one while it starts."""
    moment = kill(environment, "db-1", "telegraf")
    kill(environment, environment.instance_id, "telegraf")
    found = lost(environment, moment)
    assert found["web-1"] == 0
    assert found["db-1"] <= 2
    assert found[SERVER] <= 2
