"""How long the local environment's steps take, as ratios to one `make up` with a warm toolchain.

    sudo .venv/bin/python -m benchmarks.up

Raises a separate environment, runs each step `RUNS` times, and takes it down. Ratios come from one run on one machine,
so they can be compared between machines, unlike the seconds next to them.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from tools.command import run

ROOT = Path(__file__).resolve().parents[1]
RUNS = 3


def seconds(*command: str) -> float:
    """Wall-clock seconds of one of the local environment's commands; ends the program if it fails."""
    started = time.monotonic()
    process = subprocess.run(
        [sys.executable, "-m", "sandbox", *command],
        cwd=ROOT,
        env=os.environ | {"SANDBOX_NAME": "benchmark"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if process.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{process.stdout[-2000:]}\n{process.stderr[-2000:]}")
    return time.monotonic() - started


def main(_arguments: list[str]) -> int:
    measured: dict[str, list[float]] = {}
    pulumi = ("shell", "--", "pulumi")
    steps = {
        "make up, from nothing": ("up",),
        "make up, converging": ("up",),
        "pulumi preview": (*pulumi, "preview", "--stack", "sandbox"),
        "pulumi refresh": (*pulumi, "refresh", "--yes", "--skip-preview", "--stack", "sandbox"),
        "pulumi destroy": (*pulumi, "destroy", "--yes", "--skip-preview", "--stack", "sandbox"),
        "make down": ("down",),
    }
    seconds("down")
    for _ in range(RUNS):
        for name, command in steps.items():
            measured.setdefault(name, []).append(seconds(*command))
    whole = statistics.median(measured["make up, from nothing"])
    print(f"median of {RUNS}; ratio to `make up` from nothing")
    for name, times in measured.items():
        middle = statistics.median(times)
        print(f"{name:<24} {middle / whole:5.2f}   ({middle:.1f} s, {min(times):.1f} to {max(times):.1f})")
    return 0


if __name__ == "__main__":
    run(main)
