"""Checks whether this host can boot the sandbox's machines."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from sandbox.machines.cgroups import unified_hierarchy

TOOLS = {
    "systemd-nspawn": "systemd-container",
    "mmdebstrap": "mmdebstrap",
    "nft": "nftables",
    "ip": "iproute2",
    "bridge": "iproute2",
    "nsenter": "util-linux",
    "unshare": "util-linux",
    "losetup": "mount",
    "ssh-keygen": "openssh-client",
}
"""The tools that the sandbox uses, and the Debian package of each."""

DEBIAN_KEYS = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


def preflight() -> list[str]:
    """What keeps this host from running the sandbox, and what to do about it: one line per problem, or none."""
    if sys.platform != "linux":
        return ["The sandbox's machines need Linux. Use a Linux machine or a virtual one."]
    problems = []
    if os.geteuid() != 0:
        problems.append("Booting machines and creating a network bridge needs root. Run: sudo make")
    # A user's PATH often lacks the administrator's folders, which contain nft and losetup.
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
    missing = {package: tool for tool, package in TOOLS.items() if shutil.which(tool, path=path) is None}
    if not DEBIAN_KEYS.exists():
        missing["debian-archive-keyring"] = "the keys of Debian's archive"
    if missing:
        packages = " ".join(sorted(missing))
        problems.append(f"Missing: {', '.join(sorted(missing.values()))}. Run: apt-get install {packages}")
    if not Path("/dev/loop-control").exists():
        problems.append("No loop devices (/dev/loop-control). Load the kernel module: modprobe loop")
    if "overlay" not in Path("/proc/filesystems").read_text():
        problems.append("The kernel has no overlay file system. Load the kernel module: modprobe overlay")
    if unified_hierarchy() is None:
        problems.append("No cgroup v2 hierarchy. Run: mkdir -p /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup")
    return problems
