"""Start, find and stop the local environment's daemons (see `NAMES`), each with its own log file."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from socketserver import BaseServer

import psutil

from sandbox.errors import SandboxError
from sandbox.place import Place

NAMES = ("cloud", "repository", "machines", "viewer")
"""In the order they start: AWS, the apt repository, the machines that boot from both, and the dashboard viewer."""

START_SECONDS = 180
"""How long a daemon can take to start on a busy machine; one that ends while starting is noticed at once."""
STOP_SECONDS = 20


def ready_file(place: Place, name: str) -> Path:
    """The file to which a daemon writes its pid once it serves, and which it removes when it ends."""
    return place.state / f"{name}.ready"


@contextlib.contextmanager
def ready(place: Place, name: str) -> Iterator[None]:
    """In a daemon: tell others that it serves, while the context lasts."""
    file = ready_file(place, name)
    file.write_text(f"{os.getpid()}\n")
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def serve(place: Place, name: str, server: BaseServer) -> None:
    """In a daemon: serve until SIGTERM or SIGINT."""
    for number in (signal.SIGTERM, signal.SIGINT):
        # shutdown() waits for the loop that this handler interrupts, so it is called in another thread.
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    with ready(place, name):
        server.serve_forever()


def pid(place: Place, name: str) -> int | None:
    """The pid of a running daemon of this place, or None."""
    try:
        number = int(ready_file(place, name).read_text())
        process = psutil.Process(number)
        command = process.cmdline()
    except (OSError, ValueError, psutil.Error):
        return None
    # After a reboot, another process can have the pid.
    alive = f"sandbox.{name}" in command and process.status() != psutil.STATUS_ZOMBIE
    return number if alive else None


def running(place: Place) -> list[str]:
    """Names of the running daemons."""
    return [name for name in NAMES if pid(place, name)]


def ended(place: Place) -> list[str]:
    """Names of the daemons that the environment needs and that are not running. It does not need the viewer."""
    return [name for name in NAMES if name != "viewer" and not pid(place, name)]


def complete(place: Place) -> bool:
    """Whether every daemon that the environment needs is running."""
    return not ended(place)


def start(place: Place, name: str) -> None:
    """Start a daemon unless it is running, and wait until it serves.

    Raises SandboxError with the last lines of its log when it ends before that or takes too long.
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
            raise SandboxError(f"The local environment's '{name}' did not start: {tail(log)}\nIts log: {log}")
        time.sleep(0.05)


def stop(place: Place, name: str) -> None:
    """Terminate a daemon, if it is running, and kill it if it does not end in time."""
    number = pid(place, name)
    if number is not None:
        process = psutil.Process(number)
        process.terminate()
        if not _ended(process, STOP_SECONDS):
            process.kill()
            _ended(process, STOP_SECONDS)
    ready_file(place, name).unlink(missing_ok=True)


def _ended(process: psutil.Process, seconds: float) -> bool:
    """Wait until a process has ended (a zombie has); returns whether it did."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.05)
    return False


def tail(log: Path, lines: int = 3) -> str:
    """The last lines of a log file that are not blank."""
    text = log.read_text(errors="replace") if log.exists() else ""
    return "\n".join([line for line in text.splitlines() if line.strip()][-lines:]) or "it printed nothing"
