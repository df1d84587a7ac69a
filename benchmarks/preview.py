"""What `pulumi preview` costs, as ratios: of the program to an empty one with the same imports, and of one more host.

    sudo .venv/bin/python -m benchmarks.preview

Starts the local AWS of a separate environment, without machines, and takes it down. A program's CPU seconds are those
of its Python process alone; the wall clock is the CLI's, with the engine and the stand-in plugins. Ratios come from one
run on one machine, so they can be compared between machines, unlike the seconds next to them. Memory is that of the
largest process, which is the program's or the CLI's.

Hosts are listed in a file (`hostsFile`), because Pulumi passes the settings in a variable of at most 128 KiB.
"""

from __future__ import annotations

import itertools
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import yaml

from sandbox import stack
from sandbox.place import Place
from tools.command import run

ROOT = Path(__file__).resolve().parents[1]
PLACE = Place(ROOT, "benchmark")
RUNS = 3
HOSTS = (1, 10, 100, 500)
LARGEST_RATIO = 1.3
MOST_SECONDS_PER_HOST = 0.015
FIRST = IPv4Address("198.18.0.1")
"""The first of the addresses for benchmarks (RFC 2544)."""
RECORDING = """
import atexit, runpy, sys, types
from pathlib import Path

def write():
    # The SDKs' packages are registered at once, with another class, and load when they are first used.
    names = [name for name, module in list(sys.modules.items()) if type(module) is types.ModuleType]
    Path({imported!r}).write_text("\\n".join(names))

sys.path.insert(0, {root!r})
atexit.register(write)
runpy.run_path({root!r} + "/__main__.py")
"""
"""Runs the program, and records what it has imported."""

EMPTY = """
import contextlib, importlib, sys
from pathlib import Path

sys.path.insert(0, {root!r})
for name in Path({imported!r}).read_text().split():
    # A few modules have names by which they cannot be imported.
    with contextlib.suppress(ImportError):
        importlib.import_module(name).__doc__
"""
"""Imports the same modules, and does nothing else."""

TIMED = """#!/bin/bash
TIMEFORMAT='%U %S'
exec 3>&1 4>&2
case "$*" in *pulumi-language-python-exec*) ;; *) exec {python} "$@" ;; esac
{{ time {python} "$@" >&3 2>&4 ; }} 2>{times}
"""
"""Comes before the interpreter on PATH, so that the language host runs the program with it."""


@dataclass(frozen=True)
class Cost:
    """Seconds, and MiB. program: the CPU time of the program's Python. wall: of the whole command. memory: of the
    largest process."""

    program: float
    wall: float
    memory: float


def cost(environment: dict[str, str], *command: str) -> Cost:
    """The cost of one run of Pulumi on the stack. environment: `timed`. Ends the benchmark if it fails."""
    started = time.monotonic()
    running = subprocess.Popen(
        ["pulumi", *command, "--non-interactive", "--stack", stack.name()],
        cwd=stack.project_folder(PLACE),
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said = running.stdout.read() if running.stdout else ""
    _, status, used = os.wait4(running.pid, 0)  # of the process and all that it waited for
    if status:
        sys.exit(f"pulumi {command[0]} failed:\n{said[-4000:]}")
    wall = time.monotonic() - started
    return Cost(sum(map(float, _times().read_text().split())), wall, used.ru_maxrss / 1024)


def _times() -> Path:
    return PLACE.state / "times"


def timed() -> dict[str, str]:
    """An environment in which the program's CPU time is recorded; the local AWS must be up."""
    tools, python = PLACE.state / "timed", shlex.quote(sys.executable)
    tools.mkdir()
    for name in ("python", "python3"):
        (tools / name).write_text(TIMED.format(python=python, times=shlex.quote(str(_times()))))
        (tools / name).chmod(0o755)
    environment = stack.environment(PLACE)
    return environment | {"PATH": f"{tools}{os.pathsep}{environment['PATH']}"}


def sandbox(command: str) -> None:
    """Run one of the local environment's commands."""
    subprocess.run(
        [sys.executable, "-m", "sandbox", command],
        cwd=ROOT,
        env=os.environ | {"SANDBOX_NAME": PLACE.name},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        check=True,
    )


def least(measured: Iterable[Cost]) -> Cost:
    """The lowest figures of several runs: other load on the machine only adds."""
    costs = list(measured)
    program, wall, memory = (min(each) for each in zip(*map(astuple, costs), strict=True))
    return Cost(program, wall, memory)


def with_hosts(settings: str, number: int) -> dict[str, Any]:
    """The sandbox's settings with this number of hosts; previews connect to none of them."""
    content: dict[str, Any] = yaml.safe_load(settings)
    (first, *_) = content["config"].pop(stack.HOSTS_KEY)
    key = first.pop("privateKey", None)
    hosts = [first | {"name": f"host-{each}", "address": str(FIRST + each)} for each in range(number)]
    listed = PLACE.state / "hosts.yaml"
    listed.write_text(yaml.safe_dump(hosts))
    content["config"]["monitoring:hostsFile"] = {"path": str(listed)} | ({"privateKey": key} if key else {})
    return content


def line(what: str, ratio: float, seconds: str, goal: str = "") -> None:
    """Print one figure."""
    print(f"{what:<44} {ratio:5.2f}   {seconds}{goal}", flush=True)


def main(_: list[str]) -> int:
    sandbox("down")
    try:
        sandbox("preview")
        measure()
    finally:
        sandbox("down")
    return 0


def measure() -> None:
    """Print the ratios; the local AWS is up."""
    environment, project = timed(), stack.project_folder(PLACE)
    file = project / f"Pulumi.{stack.name()}.yaml"
    described = yaml.safe_load((project / "Pulumi.yaml").read_text())

    def preview_of(program: str | None) -> Cost:
        """The cost of a preview with this program, or with another one in its place."""
        main = ROOT
        if program:
            main = PLACE.state / "program"
            main.mkdir(exist_ok=True)
            text = program.format(root=str(ROOT), imported=str(PLACE.state / "imported"))
            (main / "__main__.py").write_text(text)
        (project / "Pulumi.yaml").write_text(yaml.safe_dump(described | {"main": str(main)}, sort_keys=False))
        return cost(environment, "preview")

    preview_of(RECORDING)  # writes byte code and fills caches, too
    pairs = [(preview_of(EMPTY), preview_of(None)) for _ in range(RUNS)]
    empty, program = (least(costs) for costs in zip(*pairs, strict=True))
    print(f"least of {RUNS}; ratio of the program to an empty one with the same imports")
    ratio = program.program / empty.program
    line("CPU of the program", ratio, f"({program.program:.2f} s, {empty.program:.2f} s)", f"; goal {LARGEST_RATIO}")
    line("wall clock of the preview", program.wall / empty.wall, f"({program.wall:.1f} s, {empty.wall:.1f} s)")

    before = file.read_text()
    measured = {}
    for number in HOSTS:
        file.write_text(yaml.safe_dump(with_hosts(before, number), sort_keys=False))
        measured[number] = least(preview_of(None) for _ in range(RUNS))
    file.write_text(before)
    print("CPU of the program per further host; ratio to the program")
    for fewer, more in itertools.pairwise(HOSTS):
        each = (measured[more].program - measured[fewer].program) / (more - fewer)
        goal = f"; goal {MOST_SECONDS_PER_HOST * 1000:.0f} ms"
        line(f"from {fewer} to {more} hosts", each / program.program, f"({each * 1000:.1f} ms)", goal)
    most, one = measured[HOSTS[-1]], measured[HOSTS[0]]
    print(f"a preview with {HOSTS[-1]} hosts; ratio to one with {HOSTS[0]}")
    line("wall clock", most.wall / one.wall, f"({most.wall:.1f} s)")
    line("memory of the largest process", most.memory / one.memory, f"({most.memory:.0f} MiB)")


if __name__ == "__main__":
    run(main)
