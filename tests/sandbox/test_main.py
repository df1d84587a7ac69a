"""Ctrl-C, however often it is pressed, and a full disk: one sentence, nothing half-made, no traceback."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from sandbox import __main__ as entry
from sandbox import commands, daemons, hosts, machines, stack, toolchain
from sandbox.errors import SandboxError
from sandbox.machines import network
from sandbox.place import Place

SLOW = """
import signal, sys, time
pressed = 0
def press(*_):
    global pressed
    pressed += 1
signal.signal(signal.SIGINT, press)
print("begun", flush=True)
while not pressed:
    time.sleep(0.05)
time.sleep(1)
open(sys.argv[1], "w").write(str(pressed))
"""
"""A CLI that takes a second to finish what it has begun."""

COMMAND = """
import os, signal, sys
from sandbox import __main__, commands, stack
from tools.command import run
def up(place, _):
    try:
        return stack.run_in_foreground([sys.executable, "-c", {slow!r}, {file!r}])
    finally:
        stack.run_in_foreground(["sleep", "0.5"])
        print("cleaned up", flush=True)
commands.up = up
class PressedWhileTheInterpreterShutsDown:
    def __del__(self, press=os.kill, process=os.getpid(), key=signal.SIGINT):
        press(process, key)
last = PressedWhileTheInterpreterShutsDown()
sys.argv = ["sandbox", "up"]
run(__main__.main)
"""


@pytest.mark.slow
@pytest.mark.parametrize("times", [1, 2, 5])
def test_pulumi_finishes_what_it_has_begun_however_often_ctrl_c_is_pressed(tmp_path: Path, times: int) -> None:
    """The signal goes to the whole process group, as from a terminal."""
    file = tmp_path / "ended"
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND.format(slow=SLOW, file=str(file))],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    for _ in range(times):
        os.killpg(process.pid, signal.SIGINT)
        time.sleep(0.3)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, "cleaned up\n"), err
    (line,) = err.strip().splitlines()
    assert line.startswith("Interrupted. `make up` ")
    assert int(file.read_text()) >= 1


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, "Free some space"),
        (errno.EDQUOT, "Free some space"),
        (errno.EROFS, "Mount it for writing, or go to a copy that can be written to"),
        (errno.EACCES, "Become the user who owns it"),
    ],
)
def test_a_file_that_cannot_be_written_is_reported_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], number: int, advice: str
) -> None:
    def up(*_: object) -> int:
        raise OSError(number, os.strerror(number), "/the/file")

    monkeypatch.setattr(commands, "up", up)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    assert entry.main(["up"]) == 1
    assert (
        capsys.readouterr().err == f"\n{os.strerror(number)}: /the/file. {advice}, then run the same command again.\n"
    )


@pytest.mark.parametrize("lines", [1, 9999])
def test_a_closed_pipe_ends_the_command_silently(lines: int) -> None:
    body = f"time.sleep(0.3); [print('x' * 99) for _ in range({lines})]"
    program = (
        f"import sys, time; from sandbox.errors import status_of; sys.exit(status_of(lambda: exec({body!r}) or 0))"
    )
    command = ["bash", "-c", '{ "$0" -c "$1"; echo "status $?" >&2; } | true', sys.executable, program]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert (done.stdout, done.stderr) == ("", "status 1\n")


def test_too_little_disk_space_is_reported_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    free = shutil.disk_usage(tmp_path)._replace(free=99 << 20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: free)
    monkeypatch.setattr(commands, "preflight", lambda: None)
    monkeypatch.setattr(commands, "build", lambda: pytest.fail("built without enough disk space"))
    monkeypatch.setattr(Place, "here", lambda: Place(tmp_path))
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    assert entry.main(["up"]) == 1
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("Only 99 MiB are free on the disk of ")
    assert line.endswith(" are needed. Free some space, then run the same command again.")
    assert not Place(tmp_path).state.exists()


def test_a_disk_that_fills_up_while_pulumi_runs_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place(tmp_path)
    place.state.mkdir(parents=True)
    monkeypatch.setattr(stack, "environment", lambda _: {})
    monkeypatch.setattr(toolchain, "binaries", lambda: tmp_path)
    monkeypatch.setattr(stack, "run_in_foreground", lambda *_, **__: 255)
    with pytest.raises(SandboxError, match=r"`pulumi up` failed"):
        stack.pulumi(place, "up")
    full = shutil.disk_usage(tmp_path)._replace(free=1 << 20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: full)
    with pytest.raises(
        SandboxError, match=r"^The disk of .* is full\. Free some space, then run the same command again\.$"
    ):
        stack.pulumi(place, "up")


@pytest.mark.parametrize("cut", ["", '{"version": 3, "checkpoint": {"la'])
def test_up_starts_from_scratch_when_a_full_disk_has_cut_off_the_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], cut: str
) -> None:
    """The resources still exist, but no state lists them: the local AWS is stopped, too."""
    place, ended = Place(tmp_path), []
    state = place.state / "backend/.pulumi/stacks/monitoring/sandbox.json"
    state.parent.mkdir(parents=True)
    for skipped in ("preflight", "build"):
        monkeypatch.setattr(commands, skipped, lambda: None)
    monkeypatch.setattr(commands, "require_space", lambda *_: None)
    monkeypatch.setattr(daemons, "pid", lambda *_: 1)
    monkeypatch.setattr(daemons, "stop", lambda _, name: ended.append(name))
    monkeypatch.setattr(machines, "cleanup", lambda _: None)

    def next_step(*_: object) -> None:
        raise SandboxError("the bridge is next")

    monkeypatch.setattr(network, "claim_slot", next_step)
    for text, discarded in (('{"version": 3}', False), (cut, True)):
        state.write_text(text)
        with pytest.raises(SandboxError, match="the bridge"):
            commands.start_cloud(place)
        assert (state.exists(), bool(ended)) == (not discarded, discarded)
    assert "cut off by a full disk, so its resources are unknown. Starting from scratch." in " ".join(
        capsys.readouterr().out.split()
    )


def test_a_stack_file_is_written_completely_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It also contains the passphrase's salt and what someone set by hand."""
    (tmp_path / "Pulumi.yaml").write_text("name: monitoring\n")
    (tmp_path / stack.BASE).write_text(yaml.safe_dump({"config": {"aws:region": "eu-central-1"}}))
    place = Place(tmp_path)
    file = stack.project_folder(place) / "Pulumi.other.yaml"
    file.parent.mkdir(parents=True)
    file.write_text("encryptionsalt: v1:x\n")
    monkeypatch.setattr(stack, "_facts", lambda *_: {})
    monkeypatch.setattr(hosts, "STACK", "sandbox")

    def full(self: Path, text: str) -> int:
        with self.open("w") as half:
            half.write(text[:5])
        raise OSError(errno.ENOSPC, "No space left on device", str(self))

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="No space left"):
        stack._write_stack_file(place, "other")
    assert file.read_text() == "encryptionsalt: v1:x\n"
    assert [each.name for each in file.parent.iterdir()] == [file.name]


@pytest.mark.parametrize("command", ["up", "preview", "status", "password", "shell"])
def test_a_stack_name_is_checked_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    monkeypatch.setattr(Place, "here", lambda: Place(tmp_path))
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    for name in ("a b", "../x", "x/y", "$(id)", "ü", "x" * 101):
        monkeypatch.setenv("SANDBOX_STACK", name)
        assert entry.main([command]) == 1
        assert capsys.readouterr().err.strip().startswith(f"STACK={name[:100]!r} is not a valid stack name: ")
    assert not any(tmp_path.iterdir())


def test_output_that_cannot_be_written_is_reported_in_one_sentence() -> None:
    program = "import sys; from sandbox.errors import status_of; sys.exit(status_of(lambda: print('x') or 0))"
    command = ["bash", "-c", '"$0" -c "$1" >/dev/full', sys.executable, program]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 1
    assert done.stderr == "\nNo space left on device. Free some space, then run the same command again.\n"
