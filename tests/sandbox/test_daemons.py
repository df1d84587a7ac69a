"""Ending the local environment's own processes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from sandbox import daemons
from sandbox.place import Place

QUIET = "import time, sys; print('up', flush=True); time.sleep(60)"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {QUIET}"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path)
    made.state.mkdir(parents=True)
    return made


def run(place: Place, program: str) -> subprocess.Popen[str]:
    """A daemon called `cloud`, as `start` leaves it; only this process can reap it."""
    process = subprocess.Popen(
        [sys.executable, "-c", program, "sandbox.cloud"], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    daemons.ready_file(place, "cloud").write_text(str(process.pid))
    return process


@pytest.mark.parametrize("program", [QUIET, DEAF], ids=["ends when asked", "has to be killed"])
def test_stop_ends_a_daemon(place: Place, program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daemons, "STOP_SECONDS", 0.5)
    process = run(place, program)
    assert daemons.pid(place, "cloud") == process.pid
    daemons.stop(place, "cloud")
    assert daemons.pid(place, "cloud") is None
    assert process.wait(10) != 0


def test_a_pid_that_somebody_else_has_by_now_is_not_ours(place: Place) -> None:
    stranger = subprocess.Popen([sys.executable, "-c", QUIET], stdout=subprocess.DEVNULL)
    try:
        daemons.ready_file(place, "cloud").write_text(str(stranger.pid))
        daemons.stop(place, "cloud")
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()
