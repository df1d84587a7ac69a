"""Keeps one machine in its desired state: boots, reboots, stops and removes it in the background."""

from __future__ import annotations

import logging
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import Executor, Future
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from sandbox.errors import SandboxError
from sandbox.machines import cgroups
from sandbox.machines.machine import Machine
from sandbox.place import Place

REBOOT_WANTED = 133
"""The exit status of systemd-nspawn --keep-unit when its machine asks for a reboot."""

RETRY_SECONDS = 15
REBOOT_SECONDS = 30

log = logging.getLogger("machines")


def reboot_request(place: Place, identity: str) -> Path:
    """The file whose creation requests a machine's reboot (by ec2:RebootInstances or a test).

    A machine that lost power or was shut down from inside is switched on again.
    """
    return place.state / "machines" / identity / "reboot"


class Keeper(ABC):
    """Controls one machine; subclasses know what kind of machine it is."""

    def __init__(self, machine: Machine, executor: Executor) -> None:
        self.machine = machine
        self._executor = executor
        self._job: Future[None] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._failed = -float("inf")
        self._reported = False
        self.removed = False
        self.booted: float | None = None

    @abstractmethod
    def prepare(self) -> dict[str, Path]:
        """Mount and provision the machine before each boot; returns its block devices by name."""

    def powered_off(self) -> None:
        """Called in the background when the machine has shut itself down."""
        log.info("%s shut itself down", self.machine.id)

    def released(self) -> None:
        """Called in the background when the machine is off and unmounted."""
        log.info("%s is off", self.machine.id)

    @property
    def running(self) -> bool:
        """Whether the machine is on and nothing is being done to it."""
        return not self.busy and self._process is not None and self._process.poll() is None

    @property
    def healthy(self) -> bool:
        """The result of EC2's instance status check: whether the machine is on and its network card answers."""
        cut = (self.machine.folder / "network.cut").exists()
        return self.busy or (self.running and not cut)

    @property
    def busy(self) -> bool:
        return self._job is not None and not self._job.done()

    def keep_running(self) -> None:
        """Must be called every second while the machine should run."""
        if self.busy or time.monotonic() - self._failed < RETRY_SECONDS:
            return
        request = reboot_request(self.machine.place, self.machine.id)
        code = self._process.poll() if self._process else None
        if self._process is None or code == REBOOT_WANTED:
            self._start(self._boot)
        elif request.exists():
            self._start(self._reboot)
        elif code is None:
            self.machine.keep_plugged_in()
        elif code == 0 and not self._reported:
            self._reported = True
            self._start(self.powered_off)

    def stop(self) -> None:
        """Shut the machine down and unmount its file system; its files stay."""
        if not self.busy and self._process is not None:
            self._start(self._stop)

    def remove(self) -> None:
        """Shut the machine down and remove its files."""
        if not self.busy and not self.removed:
            self._start(self._remove)

    def _start(self, job: Callable[[], None]) -> None:
        def run() -> None:
            try:
                job()
            except (SandboxError, BotoCoreError, ClientError) as error:
                self._failed = time.monotonic()
                log.error("%s: %s", self.machine.id, error)
            except Exception:
                self._failed = time.monotonic()
                log.exception("%s: unexpected error", self.machine.id)

        self._job = self._executor.submit(run)

    def _boot(self) -> None:
        started = time.monotonic()
        devices = self.prepare()
        # This boot satisfies every request made so far.
        reboot_request(self.machine.place, self.machine.id).unlink(missing_ok=True)
        self._process = self.machine.start(devices)
        self._reported = False
        self.booted = time.monotonic()
        log.info(
            "%s boots at %s (prepared in %.1f s)",
            self.machine.id,
            self.machine.address,
            self.booted - started,
        )

    def _reboot(self) -> None:
        log.info("%s reboots", self.machine.id)
        self.machine.reboot()
        deadline = time.monotonic() + REBOOT_SECONDS
        while self._process is not None and self._process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        self.machine.power_off()
        self._boot()

    def _stop(self) -> None:
        log.info("%s is being shut down", self.machine.id)
        self.machine.shut_down()
        self._process = None
        self.machine.unmount()
        cgroups.remove(self.machine.place.bridge, self.machine.id)
        self.booted = None
        self._failed = -float("inf")
        self.released()

    def _remove(self) -> None:
        self._stop()
        self.machine.remove()
        self.removed = True
        log.info("%s is gone", self.machine.id)
