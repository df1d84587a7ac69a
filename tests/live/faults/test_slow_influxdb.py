"""InfluxDB takes long to open its database (here a `sleep`): the boot waits, says so, nothing kills it meanwhile, and
agents lose nothing."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest

from tests.live.environment import Environment
from tests.live.points import lost, steady
from tests.support.waiting import eventually

pytestmark = pytest.mark.live

OPENING = int(os.environ.get("OPENING", "70"))
"""Seconds: more than systemd gives a service to start here, and more than it takes the boot to report it. For
docs/faults.md it was 600."""
IMPATIENT = "/run/systemd/system.conf.d/impatient.conf"
SLOW = f"""#!/bin/sh
# It is the data that take long: elsewhere there are none.
if [ "$1" = -config ] && [ -z "$INFLUXDB_DATA_DIR" ]; then echo opening; sleep {OPENING}; fi
exec /usr/bin/influxd.quick "$@"
"""


@pytest.fixture
def slow(environment: Environment, quiet_server: None) -> Iterator[None]:
    """The server's influxd takes OPENING seconds, from its next start on, where systemd gives a service 40 (90 in
    Debian) unless its unit says otherwise."""
    impatient = "[Manager]\nDefaultTimeoutStartSec=40s\n"
    environment.guest("install", "-D", "-m", "644", "/dev/stdin", IMPATIENT, stdin=impatient)
    assert environment.guest("systemctl", "daemon-reload").returncode == 0
    assert environment.guest("systemctl", "show", "-P", "DefaultTimeoutStartUSec").stdout.strip() == "40s"
    environment.guest("mv", "/usr/bin/influxd", "/usr/bin/influxd.quick")
    environment.guest("install", "-m", "755", "/dev/stdin", "/usr/bin/influxd", stdin=SLOW)
    yield
    environment.guest("mv", "/usr/bin/influxd.quick", "/usr/bin/influxd")
    environment.guest("rm", IMPATIENT)
    environment.guest("systemctl", "daemon-reload")
    environment.guest("systemctl", "restart", "influxdb")


def said(environment: Environment, unit: str, since: float) -> list[str]:
    lines = environment.guest("journalctl", "-q", "-o", "cat", "-u", unit, f"--since=@{since:.0f}")
    return lines.stdout.splitlines()


def test_a_boot_waits_for_a_large_database_and_opens_it_once(environment: Environment, slow: None) -> None:
    """As on a new server: InfluxDB is not running, and nobody knows its administrator's password."""
    steady(environment)
    began = time.time()
    environment.guest("systemctl", "stop", "influxdb")
    environment.guest("rm", "/etc/monitoring/influxdb-administrator", "/run/monitoring/applied")
    environment.guest("systemctl", "start", "--no-block", "monitoring-server")

    def ended() -> bool:
        return any("monitoring: boot f" in line for line in said(environment, "monitoring-server", began))

    assert eventually(ended, OPENING + 180)
    reported = said(environment, "monitoring-server", began)
    assert any("boot finished" in line for line in reported), reported
    assert "monitoring: InfluxDB is opening its database (1 min)" in reported
    assert time.time() - began > OPENING
    assert said(environment, "influxdb", began).count("opening") == 1
    found = lost(environment, began)
    assert found["db-1"] == found["web-1"] == 0
