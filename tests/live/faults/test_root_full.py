"""The server's root volume is full, of data or of files: measurements go on, also when services or the machine start,
and the boot script goes on by itself once there is room.

Machines' root volumes are folders of this machine. For this test the server's lies on a file system in memory, whose
size and number of files the test decides.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.errors import SandboxError
from sandbox.machines.register import find
from tests.live.environment import PLACE, Environment
from tests.live.points import SERVER, eventually, lost, steady
from tests.live.second import console
from tests.live.server import BOOT_SCRIPT, kill, run_of

pytestmark = [pytest.mark.live, pytest.mark.long_fault]

FILLER = "/var/filler"
FULL = 60
"""Seconds for which nothing fits in."""


def switched_off(environment: Environment) -> None:
    environment.aws("ec2").stop_instances(InstanceIds=[environment.instance_id])
    machine = find(PLACE, environment.instance_id)
    assert eventually(lambda: machine.supervisor is None and not machine.root.is_mount(), 120)


def switched_on(environment: Environment) -> None:
    environment.aws("ec2").start_instances(InstanceIds=[environment.instance_id])
    assert eventually(lambda: runs(environment), 180)
    steady(environment)


def runs(environment: Environment) -> bool:
    try:
        units = ("influxdb", "grafana-server", "telegraf")
        return all(run_of(environment, environment.instance_id, unit) not in ("", "0") for unit in units)
    except (SandboxError, OSError):
        return False


def run(*command: str | Path) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=300)


@pytest.fixture(scope="module")
def root_in_memory(environment: Environment) -> Iterator[Path]:
    """The folder of the server's files, on a file system of its own, with room. All is as before afterwards."""
    steady(environment)
    switched_off(environment)
    folder = find(PLACE, environment.instance_id).folder
    kept = folder.with_name(f".{folder.name}.kept")
    folder.rename(kept)
    folder.mkdir()
    run("mount", "-t", "tmpfs", "-o", "size=3g", "tmpfs", folder)
    run("cp", "-a", f"{kept}/.", folder)
    try:
        switched_on(environment)
        yield folder
    finally:
        switched_off(environment)
        shutil.rmtree(kept)
        run("cp", "-a", folder, kept)
        run("umount", folder)
        folder.rmdir()
        kept.rename(folder)
        switched_on(environment)


def shrunk(folder: Path, what: str) -> None:
    """Hardly more than is in use."""
    field = {"size": "used", "nr_inodes": "iused"}[what]
    used = int(
        subprocess.run(["df", "-k", f"--output={field}", folder], capture_output=True, check=True).stdout.split()[1]
    )
    run("mount", "-o", f"remount,{what}={f'{used + 2048}k' if what == 'size' else used + 64}", folder)


FILL = {
    "size": f"dd if=/dev/zero of={FILLER} bs=1M; dd if=/dev/zero of={FILLER}.end bs=512",
    "nr_inodes": f"mkdir {FILLER}; cd {FILLER} && python3 -c 'import os\nfor n in range(10**6): os.mknod(str(n))'",
}


@pytest.mark.parametrize("what", FILL)
def test_a_full_root_volume_stops_no_measurement(environment: Environment, root_in_memory: Path, what: str) -> None:
    steady(environment)
    began, server = time.time(), environment.instance_id
    shrunk(root_in_memory, what)
    filled = environment.guest("sh", "-c", FILL[what])
    assert "No space left on device" in filled.stderr, filled.stderr
    try:
        for unit in ("influxdb", "grafana-server"):
            kill(environment, server, unit)
        ran = environment.guest(BOOT_SCRIPT)
        print(f"{what}: the boot script says {ran.stdout.strip().splitlines()[-1]}")
        time.sleep(FULL)
        assert eventually(lambda: environment.grafana.get("/api/health").status_code == 200, 60)
        environment.aws("ec2").reboot_instances(InstanceIds=[server])
        time.sleep(10)
        assert eventually(lambda: runs(environment), 120), "the services do not start without room"
        assert eventually(lambda: environment.grafana.get("/api/health").status_code == 200, 60)
        found = lost(environment, began)
        assert found["db-1"] == found["web-1"] == 0
        assert found[SERVER] <= 9
        finished = console(environment).count("boot finished")
    finally:
        environment.guest("sh", "-c", f"rm -rf {FILLER}*")
        run("mount", "-o", "remount,size=3g,nr_inodes=1m", root_in_memory)
    freed = time.time()
    # Whatever it could not do or note, it does now.
    environment.guest("rm", "-f", "/run/monitoring/applied")
    assert eventually(lambda: console(environment).count("boot finished") > finished, 180), console(environment)[-1500:]
    print(f"{what}: the boot is through {time.time() - freed:.0f} s after there was room")
