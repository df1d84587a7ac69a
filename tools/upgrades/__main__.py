"""`make upgrades [STACK=dev]`: which pinned versions have newer ones. docs/upgrading.md says what to do.

An unreachable repository is reported, but is not a failure.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from settings import Settings, SettingsError
from tools import stack_file
from tools.command import run
from tools.stack_file import StackFileError
from tools.upgrades import pins, sources
from tools.upgrades.pins import Pin
from tools.upgrades.sources import UnreachableError

ROOT = Path(__file__).resolve().parents[2]
AT_ONCE = 4


@dataclass(frozen=True)
class Finding:
    """The result for one pin. newer: None if the pinned version is the newest. unreachable: why that is not known."""

    name: str
    pinned: str
    newer: str | None = None
    note: str = ""
    unreachable: str = ""


def _ask(pin: Pin, versions: Callable[[], list[str]]) -> Finding:
    try:
        return Finding(pin.name, pin.version, pins.newest(pin, versions()), pin.note)
    except UnreachableError as error:
        return Finding(pin.name, pin.version, unreachable=str(error))


def findings(settings: Settings) -> list[Finding]:
    """The result for every pin; a few are looked up at a time."""
    python = pins.python(ROOT)
    engine = next(each for each in python if each.name == "pulumi")
    questions: list[tuple[Pin, Callable[[], list[str]]]] = [
        *((pin, partial(sources.packages, repository, pin.name)) for pin, repository in pins.apt(settings)),
        (Pin("pulumi (engine)", engine.version, "built for the local environment: sandbox/toolchain"), sources.engine),
        *((each, partial(sources.python, each.name)) for each in python),
    ]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda question: _ask(*question), questions))


def _print(found: list[Finding], console: Console) -> None:
    known = [each for each in found if not each.unreachable]
    newer = [each for each in known if each.newer]
    if newer:
        table = Table("what", "pinned", "newer", "note")
        for each in newer:
            table.add_row(each.name, each.pinned, each.newer, each.note)
        console.print(table)
        console.print("docs/upgrading.md says what each does to running stacks.")
    if current := [each.name for each in known if not each.newer]:
        console.print(f"Up to date: {', '.join(current)}.", markup=False)
    for sentence in dict.fromkeys(each.unreachable for each in found if each.unreachable):
        console.print(f"Unknown: {sentence}", markup=False, style="yellow")


def main(arguments: list[str]) -> int:
    """Print the report."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.upgrades", description="Which pinned versions have newer ones."
    )
    parser.add_argument("--stack", help="the stack whose versions and repositories are used (the defaults)")
    parser.add_argument("--project", type=Path, default=Path(), help="the folder of the stack's file (this one)")
    parser.add_argument("--format", choices=("table", "json"), default="table")
    given = parser.parse_args(arguments)
    try:
        if given.stack:
            file = stack_file.read(given.project / f"Pulumi.{given.stack}.yaml", given.stack)
            settings, _ = file.settings()
        else:
            settings = Settings.model_validate({"aws:region": "us-east-1"})
    except (SettingsError, StackFileError) as error:
        print(error, file=sys.stderr)
        return 1
    with Console(stderr=True).status("Querying the repositories and registries …"):
        found = findings(settings)
    if given.format == "json":
        print(json.dumps([asdict(each) for each in found], indent=2))
    else:
        _print(found, Console(highlight=False))
    return 0


if __name__ == "__main__":
    run(main)
