"""InfluxDB takes long to open its database (here, a `sleep`): the boot waits and says so, nothing kills InfluxDB, and
agents lose nothing."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest

from tests.live.environment import Environment
from tests.live.points import lost, steady
from tests.live.server import journal
from tests.support.waiting import eventually

pytestmark = pytest.mark.live

OPENING = int(os.environ.get("OPENING", "70"))
"""Seconds: more than systemd gives a service to start here, and more than the boot waits before it reports that. The
figures in docs/faults.md are from a run with 600."""
IMPATIENT = "/run/systemd/system.conf.d/impatient.conf"
SLOW = f"""#!/bin/sh
# Only the server's data takes long; while the password is reset, there is none.
if [ "$1" = -config ] && [ -z "$INFLUXDB_DATA_DIR" ]; then echo opening; sleep {OPENING}; fi
exec /usr/bin/influxd.quick "$@"
"""


@pytest.fixture
def slow(environment: Environment, quiet_server: None) -> Iterator[None]:
    """From its next start on, the server's influxd takes OPENING seconds to start. Unless a unit says otherwise,
    systemd here allows 40 s (Debian: 90 s)."""
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


def test_a_boot_waits_for_a_large_database_and_opens_it_once(environment: Environment, slow: None) -> None:
    """As on a new server, InfluxDB is not running, and its administrator's password is not known."""
    steady(environment)
    began = time.time()
    environment.guest("systemctl", "stop", "influxdb")
    environment.guest("rm", "/etc/monitoring/influxdb-administrator", "/run/monitoring/applied")
    environment.guest("systemctl", "start", "--no-block", "monitoring-server")

    def ended() -> bool:
        return "monitoring: boot f" in journal(environment, "monitoring-server", began)

    assert eventually(ended, OPENING + 180)
    reported = journal(environment, "monitoring-server", began)
    assert "boot finished" in reported, reported
    assert "monitoring: InfluxDB is opening its database (1 min)" in reported.splitlines()
    assert time.time() - began > OPENING
    assert journal(environment, "influxdb", began).splitlines().count("opening") == 1
    found = lost(environment, began)
    assert found["db-1"] == found["web-1"] == 0
