"""InfluxDB is out of reach for a while: agents keep what they measure, and deliver it later."""

from __future__ import annotations

import time

import pytest

from benchmarks.outage import MEASUREMENTS, counted
from tests.live.environment import Environment
from tests.live.points import HOSTS, INTERVAL, NONE, lost, steady

pytestmark = [pytest.mark.live, pytest.mark.long_fault]


def test_ten_minutes_without_influxdb_lose_nothing(environment: Environment) -> None:
    steady(environment)
    began = time.time()
    assert environment.guest("systemctl", "stop", "influxdb").returncode == 0
    try:
        time.sleep(600)
        # The boot script, which runs every half minute, does not start it.
        state = environment.guest("systemctl", "is-active", "influxdb").stdout.strip()
    finally:
        environment.guest("systemctl", "start", "influxdb")
    assert state == "inactive", "InfluxDB was not down"
    assert lost(environment, began) == NONE
    first, last = (int(moment // INTERVAL) * INTERVAL for moment in (began - 60, time.time() - 2 * INTERVAL))
    expected = dict.fromkeys(MEASUREMENTS, (last - first) // INTERVAL)
    found = counted(environment.grafana, first, last, INTERVAL)
    print(f"intervals with each measurement: {expected['system']}")
    assert {host: found[host] for host in HOSTS} == dict.fromkeys(HOSTS, expected)


def test_a_minute_with_the_server_unplugged_loses_nothing(environment: Environment) -> None:
    steady(environment)
    began = time.time()
    assert environment.machine_command("cut-network", environment.instance_id).returncode == 0
    try:
        time.sleep(60)
    finally:
        assert environment.machine_command("restore-network", environment.instance_id).returncode == 0
    assert lost(environment, began) == NONE
