"""tools/start.py, with which the Makefile starts every command: Ctrl-C during the start, and unusual terminals."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULE = """
import os, sys, time
for name in ("stdin", "stdout", "stderr"):
    assert getattr(sys, name).isatty() is False
os.fstat(0), os.fstat(1), os.fstat(2)
print(sys.argv[1:], os.environ.get("COLUMNS"), __name__, flush=True)
time.sleep(float(sys.argv[1]))
"""


def started(folder: Path, redirected: str, *arguments: str) -> subprocess.Popen[str]:
    """Start the module as the Makefile does, with the folder as the checkout."""
    (folder / "tools").mkdir()
    (folder / "tools/start.py").write_text((ROOT / "tools/start.py").read_text())
    (folder / "module.py").write_text(MODULE)
    # pytest-xdist's processes ignore the signal, and their children would inherit that.
    command = [
        "env",
        "--default-signal=INT",
        "bash",
        "-c",
        f'exec "$0" tools/start.py module "$@" {redirected}',
        sys.executable,
        *arguments,
    ]
    return subprocess.Popen(
        command,
        cwd=folder,
        env=os.environ | {"COLUMNS": "0"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_module_runs_as_the_program_with_its_arguments(tmp_path: Path) -> None:
    assert started(tmp_path, "", "0", "a b").communicate(timeout=30) == ("['0', 'a b'] None __main__\n", "")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_is_the_null_device(tmp_path: Path, closed: str) -> None:
    process = started(tmp_path, closed, "0")
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")


def test_ctrl_c_before_the_command_starts_is_no_traceback(tmp_path: Path) -> None:
    process = started(tmp_path, "", "30")
    assert process.stdout
    assert process.stdout.readline()
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=10) == ("", "")
    assert process.returncode == -signal.SIGINT


def test_the_makefile_starts_every_command_with_it() -> None:
    recipes = re.findall(r"^\t@?(.*(?:PYTHON|RUN)\).*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    commands = [line for line in recipes if not line.startswith("[ -x")]
    assert len(commands) > 18
    assert not [line for line in commands if "$(RUN) " not in line]
