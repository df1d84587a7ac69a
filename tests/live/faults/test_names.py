"""Names cannot be resolved: the boot script says which name, services continue with what they have, even after a
reboot, and the server catches up by itself once names resolve again."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.live.environment import Environment
from tests.live.points import SERVER, lost, steady
from tests.live.server import BOOT_SCRIPT, boot_id, main_pid
from tests.live.stacks import console
from tests.support.waiting import eventually

pytestmark = [pytest.mark.live, pytest.mark.long_fault]


@pytest.fixture
def without_names(environment: Environment) -> Iterator[None]:
    """The server cannot resolve AWS's names: it has them from /etc/hosts alone."""
    steady(environment)
    take = "cp /etc/hosts /etc/hosts.kept && sed -i /amazonaws/d /etc/hosts"
    assert environment.guest("sh", "-c", take).returncode == 0
    yield
    environment.guest("sh", "-c", "[ ! -e /etc/hosts.kept ] || mv /etc/hosts.kept /etc/hosts")


def test_without_name_resolution_everything_continues_and_later_catches_up(
    environment: Environment, without_names: None
) -> None:
    began = time.time()
    ran = environment.guest(BOOT_SCRIPT)
    assert ran.returncode != 0
    said = ran.stdout.strip().splitlines()[-1]
    print(f"after {time.time() - began:.0f} s: {said}")
    assert "read_parameters: curl: (6) Could not resolve host: ssm." in said

    before = boot_id(environment)
    environment.aws("ec2").reboot_instances(InstanceIds=[environment.instance_id])
    assert eventually(lambda: boot_id(environment) not in ("", before), 90)

    def running() -> bool:
        units = ("influxdb", "grafana-server", "telegraf")
        return all(main_pid(environment, environment.instance_id, unit) != "" for unit in units)

    assert eventually(running, 90)
    found = lost(environment, began)
    assert found["db-1"] == found["web-1"] == 0
    assert found[SERVER] <= 6
    assert environment.grafana.get("/api/health").status_code == 200
    finished = console(environment).count("boot finished")
    back = time.time()
    assert environment.guest("mv", "/etc/hosts.kept", "/etc/hosts").returncode == 0
    assert eventually(lambda: console(environment).count("boot finished") > finished, 240), console(environment)[-1500:]
    print(f"caught up {time.time() - back:.0f} s after the names were back")
