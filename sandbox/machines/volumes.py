"""EBS volumes: each is a sparse file, and while attached also a loop device and a device node in the machine."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.machines.fleet import Disk
from sandbox.machines.system import run, succeeds
from sandbox.place import Place

GIB = 1024**3
LOOPS = Path("/sys/block")


def folder(place: Place) -> Path:
    """The folder of the place's volumes, with one `<volume id>.img` each."""
    return place.state / "volumes"


def loops(place: Place) -> dict[str, Path]:
    """The place's attached loop devices by volume id, including those that a killed daemon left behind."""
    found = {}
    # As losetup does, but without starting a process, as the daemon calls this every second.
    for backing in LOOPS.glob("loop*/loop/backing_file"):
        with contextlib.suppress(OSError):  # it has just been detached
            # The kernel appends "(deleted)" to a deleted file's name.
            file = Path(backing.read_text().rstrip("\n").removesuffix(" (deleted)"))
            if file.parent == folder(place):
                found[file.stem] = Path("/dev") / backing.parts[-3]
    return found


def attach(place: Place, disk: Disk) -> Path:
    """Create the volume's file if it is new, grow it if the volume has grown, and return its loop device."""
    file = folder(place) / f"{disk.volume}.img"
    file.parent.mkdir(parents=True, exist_ok=True)
    grown = not file.exists() or file.stat().st_size < disk.size * GIB
    if grown:
        with file.open("ab") as handle:
            handle.truncate(disk.size * GIB)
        file.chmod(0o600)
    device = loops(place).get(disk.volume)
    if device is None:
        return Path(run("losetup", "--find", "--show", file).strip())
    if grown:
        run("losetup", "--set-capacity", device)
    return device


def detach(place: Place, volume: str) -> None:
    """Release the volume's loop device. The kernel itself waits until nothing uses it any more."""
    device = loops(place).get(volume)
    if device is not None:
        run("losetup", "--detach", device)


def delete(place: Place, volume: str) -> None:
    """Delete the volume's data."""
    detach(place, volume)
    (folder(place) / f"{volume}.img").unlink(missing_ok=True)


class Attachments:
    """Which machine has each attached volume: one at a time, as in EC2.

    Here an instance counts as stopped, and its volume as detached, while its machine still shuts down. The next machine
    has to wait: it would lose the device under it when the first one releases it.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self._machines: dict[str, str] = {}

    def take(self, disk: Disk, machine: str) -> Path | None:
        """Attach the volume to the machine; returns its loop device, or None while it is attached elsewhere."""
        device = loops(self._place).get(disk.volume)
        if device is not None and _is_being_released(device):
            return None
        if self._machines.setdefault(disk.volume, machine) != machine:
            return None
        return attach(self._place, disk)

    def release(self, volume: str) -> None:
        """Detach the volume from the machine that has it."""
        detach(self._place, volume)
        self._machines.pop(volume, None)


def _is_being_released(device: Path) -> bool:
    """Whether the kernel will release the loop device as soon as nothing uses it any more."""
    try:
        return (LOOPS / device.name / "loop" / "autoclear").read_text().strip() == "1"
    except OSError:  # it has just been released
        return False


def release_all(place: Place) -> None:
    """Release every loop device of the place; the files stay."""
    for device in loops(place).values():
        succeeds("losetup", "--detach", device)


def stored(place: Place) -> set[str]:
    """The ids of the volumes that have a file."""
    return {file.stem for file in folder(place).glob("*.img")} if folder(place).is_dir() else set()


def hot_plug(leader: int, device: Path, name: str) -> None:
    """Make the loop device appear as `name` in the running machine whose PID 1 has this pid.

    Replaces another device of that name. Raises SandboxError for a name that is not a device's.
    """
    if not re.fullmatch(r"/dev/[a-z0-9]+", name):
        raise SandboxError(f"A volume's device name must be like /dev/sdf, not {name}.")
    number = device.stat().st_rdev
    major, minor = os.major(number), os.minor(number)
    inside = ("nsenter", "--target", str(leader), "--mount", "--")
    there = Path(f"/proc/{leader}/root{name}")
    with contextlib.suppress(FileNotFoundError):
        if there.stat().st_rdev == number:
            return
        run(*inside, "rm", "--force", name)
    run(*inside, "mknod", "--mode=660", name, "b", str(major), str(minor))


def hot_unplug(leader: int, name: str) -> None:
    """Remove the device from the running machine."""
    succeeds("nsenter", "--target", str(leader), "--mount", "--", "rm", "--force", name)
