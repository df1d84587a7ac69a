"""The local environment's daemons: how they serve, and how they are stopped."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from sandbox import daemons
from sandbox.place import Place
from tests.support.waiting import eventually

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


SERVES = """
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from sandbox import daemons
from sandbox.place import Place
daemons.serve(Place(Path(sys.argv[2])), "cloud", HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler))
"""


def test_a_serving_daemon_is_found_until_it_is_stopped(place: Place) -> None:
    process = subprocess.Popen([sys.executable, "-c", SERVES, "sandbox.cloud", str(place.checkout)])
    try:
        assert eventually(lambda: daemons.pid(place, "cloud"), 60) == process.pid
        process.terminate()
        assert process.wait(10) == 0
        assert not daemons.ready_file(place, "cloud").exists()
    finally:
        process.kill()
        process.wait()


def test_another_process_with_the_daemon_s_old_pid_is_left_alone(place: Place) -> None:
    stranger = subprocess.Popen([sys.executable, "-c", OBEDIENT], stdout=subprocess.DEVNULL)
    try:
        daemons.ready_file(place, "cloud").write_text(str(stranger.pid))
        daemons.stop(place, "cloud")
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()
