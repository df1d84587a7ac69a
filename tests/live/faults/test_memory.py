"""Grafana and its child processes use up the memory: Grafana has a limit, and the kernel does not kill InfluxDB."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from benchmarks.load import limited
from sandbox.machines.register import find
from tests.live.environment import Environment
from tests.live.server import main_pid
from tests.live.services import grafana_answers
from tests.support.waiting import eventually

pytestmark = pytest.mark.live

DROP_IN = "/run/systemd/system/{unit}.service.d/hungry.conf"
HUNGRY = """[Service]
ExecStartPost=/bin/sh -c 'for i in $(seq {processes}); do \\
  (sleep {after}; x=$$(head -c {size}M /dev/zero | tr "\\\\0" x); sleep 900) & done'
"""
PROCESSES = {
    "influxdb": HUNGRY.format(processes=1, after=0, size=60),
    "grafana-server": HUNGRY.format(processes=80, after=10, size=8),
}
"""What the services start in addition: InfluxDB one process that is larger than any other, as a query would make it;
Grafana eighty smaller ones that together take more than a gigabyte, some seconds after its start."""
MEMORY = 600 << 20


def shown(environment: Environment, unit: str, name: str) -> str:
    return environment.guest("systemctl", "show", "-P", name, unit).stdout.strip()


def oom_scores(environment: Environment, unit: str) -> list[int]:
    """The kernel's OOM scores of a service's processes: it kills the highest first. A process that has ended, as
    Telegraf's commands do any moment, has 0, which those with memory never have (OOMScoreAdjust)."""
    cgroup = shown(environment, unit, "ControlGroup")
    script = f"for pid in $(cat /sys/fs/cgroup{cgroup}/cgroup.procs); do cat /proc/$pid/oom_score; done"
    return [int(score) for score in environment.guest("sh", "-c", script).stdout.split() if score != "0"]


def test_the_kernel_would_kill_influxdb_last(environment: Environment) -> None:
    influxdb = oom_scores(environment, "influxdb")
    for unit in ("grafana-server", "telegraf"):
        assert max(influxdb) < min(oom_scores(environment, unit)), unit


def test_grafana_and_telegraf_are_limited_to_less_than_two_thirds_of_the_memory(environment: Environment) -> None:
    (line,) = [each for each in environment.guest("cat", "/proc/meminfo").stdout.splitlines() if "MemTotal" in each]
    limits = [int(shown(environment, unit, "MemoryMax")) for unit in ("grafana-server", "telegraf")]
    assert sum(limits) < int(line.split()[1]) * 1024 * 2 / 3


def test_grafana_runs_only_the_plugins_it_needs(environment: Environment) -> None:
    cgroup = shown(environment, "grafana-server", "ControlGroup")
    names = f"for pid in $(cat /sys/fs/cgroup{cgroup}/cgroup.procs); do tr '\\0' ' ' </proc/$pid/cmdline; echo; done"
    running = [word for word in environment.guest("sh", "-c", names).stdout.split() if word.startswith("gpx_")]
    assert running == ["gpx_influxdb"]


@pytest.fixture
def hungry(environment: Environment) -> Iterator[None]:
    """The services start once with hungry processes, on a machine with little memory."""
    with limited.memory(find(environment.place, environment.instance_id), MEMORY):
        environment.guest("systemctl", "restart", "telegraf")
        for unit, processes in PROCESSES.items():
            file = DROP_IN.format(unit=unit)
            environment.guest("install", "-D", "-m", "644", "/dev/stdin", file, stdin=processes)
            environment.guest("systemctl", "daemon-reload")
            done = environment.guest("systemctl", "restart", unit)
            assert done.returncode == 0, done.stderr
            environment.guest("rm", file)
        environment.guest("systemctl", "daemon-reload")
        yield
        environment.guest("systemctl", "restart", *PROCESSES)
    assert eventually(lambda: grafana_answers(environment))


def test_out_of_memory_kills_processes_of_grafana_and_none_of_influxdb(environment: Environment, hungry: None) -> None:
    server = environment.instance_id
    before, large, small = (
        main_pid(environment, server, "influxdb"),
        *(len(oom_scores(environment, unit)) for unit in PROCESSES),
    )
    assert small > 80
    assert eventually(lambda: len(oom_scores(environment, "grafana-server")) < small - 5), "nothing was killed"
    time.sleep(5)
    assert (main_pid(environment, server, "influxdb"), len(oom_scores(environment, "influxdb"))) == (before, large)
    assert eventually(lambda: grafana_answers(environment))
