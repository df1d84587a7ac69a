"""`make test`: the tests that boot machines, in four environments side by side, and all others at the same time."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO

from sandbox import toolchain, warm
from sandbox.toolchain import influxdb

LIVE_TESTS = "tests/live"
ENVIRONMENTS, OTHERS = ("-n", "4"), ("-n", "2")
"""How many processes pytest has. Each of the first has an environment and mostly waits for its machines, so there are
more of them than processors."""

BY_FILE = ("--dist", "loadfile", "--no-loadscope-reorder")
"""All tests of a file run in the same process, because each relies on the state that the one before it left; without an
environment all tests of a folder, because they share fixtures (tests/conftest.py). A process that has finished takes
the next file or folder, in the order of the conftest.py."""

SLOWEST = "--durations=25"
COLUMNS = "160"
"""The width at which pytest cuts the lines of its summary: it has no terminal here."""

REASONS = 10
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def run(checkout: Path, arguments: list[str]) -> int:
    """Run every test except the long faults (`-m` selects others); with arguments, run pytest with these. Prints
    pytest's last line of each part at the end. Returns 0 if both passed.

    The tests that need an environment mostly wait for machines, so all others run at the same time, on the processor
    time that is left. Their output is printed at the end.
    """
    path = os.pathsep.join([str(toolchain.binaries()), os.environ["PATH"]])
    environment = os.environ | {"SANDBOX_NAME": "test", "PATH": path, "COLUMNS": COLUMNS}
    pytest = [sys.executable, "-m", "pytest", *([] if "-m" in arguments else ["-m", "not long_fault"])]
    if arguments:
        return subprocess.run([*pytest, *arguments], cwd=checkout, env=environment, check=False).returncode
    pytest += [*BY_FILE, SLOWEST]
    with tempfile.TemporaryFile() as printed, warm.kept(Path(sys.executable)) as interpreters:
        environment |= interpreters
        others = subprocess.Popen(
            ["nice", *pytest, *OTHERS, "--ignore", LIVE_TESTS],
            cwd=checkout,
            env=environment,
            stdout=printed,
            stderr=subprocess.STDOUT,
        )
        failed: list[str] = []
        last = "did not end"
        try:
            live, failed, last = shown([*pytest, *ENVIRONMENTS, LIVE_TESTS], checkout, environment)
            return others.wait() or live
        finally:
            others.terminate()
            others.wait()
            print("\nTests without an environment:", flush=True)
            printed.seek(0)
            shutil.copyfileobj(printed, sys.stdout.buffer)
            sys.stdout.flush()
            if shortfall := influxdb.shortfall():
                print(shortfall)
            # Last, for who sees only the end of a long log.
            print("", *reasons([*failed, *failures(printed)]), sep="\n")
            print(f"\nTests without an environment: {last_line(printed)}\nTests of an environment: {last}", flush=True)


def shown(command: list[str], folder: Path, environment: dict[str, str]) -> tuple[int, list[str], str]:
    """Run pytest and show what it prints; returns its status, its failures and the last line."""
    colour = ["--color=yes"] if sys.stdout.isatty() else []
    with (
        tempfile.TemporaryFile() as printed,
        subprocess.Popen(
            [*command, *colour],
            cwd=folder,
            env=environment,
            bufsize=0,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        # Unbuffered: pytest prints a dot for each test, and a line takes minutes.
        while process.stdout and (piece := process.stdout.read(65536)):
            printed.write(piece)
            sys.stdout.buffer.write(piece)
            sys.stdout.flush()
        return process.wait(), failures(printed), last_line(printed)


def failures(printed: IO[bytes]) -> list[str]:
    """The lines of pytest's summary that name a test and why it failed."""
    return [line for line in lines(printed) if line.startswith(("FAILED ", "ERROR "))]


def reasons(failed: list[str]) -> list[str]:
    """One line per reason, the most frequent first: how many tests failed with it, and the first one's line."""
    alike: dict[str, list[str]] = {}
    for line in failed:
        alike.setdefault(line.partition(" - ")[2], []).append(line)
    often = sorted(alike.values(), key=len, reverse=True)[:REASONS]
    return [f"{len(same)} x {same[0][:400]}" for same in often]


def last_line(printed: IO[bytes]) -> str:
    """The last line that says something."""
    return next((line for line in reversed(lines(printed)) if line.strip()), "said nothing")


def lines(printed: IO[bytes]) -> list[str]:
    """What was printed, without colours."""
    printed.seek(0)
    return COLOUR.sub("", printed.read().decode(errors="replace")).splitlines()
