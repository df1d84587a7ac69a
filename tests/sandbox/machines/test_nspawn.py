"""How commands enter a machine, tested with a PID 1 in its own namespaces instead of a whole machine."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.machines import nspawn
from tests.support.waiting import eventually

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")

READY = "ready"


@pytest.fixture
def leader() -> Iterator[int]:
    """The pid, seen from the host, of the PID 1."""
    namespaces = ("--mount", "--uts", "--ipc", "--net", "--pid", "--fork", "--mount-proc", "--kill-child")
    inside = ("sh", "-c", f"echo {READY}; exec sleep 60")
    with subprocess.Popen(["unshare", *namespaces, *inside], stdout=subprocess.PIPE, text=True) as outside:
        assert outside.stdout
        assert outside.stdout.readline().strip() == READY
        (child,) = Path(f"/proc/{outside.pid}/task/{outside.pid}/children").read_text().split()
        yield int(child)
        outside.kill()


def test_a_command_runs_inside_with_its_arguments_input_and_exit_status(leader: int) -> None:
    script = 'echo "$$ $1 $HOME"; cat; exit 7'
    command = nspawn.enter(leader, ["sh", "-c", script, "sh", "a  $b 'c"])
    done = subprocess.run(command, input="typed", capture_output=True, text=True, check=False)
    pid, _, rest = done.stdout.partition(" ")
    assert (rest, done.returncode) == ("a  $b 'c /root\ntyped", 7)
    assert int(pid) < 10, "it is in the namespace"


def test_a_stopped_command_ends_with_its_machine(leader: int) -> None:
    """systemd shuts a machine down by stopping all processes, then killing them, then itself."""
    with subprocess.Popen(nspawn.enter(leader, ["sleep", "60"])) as command:
        stopping = nspawn.enter(leader, ["sh", "-c", "kill -STOP -1"])

        def state() -> str:
            children = Path(f"/proc/{command.pid}/task/{command.pid}/children").read_text().split()
            return "".join(Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0] for child in children)

        assert eventually(lambda: state() == "S", 10)
        subprocess.run(stopping, check=False, timeout=10)
        assert eventually(lambda: state() == "T", 10)
        os.kill(leader, signal.SIGKILL)
        try:
            assert command.wait(10) == 128 + signal.SIGKILL
        finally:
            command.kill()
