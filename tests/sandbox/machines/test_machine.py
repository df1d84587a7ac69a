"""How a process finds a machine's supervisor and a volume's loop device."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from sandbox.machines import volumes
from sandbox.machines.fleet import Disk
from sandbox.machines.machine import Machine
from sandbox.machines.system import run
from sandbox.place import Place
from tests.support.waiting import eventually

Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path, "test")
    made.__dict__["slot"] = 0
    return made


@pytest.fixture
def machine(place: Place) -> Machine:
    made = Machine(place, "db-1", IPv4Address("198.18.1.1"))
    made.folder.mkdir(parents=True)
    return made


@pytest.fixture
def start(machine: Machine) -> Iterator[Start]:
    """Starts a process that looks like the machine's supervisor by default."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(program: str = "/usr/bin/systemd-nspawn", name: str = machine.nspawn_name) -> subprocess.Popen[bytes]:
        sleep = [program, "-c", "input()", f"--machine={name}"]
        started.append(subprocess.Popen(sleep, executable=sys.executable, stdin=subprocess.PIPE))
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.wait()


def record(machine: Machine, pid: int) -> None:
    (machine.folder / "supervisor").write_text(f"{pid}\n")


def test_the_supervisor_is_found_with_and_without_a_recorded_pid(machine: Machine, start: Start) -> None:
    assert machine.supervisor is None
    process = start()
    assert machine.supervisor == process.pid
    record(machine, process.pid)
    assert machine.supervisor == process.pid
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert machine.supervisor is None, "not even while it is a zombie"


def test_another_process_with_the_recorded_pid_is_not_the_supervisor(machine: Machine, start: Start) -> None:
    for other in (start(program="/bin/sh"), start(name=f"{machine.nspawn_name}0")):
        record(machine, other.pid)
        assert machine.supervisor is None
    own = start()
    assert machine.supervisor == own.pid


def test_loop_devices_are_found_as_losetup_reports_them(place: Place) -> None:
    disk = Disk("vol-1", "/dev/sdf", 1)
    device = volumes.attach(place, disk)
    try:
        assert volumes.attach(place, disk) == device
        assert volumes.loops(place) == {"vol-1": device}
        assert run("losetup", "--noheadings", "--output", "BACK-FILE", device).strip() == str(
            volumes.folder(place) / "vol-1.img"
        )
        (volumes.folder(place) / "vol-1.img").unlink()
        assert volumes.loops(place) == {"vol-1": device}, "even if its file has been deleted"
    finally:
        volumes.release_all(place)
    assert volumes.loops(place) == {}


def test_a_volume_is_attached_to_one_machine_at_a_time(place: Place) -> None:
    disk, attachments = Disk("vol-1", "/dev/sdf", 1), volumes.Attachments(place)
    try:
        device = attachments.take(disk, "i-1")
        assert device is not None
        assert attachments.take(disk, "i-1") == device
        assert attachments.take(disk, "i-2") is None
        with device.open("rb"):
            attachments.release("vol-1")
            assert attachments.take(disk, "i-2") is None, "the kernel has not released it yet"
        assert eventually(lambda: attachments.take(disk, "i-2"))
        assert attachments.take(disk, "i-1") is None
    finally:
        volumes.release_all(place)
