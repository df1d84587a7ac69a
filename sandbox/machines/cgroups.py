"""One cgroup per machine, which counts its CPU time and is removed with the machine."""

from __future__ import annotations

import contextlib
from pathlib import Path


def unified_hierarchy() -> Path | None:
    """The mount point of cgroup v2 (next to v1 on hybrid hosts), or None."""
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, where, kind, *_ = line.split(" ")
        if kind == "cgroup2":
            return Path(where)
    return None


def host_runs_systemd() -> bool:
    """Whether the host's own PID 1 is systemd, which then owns the cgroup tree."""
    return Path("/run/systemd/system").is_dir()


def make(place_name: str, machine: str) -> Path | None:
    """Create the cgroup in which to start a machine's supervisor.

    Returns None where systemd runs the host: there, systemd-nspawn asks it for a scope.
    """
    hierarchy = unified_hierarchy()
    if hierarchy is None or host_runs_systemd():
        return None
    cgroup = hierarchy / place_name / machine
    cgroup.mkdir(parents=True, exist_ok=True)
    return cgroup


def of(pid: int) -> Path | None:
    """The cgroup of the whole machine whose supervisor (systemd-nspawn) has this pid."""
    hierarchy = unified_hierarchy()
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
            if line.startswith("0::/") and hierarchy is not None:
                path = line.removeprefix("0::/").removesuffix("/supervisor")
                return hierarchy / path if path else None
    return None


def cpu_seconds(cgroup: Path) -> float:
    """The CPU time that the machine has used since it started, in seconds.

    cpu.stat has the usage even without the cpu controller, so this also works on hybrid hosts.
    """
    for line in (cgroup / "cpu.stat").read_text().splitlines():
        name, _, value = line.partition(" ")
        if name == "usage_usec":
            return int(value) / 1_000_000
    return 0.0


def remove(place_name: str, machine: str | None = None) -> None:
    """Remove the empty cgroups of a machine, or of all the place's machines.

    On hybrid hosts, systemd-nspawn makes the same folders in the host's name=systemd hierarchy.
    """
    unified = unified_hierarchy()
    if unified is None or host_runs_systemd():
        return
    for hierarchy in {unified, Path("/sys/fs/cgroup/systemd")}:
        top = hierarchy / place_name / machine if machine else hierarchy / place_name
        if not top.is_dir():
            continue
        for folder in sorted((path for path in top.rglob("*") if path.is_dir()), reverse=True):
            with contextlib.suppress(OSError):
                folder.rmdir()
        with contextlib.suppress(OSError):
            top.rmdir()
