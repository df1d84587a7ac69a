"""What `pulumi preview` costs, as ratios: the program to an empty one with the same imports, and a host more.

    sudo .venv/bin/python -m benchmarks.preview

Starts the local AWS of an environment of its own, without a machine, and takes it down. A program's CPU seconds are
those of its Python alone; the wall clock is the CLI's, with the engine and the stand-in plugins. Ratios come from one
run on one machine, so that they can be compared between machines; the seconds next to them cannot.
"""

from __future__ import annotations

import itertools
import os
import re
import shlex
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sandbox import stack
from sandbox.place import Place

ROOT = Path(__file__).resolve().parents[1]
PLACE = Place(ROOT, "benchmark")
RUNS = 3
HOSTS = (1, 10, 100)
LARGEST_RATIO = 1.3
MOST_SECONDS_PER_HOST = 0.015
SDKS = {"aws": "pulumi_aws", "grafana": "pulumiverse_grafana"}
"""Names that the components import these SDKs by. Both load their modules when they are first used."""

TIMED = """#!/bin/bash
TIMEFORMAT='%U %S'
exec 3>&1 4>&2
case "$*" in *pulumi-language-python-exec*) ;; *) exec {python} "$@" ;; esac
{{ time {python} "$@" >&3 2>&4 ; }} 2>{times}
"""
"""Stands on PATH before the interpreter: the language host runs the program with it."""


@dataclass(frozen=True)
class Cost:
    """Medians in seconds. program: the CPU time of the program's Python. wall: of the whole command."""

    program: float
    wall: float


def empty_program() -> str:
    """A program with the imports of this one and nothing else."""
    lines = (ROOT / "__main__.py").read_text().splitlines()
    imports = [line for line in lines if line.startswith(("import ", "from "))]
    sources = "\n".join(file.read_text() for file in (ROOT / "components").glob("*.py"))
    for name, package in SDKS.items():
        used = sorted(set(re.findall(rf"(?<![.\w]){name}\.([a-z]\w*)\.[A-Za-z]", sources)))
        # A module loads when any of its names is looked up.
        imports += [f"import {package}", *(f'hasattr({package}.{module}, "__all__")' for module in used)]
    return "\n".join(imports) + "\n"


def cost(folder: Path, environment: dict[str, str], times: Path, *arguments: str) -> Cost:
    """What a preview of the project in a folder costs. Ends the benchmark when one fails."""
    programs, walls = [], []
    for _ in range(RUNS + 1):
        started = time.monotonic()
        done = subprocess.run(
            ["pulumi", "preview", "--non-interactive", *arguments],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            sys.exit(f"pulumi preview failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
        walls.append(time.monotonic() - started)
        programs.append(sum(map(float, times.read_text().split())))
    # The first run writes byte code and fills caches.
    return Cost(statistics.median(programs[1:]), statistics.median(walls[1:]))


def with_hosts(number: int) -> dict[str, Any]:
    """The sandbox's settings with so many hosts; previews reach none of them."""
    file = stack.project_folder(PLACE) / f"Pulumi.{stack.name()}.yaml"
    content: dict[str, Any] = yaml.safe_load(file.read_text())
    (first, *_) = content["config"][stack.HOSTS_KEY]
    content["config"][stack.HOSTS_KEY] = [
        first | {"name": f"host-{each}", "address": f"198.51.100.{each + 1}"} for each in range(number)
    ]
    return content


def main() -> None:
    def sandbox(command: str) -> None:
        subprocess.run(
            [sys.executable, "-m", "sandbox", command],
            cwd=ROOT,
            env=os.environ | {"SANDBOX_NAME": PLACE.name},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            check=True,
        )

    sandbox("down")
    try:
        sandbox("preview")
        measure()
    finally:
        sandbox("down")


def measure() -> None:
    """Print the ratios; the local AWS is up."""
    tools, times, project = PLACE.state / "timed", PLACE.state / "times", stack.project_folder(PLACE)
    tools.mkdir()
    python = shlex.quote(sys.executable)
    for name in ("python", "python3"):
        (tools / name).write_text(TIMED.format(python=python, times=shlex.quote(str(times))))
        (tools / name).chmod(0o755)
    environment = stack.environment(PLACE)
    environment["PATH"] = f"{tools}{os.pathsep}{environment['PATH']}"
    chosen = ("--stack", stack.name())
    file = project / f"Pulumi.{stack.name()}.yaml"

    program = cost(project, environment, times, *chosen)
    described = yaml.safe_load((project / "Pulumi.yaml").read_text())
    nothing = PLACE.state / "nothing"
    nothing.mkdir()
    (nothing / "__main__.py").write_text(f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n{empty_program()}")
    (project / "Pulumi.yaml").write_text(yaml.safe_dump(described | {"main": str(nothing)}, sort_keys=False))
    empty = cost(project, environment, times, *chosen)
    (project / "Pulumi.yaml").write_text(yaml.safe_dump(described, sort_keys=False))

    def line(what: str, ratio: float, seconds: str, goal: str = "") -> None:
        print(f"{what:<44} {ratio:5.2f}   {seconds}{goal}", flush=True)

    print(f"median of {RUNS}; ratio of the program to an empty one with the same imports")
    ratio = program.program / empty.program
    line("CPU of the program", ratio, f"({program.program:.2f} s, {empty.program:.2f} s)", f"; goal {LARGEST_RATIO}")
    line("wall clock of the preview", program.wall / empty.wall, f"({program.wall:.1f} s, {empty.wall:.1f} s)")

    before = file.read_text()
    measured = {}
    for number in HOSTS:
        file.write_text(yaml.safe_dump(with_hosts(number), sort_keys=False))
        measured[number] = cost(project, environment, times, *chosen)
    file.write_text(before)
    print("CPU of the program per further host; ratio to the program")
    for fewer, more in itertools.pairwise(HOSTS):
        each = (measured[more].program - measured[fewer].program) / (more - fewer)
        goal = f"; goal {MOST_SECONDS_PER_HOST * 1000:.0f} ms"
        line(f"from {fewer} to {more} hosts", each / program.program, f"({each * 1000:.1f} ms)", goal)


if __name__ == "__main__":
    main()
