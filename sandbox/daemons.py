"""Start, find and stop the local environment's own processes (see `NAMES`), one log file each."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil

from sandbox.errors import SandboxError
from sandbox.place import Place

NAMES = ("cloud", "repository", "machines", "viewer")
"""In the order they start: AWS, the apt repository, the machines that boot from both, and the dashboards."""

START_SECONDS = 180
"""Patience for a busy machine: one that ends before it serves is noticed at once."""
STOP_SECONDS = 20


def ready_file(place: Place, name: str) -> Path:
    """The file a daemon writes its pid to when it serves, and removes when it ends."""
    return place.state / f"{name}.ready"


def pid(place: Place, name: str) -> int | None:
    """The pid of a running daemon of this place, or None."""
    try:
        number = int(ready_file(place, name).read_text())
        process = psutil.Process(number)
        command = process.cmdline()
    except (OSError, ValueError, psutil.Error):
        return None
    # A pid is used again after a reboot: make sure it is ours.
    alive = f"sandbox.{name}" in command and process.status() != psutil.STATUS_ZOMBIE
    return number if alive else None


def running(place: Place) -> list[str]:
    """Names of the daemons that run."""
    return [name for name in NAMES if pid(place, name)]


def ended(place: Place) -> list[str]:
    """Names of the daemons that the environment needs and that do not run; it works without the viewer."""
    return [name for name in NAMES if name != "viewer" and not pid(place, name)]


def complete(place: Place) -> bool:
    """Whether everything runs that the environment needs."""
    return not ended(place)


def start(place: Place, name: str) -> None:
    """Start a daemon unless it runs, and wait until it serves.

    Raises SandboxError with the daemon's last words when it ends before that.
    """
    if pid(place, name):
        return
    place.logs.mkdir(parents=True, exist_ok=True)
    ready_file(place, name).unlink(missing_ok=True)
    log = place.logs / f"{name}.log"
    with log.open("ab") as sink:
        process = subprocess.Popen(
            [sys.executable, "-m", f"sandbox.{name}"],
            cwd=place.checkout,
            env=os.environ | {"SANDBOX_NAME": place.name, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            start_new_session=True,
        )
    deadline = time.monotonic() + START_SECONDS
    while not ready_file(place, name).exists():
        if process.poll() is not None or time.monotonic() > deadline:
            words = last_words(log)
            raise SandboxError(f"The local environment's '{name}' did not start: {words}\nIts log: {log}")
        time.sleep(0.05)


def stop(place: Place, name: str) -> None:
    """End a daemon: politely, then for good. Does nothing when it does not run."""
    number = pid(place, name)
    if number is not None:
        process = psutil.Process(number)
        process.terminate()
        if not _ended(process, STOP_SECONDS):
            process.kill()
            _ended(process, STOP_SECONDS)
    ready_file(place, name).unlink(missing_ok=True)


def _ended(process: psutil.Process, seconds: float) -> bool:
    """Wait until a process has ended; a zombie has ended, too."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.05)
    return False


def last_words(log: Path, lines: int = 3) -> str:
    """The last lines of a log file that say something."""
    text = log.read_text(errors="replace") if log.exists() else ""
    return "\n".join([line for line in text.splitlines() if line.strip()][-lines:]) or "it printed nothing"
