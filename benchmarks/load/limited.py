"""Limits a machine of the local environment to the memory of an instance type."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sandbox.machines import cgroups
from sandbox.machines.machine import Machine

V1 = Path("/sys/fs/cgroup/memory")


@dataclass(frozen=True)
class Memory:
    """The cgroup that counts a machine's memory, caches of files included. Numbers are bytes."""

    folder: Path
    peak_file: str

    @property
    def peak(self) -> int:
        return int((self.folder / self.peak_file).read_text())

    @property
    def killed(self) -> int:
        """The number of processes that the kernel killed for lack of memory."""
        for name in ("memory.events", "memory.oom_control"):
            if (file := self.folder / name).exists():
                return sum(
                    int(line.split()[1]) for line in file.read_text().splitlines() if line.startswith("oom_kill ")
                )
        return 0


@contextlib.contextmanager
def memory(machine: Machine, size: int) -> Iterator[Memory]:
    """Limit the machine to `size` bytes of memory inside the block. Raises OSError if the kernel cannot count memory.

    With cgroups v2, memory that is already in use counts; with v1 only what is allocated from now on, so services
    should be restarted inside the block.
    """
    own = cgroups.of(machine.supervisor or 0)
    if own is not None and (own / "memory.max").exists():
        before = (own / "memory.max").read_text()
        (own / "memory.max").write_text(str(size))
        try:
            yield Memory(own, "memory.peak")
        finally:
            (own / "memory.max").write_text(before)
        return
    folder = V1 / machine.nspawn_name
    folder.mkdir()
    try:
        (folder / "memory.limit_in_bytes").write_text(str(size))
        _move(own or V1, folder)
        yield Memory(folder, "memory.max_usage_in_bytes")
    finally:
        _move(folder, V1)
        folder.rmdir()


def _move(source: Path, target: Path) -> None:
    """Move all processes below a cgroup, including those that they start in the meantime."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        there = set((target / "cgroup.procs").read_text().split())
        pids = {pid for file in source.rglob("cgroup.procs") for pid in file.read_text().split()} - there
        if not pids:
            return
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                (target / "cgroup.procs").write_text(pid)
    raise OSError(f"processes of {source} are still not in {target}")
