"""`make test`: the tests that boot machines, in three environments next to each other, and all others meanwhile."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO

from sandbox import toolchain
from sandbox.toolchain import influxdb

LIVE_TESTS = "tests/live"
ENVIRONMENTS, OTHERS = ("-n", "3"), ("-n", "2")
"""Processes of pytest. Each of the first has an environment, and waits for its machines half of the time: so there is
one more than processors."""

BY_FILE = ("--dist", "loadfile")
"""The tests of a file run in one process, because they share fixtures and, of an environment, the state that the test
before left."""

IN_ORDER = "--no-loadscope-reorder"
"""The files in the order of tests/live/conftest.py, whichever process is free takes the next: the one that takes an
environment down is the last."""

SLOWEST = "--durations=25"


def run(checkout: Path, arguments: list[str]) -> int:
    """Run every test but the long faults (`-m` chooses others); with arguments: pytest with these. Ends with what
    pytest said last of each part, and returns 0 when both passed.

    Tests of an environment wait for machines most of the time, so all others run next to them, with what they leave of
    the processors, and are printed at the end.
    """
    path = os.pathsep.join([str(toolchain.binaries()), os.environ["PATH"]])
    environment = os.environ | {"SANDBOX_NAME": "test", "PATH": path}
    pytest = [sys.executable, "-m", "pytest", *([] if "-m" in arguments else ["-m", "not long_fault"])]
    if arguments:
        return subprocess.run([*pytest, *arguments], cwd=checkout, env=environment, check=False).returncode
    pytest += [*BY_FILE, SLOWEST]
    with tempfile.TemporaryFile() as printed:
        others = subprocess.Popen(
            ["nice", *pytest, *OTHERS, "--ignore", LIVE_TESTS],
            cwd=checkout,
            env=environment,
            stdout=printed,
            stderr=subprocess.STDOUT,
        )
        last = "did not end"
        try:
            live, last = shown([*pytest, *ENVIRONMENTS, IN_ORDER, LIVE_TESTS], checkout, environment)
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
            print(f"\nTests without an environment: {last_line(printed)}\nTests of an environment: {last}", flush=True)


def shown(command: list[str], folder: Path, environment: dict[str, str]) -> tuple[int, str]:
    """Run a command and show what it prints; returns its status and the last line."""
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
        # As it comes: pytest prints a dot for each test, and a line takes it minutes.
        while process.stdout and (piece := process.stdout.read(65536)):
            printed.write(piece)
            sys.stdout.buffer.write(piece)
            sys.stdout.flush()
        return process.wait(), last_line(printed)


def last_line(printed: IO[bytes]) -> str:
    """The last line that says something."""
    printed.seek(0)
    lines = printed.read().decode(errors="replace").splitlines()
    return next((line for line in reversed(lines) if line.strip()), "said nothing")
