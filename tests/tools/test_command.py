"""How every command that a person types handles its terminal."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = {
    path
    for folder in ("tools", "dashboards", "prove", "benchmarks")
    for path in (ROOT / folder).rglob("*.py")
    if 'if __name__ == "__main__":' in path.read_text()
}
OTHERS = {
    ROOT / "tools/wait_for_data.py",  # run by Pulumi
    ROOT / "tools/wait_until_ready.py",
    ROOT / "tools/start.py",  # prints nothing itself
    ROOT / "benchmarks/load/listener.py",  # run by benchmarks.load
}
MADE = set(re.findall(r"\$\(RUN\) ([a-z_.]+)", (ROOT / "Makefile").read_text()))
"""The modules that the Makefile starts."""
PROGRAM = """
from tools.command import run
def main(arguments):
    {body}
    return 7
run(main)
"""


def ran(body: str, reader: str = "cat", encoding: str = "utf-8") -> tuple[str, str, int]:
    """Run a command whose output another program reads; returns its output, its errors and its status."""
    script = '"$0" -c "$1" && exit 0; echo "status $?" >&2'
    command = ["bash", "-c", f"({script}) | {reader}", sys.executable, PROGRAM.format(body=body)]
    environment = {"PYTHONIOENCODING": encoding, "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False, timeout=30)
    *lines, status = done.stderr.decode().splitlines()
    return done.stdout.decode(errors="replace"), "\n".join(lines), int(status.removeprefix("status "))


def test_a_reader_that_stops_early_sees_no_error() -> None:
    assert ran("[print('x' * 9999) for _ in range(99)]", "true") == ("", "", 1)


def test_output_that_nobody_reads_is_no_error() -> None:
    assert ran("import time; time.sleep(0.3); print('x')", "true") == ("", "", 1)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_what_the_terminal_cannot_show_is_a_question_mark(encoding: str) -> None:
    assert ran("import sys; print('“a→b”'); print('…', file=sys.stderr)", encoding=encoding) == ("?a?b?\n", "?", 7)


def test_ctrl_c_while_python_exits_does_not_change_the_status() -> None:
    body = """
    import os, signal
    signal.signal(signal.SIGINT, signal.default_int_handler)
    class PressedAtTheEnd:
        def __del__(self, press=os.kill, process=os.getpid(), key=signal.SIGINT):
            press(process, key)
    global last
    last = PressedAtTheEnd()
    """
    assert ran(body.strip()) == ("", "", 7)


def test_ctrl_c_is_one_word() -> None:
    # pytest-xdist's processes ignore the signal, and their children inherit that.
    as_typed = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    assert ran(f"{as_typed}; signal.raise_signal(signal.SIGINT)") == ("", "\nInterrupted.", 130)


@pytest.mark.parametrize("closed", [">&-", ">&- 2>&-", "<&- >&-"])
def test_a_closed_standard_output_is_no_error(closed: str) -> None:
    script = PROGRAM.format(body="print('x')")
    command = ["bash", "-c", f'"$0" -c "$1" {closed}', sys.executable, script]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False, timeout=30)
    assert (done.stdout, done.stderr, done.returncode) == (b"", b"", 7)


@pytest.mark.parametrize("lines", [1, 9999])
def test_a_full_disk_is_one_sentence(lines: int) -> None:
    script = PROGRAM.format(body=f"[print('x' * 99) for _ in range({lines})]")
    command = ["bash", "-c", '"$0" -c "$1" >/dev/full', sys.executable, script]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=30)
    said = "\nNo space left on device. Free some space, then run the same command again.\n"
    assert (done.stderr, done.returncode) == (said, 1)


def test_every_command_is_run_by_it() -> None:
    files = [ROOT / module.replace(".", "/") for module in MADE]
    made = {each / "__main__.py" if each.is_dir() else each.with_suffix(".py") for each in files}
    typed = (SCRIPTS | made) - OTHERS
    assert len(SCRIPTS - OTHERS) > 12 and len(made) > 8
    for path in typed:
        assert re.search(r"^    run\(main(, \w+)?\)$", path.read_text(), re.MULTILINE), path
