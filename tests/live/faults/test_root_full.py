"""The server's root disk is full, or has no inodes left: measurements, which are on another volume, continue; services
and the machine itself can restart; an alert fires; and once there is room, everything recovers by itself."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.live.alert_rules import rules
from tests.live.environment import Environment
from tests.live.points import SERVER, caught_up, lost, steady
from tests.live.server import BOOT_SCRIPT, boot_id, kill, main_pid
from tests.live.services import grafana_answers
from tests.live.small_root import small_root
from tests.support.waiting import eventually

pytestmark = [pytest.mark.live, pytest.mark.long_fault]

FILLER = "/var/filler"
USED_UP = {
    "room": (f"dd if=/dev/zero of={FILLER} bs=1M; dd if=/dev/zero of={FILLER}.end bs=512; sync", "host-disk-full"),
    "inodes": (
        f"mkdir {FILLER}; cd {FILLER}; python3 -c 'import os\nfor n in range(10**7): os.mknod(str(n))'",
        "host-inodes",
    ),
}
"""What uses up the disk, and the alert that reports it."""
SERVICES = ("influxdb", "grafana-server", "telegraf")
REWRITTEN = "/etc/monitoring/influxdb-segments"
"""One of the files that the boot script rewrites whenever they differ from the stack's."""


@pytest.fixture(scope="module")
def small(environment: Environment) -> Iterator[None]:
    with small_root(environment):
        yield
    steady(environment)


@pytest.fixture
def filler(environment: Environment) -> Iterator[None]:
    yield
    environment.guest("sh", "-c", f"rm -rf {FILLER}*")


@pytest.mark.parametrize("what", USED_UP)
def test_a_full_root_disk_stops_nothing_and_is_reported(
    environment: Environment, quick: None, small: None, filler: None, what: str
) -> None:
    steady(environment)
    fill, alert = USED_UP[what]
    began, server = time.time(), environment.instance_id
    refused = environment.guest("sh", "-c", fill)
    assert "No space left on device" in refused.stderr, refused.stderr
    full = time.time()
    assert environment.guest("sh", "-c", f"echo x >{FILLER}.more").returncode != 0

    for service in SERVICES:
        kill(environment, server, service)
        caught_up(environment, time.time())
    unchanged = environment.guest(BOOT_SCRIPT)
    assert unchanged.returncode == 0, unchanged.stdout

    # The boot script reports that there is no room for what it has to write, and the old file stays.
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
    assert eventually(lambda: all(main_pid(environment, server, each) != "" for each in SERVICES), 120)
    assert eventually(lambda: grafana_answers(environment), 120)
    assert environment.guest("sh", "-c", f"echo x >{FILLER}.more").returncode != 0, "the disk is no longer full"

    def reported() -> bool:
        # Grafana lists rules a moment after it answers.
        alerts = rules(environment).get(alert, {"alerts": []})["alerts"]
        mine = [one for one in alerts if (one["labels"].get("host"), one["labels"].get("path")) == (SERVER, "/")]
        return [one["state"] for one in mine] == ["Alerting"]

    assert eventually(reported, 480), rules(environment).get(alert)
    print(f"reported after {time.time() - full:.0f} s")

    environment.guest("sh", "-c", f"rm -rf {FILLER}*")
    freed = time.time()
    assert eventually(lambda: environment.guest(BOOT_SCRIPT).returncode == 0, 120)
    assert environment.guest("tail", "-c", "1", REWRITTEN).stdout != "#"
    assert eventually(lambda: not reported(), 480), rules(environment).get(alert)
    print(f"the alert ended {time.time() - freed:.0f} s after there was room")
    found = lost(environment, began)
    assert found["db-1"] == found["web-1"] == 0
    # The server measures nothing while Telegraf restarts and the machine reboots.
    assert found[SERVER] <= 6
