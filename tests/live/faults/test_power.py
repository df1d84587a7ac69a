"""The power is cut while machines write.

What was not on a disk yet is lost in a real cut. Here the machines share this machine's kernel, which survives and
would write it a little later; so the data volume gets the content that its device had when the power went. That is
true of the data volume only: the root volumes are folders of this machine and lose nothing.
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
from tests.live.server import described, main_pid
from tests.live.services import Ask
from tests.support.waiting import eventually

pytestmark = [pytest.mark.live, pytest.mark.long_fault]

OFF = 30
"""Seconds without power."""


def cut_the_power(environment: Environment) -> None:
    """Of the server. Its data volume is then what had reached the device."""
    server = find(PLACE, environment.instance_id)
    volume = described(environment, environment.instance_id)[1]
    device, image = volumes.loops(PLACE)[volume], volumes.folder(PLACE) / f"{volume}.img"
    # As long as a process holds the file system, the kernel does not finally write all of it to the device.
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
    assert not same, "everything had reached the device already: this was no cut during writes"


def running(environment: Environment, host: str) -> bool:
    return main_pid(environment, host, "telegraf") != ""


def answers(environment: Environment, influxdb: Ask) -> bool:
    try:
        return bool(influxdb("GET", "/ping", "telegraf").status_code == 204)
    except OSError:  # of requests: not there yet
        return False


def test_a_power_cut_of_the_server_takes_nothing_that_influxdb_had_acknowledged(
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
    assert eventually(lambda: answers(environment, influxdb), 120)
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
    # It measures nothing while it is off and boots; two more were measured but not sent yet.
    assert OFF // INTERVAL - 1 <= found[SERVER] <= away // INTERVAL + 3
    forget(influxdb)


def test_a_power_cut_of_a_host_takes_what_its_agent_had_in_memory_and_no_more(environment: Environment) -> None:
    """Telegraf's buffer is memory: what it kept while InfluxDB was out of reach is lost with the power."""
    steady(environment)
    began = time.time()
    assert environment.machine_command("cut-network", "db-1").returncode == 0
    time.sleep(OFF)
    assert environment.machine_command("power-off", "db-1").returncode == 0
    time.sleep(OFF)
    assert environment.machine_command("restore-network", "db-1").returncode == 0
    assert environment.machine_command("reboot", "db-1").returncode == 0
    assert eventually(lambda: running(environment, "db-1"), 60)
    away = time.time() - began
    found = lost(environment, began)
    assert found["web-1"] == found[SERVER] == 0
    # Fewer would mean that this test does not do what it says.
    assert 2 * OFF // INTERVAL - 1 <= found["db-1"] <= away // INTERVAL + 3
