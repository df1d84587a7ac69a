"""`python -m tools.cost --stack dev`: what the stack costs a month, from its settings and list prices.

Needs neither Pulumi, AWS nor a network. Exits with status 1 when the settings cannot be used.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from settings import SettingsError
from tools import stack_file
from tools.command import run
from tools.cost import shown
from tools.cost.bill import Bill, bill
from tools.stack_file import StackFileError

MOST_DIGITS = 7


def _count(text: str) -> int:
    """A non-negative whole number. Raises ArgumentTypeError, which argparse reports."""
    if not (text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS):
        raise argparse.ArgumentTypeError(
            f"{text[:20]!r} is not a count; write a number from 0 to {10**MOST_DIGITS - 1:,}"
        )
    return int(text)


def _arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.cost", description="What a stack costs per month.")
    parser.add_argument("--stack", required=True, help="its settings are in Pulumi.STACK.yaml")
    parser.add_argument("--project", type=Path, default=Path(), help="the folder of that file (this one)")
    parser.add_argument("--format", choices=("table", "markdown", "json"), default="table")
    parser.add_argument(
        "--compare",
        type=Path,
        metavar="FILE",
        help="older settings of the stack; an empty file means that it did not exist",
    )
    parser.add_argument("--hosts", type=_count, help="machines with an agent (those of the settings)")
    parser.add_argument("--instances", type=_count, default=1, help="EC2 instances of the region (1)")
    return parser.parse_args(arguments)


def _before(given: argparse.Namespace, now: Bill) -> tuple[Bill | None, str]:
    """The bill of the older settings, if any; and why there is none, if they have mistakes."""
    if given.compare is None:
        return None, ""
    try:
        text = given.compare.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StackFileError(f"{given.compare} cannot be read: {error}") from None
    if not text.strip():
        return replace(now, lines=(), notes=()), ""
    try:
        return bill(stack_file.parse(text, given.stack, given.compare.name), given.hosts, given.instances), ""
    except (SettingsError, StackFileError):
        return None, f"Not compared: the older settings ({given.compare.name}) have mistakes."


def main(arguments: list[str]) -> int:
    """Print the bill."""
    given = _arguments(arguments)
    try:
        file = stack_file.read(given.project / f"Pulumi.{given.stack}.yaml", given.stack)
        now = bill(file, given.hosts, given.instances)
        before, why = _before(given, now)
    except (SettingsError, StackFileError) as error:
        print(error, file=sys.stderr)
        return 1
    if why:
        now = replace(now, notes=(why, *now.notes))
    if given.format == "table":
        shown.print_table(now, before, Console())
    else:
        print(shown.as_json(now, before) if given.format == "json" else shown.as_markdown(now, before))
    return 0


if __name__ == "__main__":
    run(main)
