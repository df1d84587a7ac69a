"""A volume that is not blank is never formatted; a blank one is, whatever its name and whenever it appears.

The real boot script runs on the real server, in a mount namespace in which a spare volume takes the place of its own.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sandbox.machines import volumes
from tests.live.environment import PLACE, Environment
from tests.live.faults.cases import one_of
from tests.live.server import BOOT_SCRIPT
from tests.live.stacks import console
from tests.support.waiting import eventually

pytestmark = pytest.mark.live

GIB = 1024**3
OWN, SPARE = "/dev/sdf", "/dev/sdg"
ALONE = "umount --lazy /var/lib/influxdb /var/lib/grafana /srv/monitoring"


@pytest.fixture(scope="module")
def spare(environment: Environment) -> Iterator[Path]:
    """Attach a second volume to the server; yields its device on this machine."""
    ec2 = environment.aws("ec2")
    instance = ec2.describe_instances(InstanceIds=[environment.instance_id])["Reservations"][0]["Instances"][0]
    zone = instance["Placement"]["AvailabilityZone"]
    volume = ec2.create_volume(AvailabilityZone=zone, Size=2, VolumeType="gp3")["VolumeId"]
    ec2.attach_volume(Device=SPARE, InstanceId=environment.instance_id, VolumeId=volume)
    assert eventually(lambda: environment.guest("test", "-b", SPARE).returncode == 0)
    yield volumes.loops(PLACE)[volume]
    environment.guest("rm", "--force", "/dev/xvdf")
    # This restores the names in fstab.
    assert environment.guest(BOOT_SCRIPT).returncode == 0
    ec2.detach_volume(Device=SPARE, InstanceId=environment.instance_id, VolumeId=volume)
    assert eventually(lambda: environment.guest("test", "-b", SPARE).returncode != 0)
    ec2.delete_volume(VolumeId=volume)


def boot(environment: Environment, *before: str) -> subprocess.CompletedProcess[str]:
    """Run the boot script after commands that change, for it alone, which volumes it sees."""
    script = "\n".join(["set -e", ALONE, *before, f"exec {BOOT_SCRIPT}"])
    return environment.guest("unshare", "--mount", "sh", "-c", script)


def run(*command: str | Path) -> None:
    subprocess.run(command, check=True, capture_output=True)


def empty(device: Path) -> None:
    run("blkdiscard", "--force", device)


def content(device: Path) -> str:
    """A checksum of the whole device."""
    with device.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def write(device: Path, at: int, what: bytes) -> None:
    with device.open("r+b") as handle:
        handle.seek(at)
        handle.write(what)


def beheaded(device: Path, size: int) -> None:
    """Make a file system, and overwrite its beginning with zeros."""
    run("mkfs.ext4", "-q", "-F", device)
    write(device, 0, bytes(size))


CONTENTS: dict[str, tuple[Callable[[Path], None], str]] = {
    "another file system": (lambda device: run("mkfs.ext2", "-q", "-F", device), "it holds ext2"),
    "swap": (lambda device: run("mkswap", device), "it holds swap"),
    "a partition table": (
        # One partition of Linux's type, as fdisk would write it.
        lambda device: write(
            device, 446, bytes.fromhex("00000000 83000000 00080000 00000100") + bytes(48) + b"\x55\xaa"
        ),
        "it holds dos",
    ),
    "ext4 without its first MiB": (lambda device: beheaded(device, 1 << 20), "it holds unknown data"),
    "ext4 without its first GiB": (lambda device: beheaded(device, GIB), "it holds unknown data"),
    "one byte, 700 MiB on": (lambda device: write(device, 700 << 20, b"x"), "it holds unknown data"),
    "the last bytes": (lambda device: write(device, 2 * GIB - 4, b"last"), "it holds unknown data"),
}


@pytest.mark.parametrize("kind", one_of(CONTENTS, "another file system", "ext4 without its first GiB"))
def test_a_volume_that_is_not_blank_is_refused_and_left_untouched(
    environment: Environment, spare: Path, kind: str
) -> None:
    fill, words = CONTENTS[kind]
    empty(spare)
    fill(spare)
    before = content(spare)
    refused = boot(environment, f"mount --bind {SPARE} {OWN}")
    assert refused.returncode == 1, refused.stdout
    assert content(spare) == before
    printed = console(environment)
    reported = re.findall(
        r"monitoring: boot failed at line \d+ of monitoring-server: (vol-\w+ \(/dev/sdf\) .*)", printed
    )
    assert reported, printed[-1000:]
    assert words in reported[-1]
    assert "is not blank" in reported[-1]
    assert "left untouched" in reported[-1]


NAMES: dict[str, str] = {
    "/dev/xvdf": "ln -s /dev/sdg /dev/xvdf",
    "/dev/xvdf, late": "(sleep 8; ln -s /dev/sdg /dev/xvdf) &",
    "/dev/disk/by-id": "mkdir -p /dev/disk && mount -t tmpfs none /dev/disk && mkdir /dev/disk/by-id && "
    ". /etc/monitoring/boot.conf && "
    "ln -s /dev/sdg /dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_$(echo $DATA_VOLUME | tr -d -)",
}


@pytest.mark.parametrize("name", one_of(NAMES, "/dev/disk/by-id"))
def test_a_blank_volume_is_formatted_once_and_never_again(environment: Environment, spare: Path, name: str) -> None:
    """The second boot finds the first one's file system with a file in it, although no device is called /dev/sdf."""
    environment.guest("rm", "--force", "/dev/xvdf")
    empty(spare)
    here = ["mount --bind /dev/null /dev/sdf", NAMES[name]]
    keep = "mkdir /tmp/spare && mount /dev/sdg /tmp/spare && echo mine >/tmp/spare/grafana/mine && umount /tmp/spare"
    first = boot(environment, *here)
    assert first.returncode == 0, first.stdout + first.stderr
    assert "formatting the blank volume" in first.stdout
    assert environment.guest("unshare", "--mount", "sh", "-c", keep).returncode == 0
    environment.guest("rm", "--force", "/dev/xvdf")
    again = boot(environment, *here)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "formatting" not in again.stdout
    read = "mount /dev/sdg /tmp/spare && cat /tmp/spare/grafana/mine && umount /tmp/spare && rmdir /tmp/spare"
    assert environment.guest("unshare", "--mount", "sh", "-c", read).stdout == "mine\n"
