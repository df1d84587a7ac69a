"""The server's root disk is full: measurements, which are on another volume, go on; services that end and the machine
itself start again; somebody is notified; and once there is room nobody has to do anything."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.live.alert_rules import rules
from tests.live.environment import Environment
from tests.live.points import SERVER, caught_up, eventually, lost, steady
from tests.live.server import BOOT_SCRIPT, kill, run_of
from tests.live.small_root import answers, small_root

pytestmark = [pytest.mark.live, pytest.mark.long_fault]

FILLER = "/var/filler"
FILL = f"dd if=/dev/zero of={FILLER} bs=1M; dd if=/dev/zero of={FILLER}.end bs=512; sync"
ALERT = "host-disk-full"
SERVICES = ("influxdb", "grafana-server", "telegraf")
REWRITTEN = "/etc/monitoring/influxdb-segments"
"""One of the files that the boot script keeps as the stack says."""


@pytest.fixture(scope="module")
def small(environment: Environment) -> Iterator[None]:
    with small_root(environment):
        yield
    steady(environment)


@pytest.fixture
def filler(environment: Environment) -> Iterator[None]:
    yield
    environment.guest("sh", "-c", f"rm -rf {FILLER}*")


def boot_id(environment: Environment) -> str:
    return environment.guest("cat", "/proc/sys/kernel/random/boot_id").stdout


def test_a_full_root_disk_stops_nothing_and_is_reported(
    environment: Environment, quick: None, small: None, filler: None
) -> None:
    steady(environment)
    began, server = time.time(), environment.instance_id
    refused = environment.guest("sh", "-c", FILL)
    assert "No space left on device" in refused.stderr, refused.stderr
    full = time.time()
    assert environment.guest("sh", "-c", f"echo x >{FILLER}.more").returncode != 0

    for service in SERVICES:
        kill(environment, server, service)
        caught_up(environment, time.time())
    unchanged = environment.guest(BOOT_SCRIPT)
    assert unchanged.returncode == 0, unchanged.stdout

    # What it would have to write is said to have no room, and the old file stays.
    by_hand = f"s=$(stat -c %s {REWRITTEN}); printf '#' | dd of={REWRITTEN} bs=1 seek=$s conv=notrunc status=none"
    assert environment.guest("sh", "-c", by_hand).returncode == 0
    failed = environment.guest(BOOT_SCRIPT)
    print(f"{failed.stdout.strip().splitlines()[-1]}")
    assert failed.returncode != 0
    assert "No space left on device" in failed.stdout.splitlines()[-1]
    assert environment.guest("tail", "-c", "1", REWRITTEN).stdout == "#"

    before = boot_id(environment)
    environment.aws("ec2").reboot_instances(InstanceIds=[server])
    assert eventually(lambda: boot_id(environment) not in ("", before), 90)
    assert eventually(lambda: all(run_of(environment, server, each) not in ("", "0") for each in SERVICES), 120)
    assert eventually(lambda: answers(environment), 120)
    assert environment.guest("sh", "-c", f"echo x >{FILLER}.more").returncode != 0, "it is not full any more"

    def reported() -> bool:
        alerts = rules(environment)[ALERT]["alerts"]
        mine = [one for one in alerts if (one["labels"].get("host"), one["labels"].get("path")) == (SERVER, "/")]
        return [one["state"] for one in mine] == ["Alerting"]

    assert eventually(reported, 480), rules(environment)[ALERT]
    print(f"reported after {time.time() - full:.0f} s")

    environment.guest("sh", "-c", f"rm -rf {FILLER}*")
    freed = time.time()
    assert eventually(lambda: environment.guest(BOOT_SCRIPT).returncode == 0, 120)
    assert environment.guest("tail", "-c", "1", REWRITTEN).stdout != "#"
    assert eventually(lambda: not reported(), 480), rules(environment)[ALERT]
    print(f"over {time.time() - freed:.0f} s after there was room")
    found = lost(environment, began)
    assert found["db-1"] == found["web-1"] == 0
    # It measures nothing while Telegraf is killed and the machine reboots.
    assert found[SERVER] <= 6
