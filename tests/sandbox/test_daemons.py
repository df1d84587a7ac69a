"""Stopping the local environment's daemons."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from sandbox import daemons
from sandbox.place import Place

OBEDIENT = "import time, sys; print('up', flush=True); time.sleep(60)"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {OBEDIENT}"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path)
    made.state.mkdir(parents=True)
    return made


def run(place: Place, program: str) -> subprocess.Popen[str]:
    """A daemon named `cloud`, as `start` leaves it, except that it is this process's child."""
    process = subprocess.Popen(
        [sys.executable, "-c", program, "sandbox.cloud"], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    daemons.ready_file(place, "cloud").write_text(str(process.pid))
    return process


@pytest.mark.parametrize("program", [OBEDIENT, DEAF], ids=["terminates", "has to be killed"])
def test_stop_ends_a_daemon(place: Place, program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daemons, "STOP_SECONDS", 0.5)
    process = run(place, program)
    assert daemons.pid(place, "cloud") == process.pid
    daemons.stop(place, "cloud")
    assert daemons.pid(place, "cloud") is None
    assert process.wait(10) != 0


def test_another_process_with_the_daemon_s_old_pid_is_left_alone(place: Place) -> None:
    stranger = subprocess.Popen([sys.executable, "-c", OBEDIENT], stdout=subprocess.DEVNULL)
    try:
        daemons.ready_file(place, "cloud").write_text(str(stranger.pid))
        daemons.stop(place, "cloud")
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()
