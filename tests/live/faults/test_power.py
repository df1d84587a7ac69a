"""The power is cut while machines write.

In a real power cut, what is not on a disk yet is lost. Here, the machines share this machine's kernel, which survives
and would write it a little later. So the data volume is reset to what its device contained when the power went. Root
volumes are folders of this machine and lose nothing.
"""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from sandbox.machines import volumes
from sandbox.machines.register import find
from tests.live.bursts import Burst, forget
from tests.live.environment import PLACE, Environment
from tests.live.points import INTERVAL, SERVER, counts, lost, steady
from tests.live.server import image_and_volume, main_pid
from tests.live.services import Ask
from tests.support.waiting import eventually

pytestmark = [pytest.mark.live, pytest.mark.long_fault]

OFF = 30
"""Seconds without power."""


def cut_the_power(environment: Environment) -> None:
    """Cut the server's power. Afterwards its data volume contains what had reached the device."""
    server = find(PLACE, environment.instance_id)
    volume = image_and_volume(environment, environment.instance_id)[1]
    device, image = volumes.loops(PLACE)[volume], volumes.folder(PLACE) / f"{volume}.img"
    # While a process holds the file system, the kernel does not unmount it, which would write everything to the device.
    held = os.open(f"/proc/{server.leader}/root/srv/monitoring", os.O_PATH)
    try:
        server.power_off()
        subprocess.run(["cp", "--sparse=always", image, f"{image}.cut"], check=True)
    finally:
        os.close(held)
    assert eventually(lambda: not Path(f"/sys/fs/ext4/{device.name}").exists(), 30), "still mounted"
    volumes.detach(PLACE, volume)
    assert eventually(lambda: volume not in volumes.loops(PLACE), 30), "still attached"
    same = subprocess.run(["cmp", "--quiet", image, f"{image}.cut"], check=False).returncode == 0
    Path(f"{image}.cut").rename(image)
    assert not same, "everything had already reached the device: nothing was being written"


def influxdb_answers(influxdb: Ask) -> bool:
    try:
        return bool(influxdb("GET", "/ping", "telegraf").status_code == 204)
    except OSError:  # requests': it is not up yet
        return False


def test_a_power_cut_of_the_server_loses_nothing_that_influxdb_acknowledged(
    environment: Environment, influxdb: Ask, passwords: dict[str, str]
) -> None:
    steady(environment)
    began = time.time()
    before = counts(environment, began - 60, began - 20)
    with Burst(environment, passwords) as burst:
        assert eventually(lambda: len(burst.acknowledged) > 100, 60), burst.refused
        cut_the_power(environment)
        off = time.time()
        time.sleep(OFF)
    assert environment.machine_command("reboot", environment.instance_id).returncode == 0
    assert eventually(lambda: influxdb_answers(influxdb), 120)
    away = time.time() - off
    print(
        f"requests acknowledged before the cut: {len(burst.acknowledged)}, lost of them: {len(burst.lost(influxdb))};"
        f" away for {away:.0f} s"
    )
    assert burst.refused, "nothing was being written when the power went"
    assert burst.lost(influxdb) == set()
    assert counts(environment, began - 60, began - 20) == before
    found = lost(environment, began)
    assert found["db-1"] == found["web-1"] == 0
    # The server measures nothing while it is off and boots; two more intervals were measured but not yet sent.
    assert OFF // INTERVAL - 1 <= found[SERVER] <= away // INTERVAL + 3
    forget(influxdb)


def test_a_power_cut_of_a_host_loses_only_what_its_agent_had_in_memory(environment: Environment) -> None:
    """Telegraf's buffer is in memory: what it kept while InfluxDB was out of reach is lost with the power."""
    steady(environment)
    began = time.time()
    assert environment.machine_command("cut-network", "db-1").returncode == 0
    time.sleep(OFF)
    assert environment.machine_command("power-off", "db-1").returncode == 0
    time.sleep(OFF)
    assert environment.machine_command("restore-network", "db-1").returncode == 0
    assert environment.machine_command("reboot", "db-1").returncode == 0
    assert eventually(lambda: main_pid(environment, "db-1", "telegraf") != "", 60)
    away = time.time() - began
    found = lost(environment, began)
    assert found["web-1"] == found[SERVER] == 0
    # Fewer would mean that the power was not really cut.
    assert 2 * OFF // INTERVAL - 1 <= found["db-1"] <= away // INTERVAL + 3
