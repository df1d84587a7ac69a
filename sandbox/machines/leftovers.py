"""Removes what a killed daemon or a reset of the host left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from sandbox.machines import cgroups, volumes
from sandbox.machines.network import bridge_owner, owner_mark
from sandbox.machines.system import mounts_below, succeeds
from sandbox.place import Place

NSPAWN_FOLDER = Path("/run/systemd/nspawn/propagate")


def cleanup(place: Place) -> None:
    """Power off the place's machines, release mounts and loop devices, and remove its firewall and cgroups; if another
    place has taken its slot, these are no longer its own.

    The machines' files and the volumes stay, and so does the bridge (see `network.destroy`). Safe if nothing exists,
    but not while the machines daemon is running, which would start its machines again.
    """
    _end(lambda command: command[0].endswith("systemd-nspawn") and _belongs(place, command))
    _end(lambda command: any(word.startswith(f"{place.state}/databases/") for word in command))
    for mount in mounts_below(place.state):
        if not succeeds("umount", mount):
            succeeds("umount", "--lazy", mount)
    volumes.release_all(place)
    if bridge_owner(place.bridge) not in (None, owner_mark(place)):
        return
    succeeds("nft", "delete", "table", "inet", place.bridge)
    cgroups.remove(place.bridge)
    for folder in NSPAWN_FOLDER.glob(f"{place.bridge}-*"):
        with contextlib.suppress(OSError):
            folder.rmdir()


def _belongs(place: Place, command: list[str]) -> bool:
    machines = f"--directory={place.state}/machines/"
    return any(word.startswith(machines) for word in command)


def _end(ours: Callable[[list[str]], bool]) -> None:
    """Kill the children of each process that is ours, after which it cleans up and ends; if it does not end, or has no
    children, kill the process itself."""
    supervisors = [
        process for process in psutil.process_iter(["cmdline"]) if (c := process.info["cmdline"]) and ours(c)
    ]
    for supervisor in supervisors:
        with contextlib.suppress(psutil.Error):
            for child in supervisor.children() or [supervisor]:
                os.kill(child.pid, signal.SIGKILL)
    _, alive = psutil.wait_procs(supervisors, timeout=3)
    for supervisor in alive:
        with contextlib.suppress(psutil.Error):
            supervisor.kill()
    if alive:
        psutil.wait_procs(alive, timeout=3)
        time.sleep(0.1)  # the kernel drops their mounts a moment later
