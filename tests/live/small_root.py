"""A server whose root disk is hardly larger than its content. Usually it is a folder of this machine, so that filling
it would fill this machine's own disk."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox.machines.machine import Machine
from sandbox.machines.register import find
from tests.live.environment import PLACE, Environment
from tests.live.services import grafana_answers
from tests.support.waiting import eventually

SPARE_MIB, SPARE_FILES = 200, 4000
"""How much is free on it: MiB and inodes."""


def sh(script: str, *arguments: object) -> str:
    return subprocess.run(
        ["bash", "-euc", script, "-", *map(str, arguments)], check=True, capture_output=True, text=True
    ).stdout


@contextmanager
def stopped(environment: Environment) -> Iterator[Machine]:
    """Stop the server through EC2, and start it again afterwards. In between, its disk can be changed."""
    instance = environment.instance_id
    server = find(PLACE, instance)
    environment.aws("ec2").stop_instances(InstanceIds=[instance])
    assert eventually(lambda: server.supervisor is None and not server.root.is_mount(), 60), "it does not stop"
    try:
        yield server
    finally:
        environment.aws("ec2").start_instances(InstanceIds=[instance])
        assert eventually(lambda: grafana_answers(environment), 120), "it does not start"


@contextmanager
def small_root(environment: Environment) -> Iterator[None]:
    """Move the server's files to an ext4 of their own, with Debian's usual 5 % reserved for root, and back
    afterwards."""
    with stopped(environment) as server:
        image = Path(server.folder / "small.img")
        mebibytes, files = (int(sh('du -s "$1" "$2" | cut -f 1', option, server.disk)) for option in ("-m", "--inodes"))
        # Its journal, inode tables and reserve come on top.
        sh('truncate -s "$2"M "$1"', image, int((mebibytes + SPARE_MIB) * 1.1) + 80)
        sh('mkfs.ext4 -q -N "$2" "$1"', image, files + SPARE_FILES)
        sh('mkdir "$2.small" && mount -o loop "$1" "$2.small" && cp -a "$2/." "$2.small"', image, server.disk)
        sh('mount --move "$1.small" "$1" && rmdir "$1.small"', server.disk)
    try:
        yield
    finally:
        with stopped(environment) as server:
            sh('mkdir "$1.whole" && cp -a "$1/." "$1.whole"', server.disk)
            sh('umount "$1" && rm -rf "$1" "$2" && mv "$1.whole" "$1"', server.disk, server.folder / "small.img")
