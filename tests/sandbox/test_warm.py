"""Interpreters with packages already imported: a run on one behaves like any other."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import warm
from sandbox.warm.client import PROGRAM
from tests.support.waiting import ended, eventually

pytestmark = pytest.mark.slow

PYTHON = Path(sys.executable)


@pytest.fixture
def python() -> Iterator[str]:
    with warm.kept(PYTHON) as variable:
        folder = Path(variable[warm.VARIABLE])
        while not all((folder / socket).exists() for socket in warm.SOCKETS):
            time.sleep(0.05)
        yield f"{folder}/bin/python"


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """The script's name is that of Pulumi's own: only that is forked."""
    return tmp_path / PROGRAM


def run(python: str, script: Path, text: str, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    script.write_text(text)
    return subprocess.run(
        [python, script, *arguments],
        cwd=script.parent,
        env=os.environ | more,
        input="asked",
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


LOOK = """
import os, sys
print(sys.argv[1:], os.getcwd(), os.environ.get("MINE"), sys.stdin.read(), os.getpriority(os.PRIO_PROCESS, 0))
print(sys.path[0], __name__, __file__, "json" in sys.modules)
print("complaint", file=sys.stderr)
import json, near
sys.exit(near.STATUS)
"""


def test_a_run_has_its_own_arguments_folder_variables_streams_and_status(python: str, script: Path) -> None:
    # Modules next to the program are read again each time. (Byte code is compared by size and second, so sizes differ.)
    for status in (13, 0):
        (script.parent / "near.py").write_text(f"STATUS = {status}\n")
        done, alone = (run(each, script, LOOK, "a b", "", MINE="yes\nno") for each in (python, str(PYTHON)))
        assert done.returncode == alone.returncode == status
        assert done.stderr == alone.stderr == "complaint\n"
        before = done.stdout.replace("True", "False") if status == 0 else done.stdout
        assert before == alone.stdout


def test_pip_lists_what_is_installed(python: str) -> None:
    there, alone = (
        subprocess.run([each, *warm.PACKAGES], capture_output=True, check=True) for each in (python, str(PYTHON))
    )
    assert json.loads(there.stdout) == json.loads(alone.stdout)
    assert [each["name"] for each in json.loads(there.stdout)]


def test_packages_that_a_program_has_imported_are_imported_for_the_next(python: str, script: Path) -> None:
    (script.parent / "near.py").touch()
    texts = (
        "import sys\nprint([name in sys.modules for name in ('jinja2.sandbox', 'near')])\nimport jinja2.sandbox, near"
    )
    assert run(python, script, texts).stdout == "[False, False]\n"
    assert run(python, script, texts).stdout == "[True, False]\n"


def test_an_error_ends_a_run_as_it_ends_any_program(python: str, script: Path) -> None:
    done = run(python, script, "raise ValueError('this one')")
    assert done.returncode == 1
    assert done.stderr.rstrip().endswith("ValueError: this one")
    assert run(python, script, "import os, signal; os.kill(os.getpid(), signal.SIGKILL)").returncode == 128 + 9


STARTS = """
import os, subprocess, sys
print(os.getpid(), subprocess.Popen(["sleep", "60"]).pid, flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("with_signal", [signal.SIGINT, signal.SIGKILL])
def test_a_killed_run_ends_together_with_its_commands(python: str, script: Path, with_signal: signal.Signals) -> None:
    script.write_text(STARTS)
    with subprocess.Popen([python, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        started = process.stdout.readline().split()
        process.send_signal(with_signal)
        process.wait(30)
        assert eventually(lambda: all(ended(int(each)) for each in started), 30)


def test_other_commands_and_runs_without_the_server_have_their_own_interpreter(script: Path) -> None:
    with warm.kept(PYTHON) as variable:
        folder = Path(variable[warm.VARIABLE])
        shown = "import sys; print(sys.flags.isolated, sys.prefix, sys.argv)"
        other = subprocess.run([folder / "bin/python", "-c", shown, "x"], capture_output=True, text=True, check=True)
        assert other.stdout == f"0 {sys.prefix} ['-c', 'x']\n"
        (folder / "programs").unlink(missing_ok=True)
        assert run(f"{folder}/bin/python", script, "print('alone')").stdout == "alone\n"
    assert not folder.exists()
