"""The commands that boot a machine and run a command inside it: systemd-nspawn(1) and nsenter(1)."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address
from pathlib import Path

from sandbox.machines import cgroups, guest, network
from sandbox.place import Place

EXT4 = Path("/sys/fs/ext4")
"""Where the kernel reports on its ext4 file systems, such as their errors."""


def name(place: Place, identity: str) -> str:
    """The name that systemd-nspawn has for a machine."""
    return f"{place.bridge}-{identity}"[:64]


def command(place: Place, identity: str, address: IPv4Address, root: Path, devices: Mapping[str, Path]) -> list[str]:
    """The command that boots the machine whose file system is mounted at `root`. devices: see `Machine.start`."""
    boot = [
        "systemd-nspawn",
        "--quiet",
        "--boot",
        f"--directory={root}",
        f"--machine={name(place, identity)}",
        f"--uuid={guest.machine_id(place, identity)}",
        "--register=no",
        f"--network-veth-extra={network.port_name(place, address)}:{guest.INTERFACE}",
        "--resolv-conf=off",
        "--timezone=off",
        "--link-journal=no",
        "--console=read-only",
        "--system-call-filter=@memlock",  # Telegraf locks its secrets into memory, which real machines allow
        # nspawn hides this folder. It is the kernel's, so each machine reports all of the host's ext4 file systems.
        *([f"--bind-ro={EXT4}"] if EXT4.exists() else []),
        *(f"--bind={device}:{inside}" for inside, device in sorted(devices.items())),
    ]
    cgroup = cgroups.make(place.bridge, identity)
    if cgroup is None:
        return [*boot, "--property=DeviceAllow=block-loop rwm"]  # for volumes attached later
    # Move into the cgroup before systemd-nspawn starts, so that all its children are in there, too.
    moved = ["sh", "-c", 'echo $$ > "$0"; exec "$@"', str(cgroup / "cgroup.procs")]
    return [*moved, *boot, "--keep-unit"]


WAITING = '"$@"; exit "$?"'
"""A shell between nsenter and the command. Without it, nsenter would stop whenever the command is stopped. A machine
that shuts down stops all its processes before it kills them; it cannot continue an nsenter, which is outside: that
would never reap its child, and the machine's namespaces would stay. A shell does not stop with its child."""


def enter(leader: int, argv: Sequence[str]) -> list[str]:
    """The command that runs `argv` inside the machine whose PID 1 is `leader`, with a root shell's environment."""
    namespaces = ["--mount", "--uts", "--ipc", "--net", "--pid", "--root", "--wd"]
    settings = ["HOME=/root", "USER=root", "LANG=C.UTF-8", f"TERM={os.environ.get('TERM', 'dumb')}"]
    path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return [
        *("nsenter", f"--target={leader}", *namespaces, "--no-fork", "--"),
        *("env", "--ignore-environment", "-C", "/", *settings, path, "sh", "-c", WAITING, "sh", *argv),
    ]
