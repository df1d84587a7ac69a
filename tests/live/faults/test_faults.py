"""Faults that take seconds: everything recovers by itself, and losses are counted. docs/faults.md lists all faults."""

from __future__ import annotations

import time

import pytest

from tests.live.environment import Environment
from tests.live.points import INTERVAL, NONE, SERVER, caught_up, lost, steady
from tests.live.server import BOOT_SCRIPT, boot_id, kill, main_pid
from tests.support.waiting import eventually

pytestmark = pytest.mark.live


@pytest.fixture(autouse=True)
def whole_before(environment: Environment) -> None:
    """Nothing is missing at first, so that whatever is missing afterwards was lost by the fault."""
    steady(environment)


def test_killed_services_restart_and_lose_only_what_telegraf_had_in_memory(environment: Environment) -> None:
    began = time.time()
    # Unless its unit says otherwise, systemd gives up on a service that ends five times in ten seconds.
    for _ in range(6):
        kill(environment, environment.instance_id, "influxdb")
    # What Telegraf could not deliver in the meantime is in its memory, and would be lost if Telegraf were killed now.
    caught_up(environment, time.time())
    kill(environment, environment.instance_id, "grafana-server")
    kill(environment, environment.instance_id, "telegraf")
    kill(environment, "db-1", "telegraf")
    found = lost(environment, began)
    assert found["web-1"] == 0
    # At most one interval was measured and not yet sent, and one may pass while Telegraf starts.
    assert found["db-1"] <= 2
    assert found[SERVER] <= 2


def test_a_reboot_of_the_server_loses_no_points_of_hosts(environment: Environment) -> None:
    before, began = boot_id(environment), time.time()
    environment.aws("ec2").reboot_instances(InstanceIds=[environment.instance_id])
    assert eventually(lambda: boot_id(environment) not in ("", before))
    for unit in ("influxdb", "telegraf"):
        assert eventually(lambda unit=unit: main_pid(environment, environment.instance_id, unit) != "")  # type: ignore[misc]
    away = time.time() - began
    found = lost(environment, began)
    assert found["db-1"] == found["web-1"] == 0
    # Besides the time away: the interval in which the server goes down, and the one in which Telegraf starts.
    assert found[SERVER] <= away / INTERVAL + 2
    # The firewall rules are back before the boot script applies anything.
    for user in ("telegraf", "grafana", "influxdb", "nobody"):
        for port in ("169.254.169.254/80", "127.0.0.1/8088"):
            asked = environment.guest("runuser", "-u", user, "--", "bash", "-c", f"exec 3<>/dev/tcp/{port}")
            assert "Connection refused" in asked.stderr, (user, port, asked.stderr)
    for port in ("169.254.169.254/80", "127.0.0.1/8088"):
        assert environment.guest("bash", "-c", f"exec 3<>/dev/tcp/{port}").returncode == 0, port


def test_an_unplugged_cable_loses_nothing(environment: Environment) -> None:
    began = time.time()
    assert environment.machine_command("cut-network", "web-1").returncode == 0
    time.sleep(2.5 * INTERVAL)
    assert environment.machine_command("restore-network", "web-1").returncode == 0
    assert lost(environment, began) == NONE


def test_a_restart_that_failed_is_repeated_by_the_next_run(environment: Environment, quiet_server: None) -> None:
    """The boot script fails after writing a file and before restarting the file's service."""
    refuses = 'case "$1" in restart) exit 1 ;; *) exec /tmp/systemctl "$@" ;; esac'
    script = f"""set -e
echo '# by hand' >>/etc/grafana/grafana.ini
cp /usr/bin/systemctl /tmp/systemctl
printf '#!/bin/sh\\n%s\\n' '{refuses}' >/tmp/refuses
chmod 755 /tmp/refuses
mount --bind /tmp/refuses /usr/bin/systemctl
exec {BOOT_SCRIPT}"""
    before = main_pid(environment, environment.instance_id, "grafana-server")
    failed = environment.guest("unshare", "--mount", "sh", "-c", script)
    assert failed.returncode != 0
    assert "grafana.sh: systemctl restart grafana-server" in failed.stdout, failed.stdout
    assert "by hand" not in environment.guest("cat", "/etc/grafana/grafana.ini").stdout
    assert main_pid(environment, environment.instance_id, "grafana-server") == before
    assert environment.guest(BOOT_SCRIPT).returncode == 0
    assert main_pid(environment, environment.instance_id, "grafana-server") not in ("", before)
