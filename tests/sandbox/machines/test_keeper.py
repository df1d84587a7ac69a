"""What a keeper does with its machine, here a fake one."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest

from sandbox.errors import SandboxError
from sandbox.machines.keeper import REBOOT_WANTED, Keeper, reboot_request
from sandbox.machines.machine import Machine
from sandbox.place import Place


class ImmediateExecutor(Executor):
    """Runs a job at once."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


class Process:
    """A supervisor that ends when the test sets its exit code."""

    code: int | None = None

    def poll(self) -> int | None:
        return self.code


class FakeMachine(Machine):
    """Records what is done to it."""

    def __init__(self, place: Place) -> None:
        super().__init__(place, "i-1", IPv4Address("198.18.0.10"))
        self.done: list[str] = []
        self.folder.mkdir(parents=True)
        self.process = Process()

    def start(self, devices: dict[str, Path]) -> Any:
        self.done.append(f"start {sorted(devices)}")
        self.process = Process()
        return self.process

    def reboot(self) -> None:
        self.done.append("reboot")
        self.process.code = REBOOT_WANTED

    def shut_down(self, seconds: float = 30) -> None:
        self.done.append("shut down")

    def power_off(self) -> None:
        self.done.append("power off")

    def unmount(self) -> None:
        self.done.append("unmount")

    def keep_plugged_in(self) -> None:
        self.done.append("plug in")


class SomeKeeper(Keeper):
    trouble: str | None = None
    went_off = 0

    def prepare(self) -> dict[str, Path]:
        if self.trouble:
            raise SandboxError(self.trouble)
        return {"/dev/sdf": Path("/dev/loop9")}

    def powered_off(self) -> None:
        self.went_off += 1


@pytest.fixture
def machine(tmp_path: Path) -> FakeMachine:
    return FakeMachine(Place(tmp_path))


@pytest.fixture
def keeper(machine: FakeMachine) -> SomeKeeper:
    return SomeKeeper(machine, ImmediateExecutor())


def test_a_new_machine_is_booted_with_its_volumes_and_then_left_alone(keeper: SomeKeeper, machine: FakeMachine) -> None:
    keeper.keep_running()
    keeper.keep_running()
    assert machine.done == ["start ['/dev/sdf']", "plug in"]
    assert keeper.running
    assert keeper.healthy


def test_a_machine_that_reboots_itself_is_booted_again(keeper: SomeKeeper, machine: FakeMachine) -> None:
    keeper.keep_running()
    machine.process.code = REBOOT_WANTED
    keeper.keep_running()
    assert machine.done == ["start ['/dev/sdf']"] * 2


def test_a_machine_that_shuts_itself_down_is_reported_once(keeper: SomeKeeper, machine: FakeMachine) -> None:
    keeper.keep_running()
    machine.process.code = 0
    keeper.keep_running()
    keeper.keep_running()
    assert keeper.went_off == 1
    assert machine.done == ["start ['/dev/sdf']"]


def test_a_machine_without_power_stays_off_until_a_reboot_is_requested(
    keeper: SomeKeeper, machine: FakeMachine
) -> None:
    keeper.keep_running()
    machine.process.code = 137
    keeper.keep_running()
    assert machine.done == ["start ['/dev/sdf']"]
    assert not keeper.healthy
    request = reboot_request(machine.place, machine.id)
    request.touch()
    keeper.keep_running()
    assert machine.done[-1] == "start ['/dev/sdf']"
    assert not request.exists()
    assert keeper.healthy


def test_the_status_check_fails_when_the_cable_is_pulled(keeper: SomeKeeper, machine: FakeMachine) -> None:
    keeper.keep_running()
    (machine.folder / "network.cut").touch()
    assert keeper.running
    assert not keeper.healthy


def test_a_failed_boot_is_logged_and_not_retried_at_once(
    keeper: SomeKeeper, machine: FakeMachine, caplog: pytest.LogCaptureFixture
) -> None:
    keeper.trouble = "no loop device is left"
    keeper.keep_running()
    keeper.keep_running()
    assert machine.done == []
    assert [record.getMessage() for record in caplog.records] == ["i-1: no loop device is left"]


def test_stop_keeps_the_files_and_remove_deletes_them(keeper: SomeKeeper, machine: FakeMachine) -> None:
    keeper.keep_running()
    keeper.stop()
    assert machine.done[1:] == ["shut down", "unmount"]
    assert machine.folder.exists()
    keeper.stop()
    assert machine.done[1:] == ["shut down", "unmount"], "it is already off"
    keeper.remove()
    assert keeper.removed
    assert not machine.folder.exists()
