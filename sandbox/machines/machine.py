"""One systemd-nspawn machine: its folder, its file system, its power and its network cable."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from ipaddress import IPv4Address
from pathlib import Path

import psutil

from sandbox.errors import SandboxError
from sandbox.machines import cgroups, network, nspawn
from sandbox.machines.image import root_folder
from sandbox.machines.system import run, shell_status, succeeds
from sandbox.place import Place

POWER_OFF_SIGNAL = signal.SIGRTMIN + 4
"""Makes systemd as PID 1 power off; SIGINT makes it reboot (systemd(1), SIGNALS)."""


class Machine:
    """A machine of this place, running or not.

    id: the instance id, or an on-premise host's name. address: its private (or on-premise) address.
    Everything it has is in `folder`: `disk` (its own files, over which a test can mount a smaller disk), `root` (the
    file system as the machine sees it, while it is mounted), `console.log`, `machine.json`.
    """

    def __init__(self, place: Place, identity: str, address: IPv4Address) -> None:
        self.place = place
        self.id = identity
        self.address = address
        self.folder = place.state / "machines" / identity
        self.nspawn_name = nspawn.name(place, identity)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def root(self) -> Path:
        return self.folder / "root"

    @property
    def disk(self) -> Path:
        """The root disk, which contains the machine's own files only."""
        return self.folder / "disk"

    @property
    def console(self) -> Path:
        """The file with everything that the machine has written to /dev/console since it was created."""
        return self.folder / "console.log"

    @property
    def supervisor(self) -> int | None:
        """The pid of its systemd-nspawn, or None if it is off. Found by name, so this works in any process."""
        if self._process is not None and self._process.poll() is None:
            return self._process.pid
        # Try the one that was started last first: searching all processes takes 10 ms, twice for each command that a
        # test runs inside.
        with suppress(OSError, ValueError):
            number = int(self._started.read_text())
            if self._supervises(Path(f"/proc/{number}/cmdline").read_text().split("\0")):
                return number
        for process in psutil.process_iter(["cmdline", "status"]):
            if self._supervises(process.info["cmdline"] or []):
                return int(process.pid)
        return None

    @property
    def _started(self) -> Path:
        """The file with the pid of the supervisor that was started last."""
        return self.folder / "supervisor"

    def _supervises(self, command: Sequence[str]) -> bool:
        """Whether a process with this command line is the machine's systemd-nspawn."""
        return f"--machine={self.nspawn_name}" in command and command[0].endswith("systemd-nspawn")

    @property
    def leader(self) -> int | None:
        """The pid, seen from the host, of the machine's own PID 1; None if it is off."""
        supervisor = self.supervisor
        if supervisor is None:
            return None
        children = Path(f"/proc/{supervisor}/task/{supervisor}/children")
        try:
            for child in children.read_text().split():
                status = Path(f"/proc/{child}/status").read_text()
                numbers = next(line.split()[1:] for line in status.splitlines() if line.startswith("NSpid:"))
                if len(numbers) > 1 and numbers[-1] == "1":
                    return int(child)
        except (OSError, StopIteration):
            pass
        return None

    def mount(self) -> None:
        """Mount the machine's own files over the image, unless that is mounted already."""
        for name in ("disk/upper", "disk/work", "root"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        if self.root.is_mount():
            return
        # Its own files belong to the image that they were created on, even if a newer one has been built since.
        image = self.folder / "image"
        if not image.is_symlink():
            image.symlink_to(root_folder())
        if not image.is_dir():
            raise SandboxError(f"Machine {self.id}: its image {image.readlink()} is gone. Run `make down`.")
        # `volatile` skips syncs that are not needed here; its marker of an unclean unmount has to be removed by hand.
        shutil.rmtree(self.disk / "work" / "work" / "incompat", ignore_errors=True)
        # Relative names, as a checkout's path could contain commas and colons, which separate options.
        options = f"lowerdir={image.readlink()},upperdir=disk/upper,workdir=disk/work,volatile"
        run("mount", "-t", "overlay", "overlay", "-o", options, "root", cwd=self.folder)

    def unmount(self) -> None:
        """Unmount the file system; the machine's own files stay."""
        if self.root.is_mount() and not succeeds("umount", self.root):
            run("umount", "--lazy", self.root)

    def record(self, **facts: str) -> None:
        """Write machine.json, by which other processes find the machine (see `find`), if it has changed."""
        self.folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"id": self.id, "address": str(self.address), **facts}, indent=2) + "\n"
        file = self.folder / "machine.json"
        if not file.exists() or file.read_text() != text:
            temporary = file.with_suffix(".new")
            temporary.write_text(text)
            temporary.rename(file)

    def start(self, devices: dict[str, Path]) -> subprocess.Popen[bytes]:
        """Boot the mounted machine. devices: the host's block devices by their name inside.

        Returns the supervisor. It exits with 133 if the machine asks for a reboot, and with 0 if it shut itself down.
        """
        network.remove_cable(self.place, self.address)
        with self.console.open("ab") as console:
            process = subprocess.Popen(
                nspawn.command(self.place, self.id, self.address, self.root, devices),
                env=os.environ | {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._process = process
        self._started.write_text(f"{process.pid}\n")
        deadline = time.monotonic() + 10
        while not network.plug_in(self.place, self.address):
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                raise SandboxError(f"Machine {self.id} did not start; see {self.console}")
            time.sleep(0.02)
        return process

    def run(
        self, argv: Sequence[str], stdin: str | None = None, timeout: float | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command inside as root, as `ssh root@machine` would, and return its exit code and output.

        Raises SandboxError if the machine is off.
        """
        done = subprocess.run(
            self.inside(argv),
            input=stdin,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=timeout,
        )
        done.returncode = shell_status(done.returncode)
        return done

    def inside(self, argv: Sequence[str]) -> list[str]:
        """The command that runs `argv` inside the machine, with a root shell's usual environment."""
        leader = self.leader
        if leader is None:
            raise SandboxError(f"Machine {self.id} is off.")
        return nspawn.enter(leader, argv)

    def send_signal(self, number: int) -> None:
        """Send a signal to the machine's PID 1 (see POWER_OFF_SIGNAL), unless it is off."""
        leader = self.leader
        if leader is not None:
            os.kill(leader, number)

    def reboot(self) -> None:
        """Tell the machine to reboot; the supervisor then exits with 133."""
        self.send_signal(signal.SIGINT)

    def shut_down(self, seconds: float = 30) -> None:
        """Shut the machine down as its power button would, and cut the power if it is still on after `seconds`."""
        self.send_signal(POWER_OFF_SIGNAL)
        deadline = time.monotonic() + seconds
        while self.supervisor is not None and time.monotonic() < deadline:
            time.sleep(0.1)
        self.power_off()

    def power_off(self) -> None:
        """Cut the power: everything in the machine ends at once, then its supervisor cleans up and ends, too."""
        self.send_signal(signal.SIGKILL)
        deadline = time.monotonic() + 3
        while (supervisor := self.supervisor) is not None:
            if time.monotonic() > deadline:
                os.kill(supervisor, signal.SIGKILL)
            time.sleep(0.02)

    def cut_network(self) -> None:
        """Pull the network cable, and record that, so that the daemon does not plug it in again."""
        (self.folder / "network.cut").touch()
        network.unplug(self.place, self.address)

    def restore_network(self) -> None:
        """Plug the network cable back in."""
        (self.folder / "network.cut").unlink(missing_ok=True)
        network.plug_in(self.place, self.address)

    def keep_plugged_in(self) -> None:
        """Plug in the cable unless it was cut on purpose: a machine that rebooted by itself has a new one."""
        if not (self.folder / "network.cut").exists():
            network.plug_in(self.place, self.address)

    def remove(self) -> None:
        """Remove a machine that is off, and all its files."""
        self.unmount()
        if self.disk.is_mount():
            succeeds("umount", "--lazy", self.disk)
        shutil.rmtree(self.folder, ignore_errors=True)
        cgroups.remove(self.place.bridge, self.id)
