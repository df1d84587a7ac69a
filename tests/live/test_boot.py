"""The server as its user data sets it up, seen from inside."""

from __future__ import annotations

import base64
import re
import socket

import pytest

from tests.live.environment import Environment
from tests.live.server import BOOT_SCRIPT, main_pid
from tests.live.stacks import console

pytestmark = pytest.mark.live

SERVICES = {"grafana": "grafana-server", "influxdb": "influxdb", "telegraf": "telegraf"}
"""Packages, whose names are also their services' users, and their units."""


@pytest.mark.parametrize("package", SERVICES)
def test_the_package_is_installed_from_its_signed_repository(environment: Environment, package: str) -> None:
    policy = environment.guest("apt-cache", "policy", package).stdout
    installed = re.search(r"Installed: (\S+)", policy)
    assert installed, policy
    assert installed.group(1) != "(none)"
    assert "packages.sandbox.internal" in policy
    sources = environment.guest("sh", "-c", "cat /etc/apt/sources.list.d/*").stdout
    assert "signed-by" in sources.lower()
    assert "trusted=yes" not in sources


@pytest.mark.parametrize(("user", "service"), SERVICES.items())
def test_the_service_is_enabled_and_runs_as_its_own_user(environment: Environment, user: str, service: str) -> None:
    assert environment.guest("systemctl", "is-enabled", service).stdout.strip() == "enabled"
    assert environment.guest("systemctl", "is-active", service).stdout.strip() == "active"
    pid = main_pid(environment, environment.instance_id, service)
    assert environment.guest("ps", "-o", "user=", "-p", pid).stdout.strip() == user


def test_only_the_expected_ports_are_open(environment: Environment) -> None:
    listening = environment.guest("ss", "-Htln").stdout
    open_ports = {
        int(line.split()[3].rsplit(":", 1)[1])
        for line in listening.splitlines()
        if not line.split()[3].startswith(("127.", "[::1]"))
    }
    assert {3000, 8086} <= open_ports
    # 22 and 5355 (systemd-resolved) come with Debian's image; the security group blocks both.
    assert open_ports <= {22, 3000, 5355, 8086}, open_ports


@pytest.mark.parametrize(("port", "reachable"), [(3000, True), (8086, False), (22, False), (5355, False)])
def test_the_security_group_lets_the_operator_reach_only_grafana(
    environment: Environment, port: int, reachable: bool
) -> None:
    try:
        socket.create_connection((environment.address, port), timeout=3).close()
        connected = True
    except OSError:
        connected = False
    assert connected is reachable


def test_cloud_init_succeeded_and_accepts_the_user_data(environment: Environment) -> None:
    assert environment.guest("cloud-init", "status").stdout.strip() == "status: done"
    schema = environment.guest("cloud-init", "schema", "--system")
    assert schema.returncode == 0, schema.stdout + schema.stderr


def test_the_user_data_is_at_most_12_kib(environment: Environment) -> None:
    answer = environment.aws("ec2").describe_instance_attribute(
        InstanceId=environment.instance_id, Attribute="userData"
    )
    assert len(base64.b64decode(answer["UserData"]["Value"])) <= 12 * 1024


def test_the_data_is_on_the_data_volume(environment: Environment) -> None:
    for folder in ("/var/lib/influxdb", "/var/lib/grafana"):
        found = environment.guest("findmnt", "-n", "-o", "TARGET,SOURCE,FSTYPE", "--target", folder)
        assert folder in found.stdout, found.stdout
        assert "ext4" in found.stdout


def test_running_the_boot_script_again_changes_nothing(environment: Environment) -> None:
    """The same processes and files, with the same modification times."""
    observe = (
        "systemctl show -p MainPID,ActiveEnterTimestamp grafana-server influxdb telegraf; "
        "find /etc/grafana /etc/influxdb /etc/telegraf /etc/systemd/system /etc/apt /etc/fstab "
        "-type f -exec stat -c '%n %Y %a %U' {} + | sort"
    )
    before = environment.guest("sh", "-c", observe).stdout
    for seen in ("MainPID=", "/etc/grafana/grafana.ini ", "/etc/influxdb/influxdb.conf ", "/etc/fstab "):
        assert seen in before, "the comparison would miss a change"
    again = environment.guest(BOOT_SCRIPT)
    assert again.returncode == 0, again.stdout[-2000:] + again.stderr[-2000:]
    assert environment.guest("sh", "-c", observe).stdout == before


def test_the_console_shows_which_command_failed(environment: Environment) -> None:
    """When a command of the boot script fails, the console names the line and the command."""
    lines = environment.guest("wc", "-l", BOOT_SCRIPT).stdout.split()[0]
    failed = environment.guest(
        *("unshare", "--mount", "sh", "-c"),
        f"mount --bind /bin/false /usr/bin/systemctl && exec {BOOT_SCRIPT}",
    )
    assert failed.returncode != 0, failed.stdout[-2000:]
    text = console(environment)
    found = re.findall(r"monitoring: boot failed at line (\d+) of monitoring-server: systemctl daemon-reload", text)
    assert found, text[-2000:]
    assert 0 < int(found[-1]) <= int(lines)
    assert environment.guest(BOOT_SCRIPT).returncode == 0
