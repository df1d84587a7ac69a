"""`make new-stack NAME=eu LIKE=dev`: writes Pulumi.eu.yaml after a few questions, or without any if all is given.

It changes nothing in AWS or Pulumi's state, and prints the commands that do.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from rich.console import Console
from rich.prompt import Confirm

from settings import SettingsError
from tools import stack_file
from tools.command import run
from tools.cost import shown
from tools.cost.bill import bill
from tools.new_stack.content import AGENTS, NewStack, make, wrong_name
from tools.new_stack.questions import Given, Interview, RefusedError
from tools.stack_file import StackFile, StackFileError

console = Console(highlight=False, soft_wrap=True)


def _arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make new-stack", description="Write the settings file of a new stack.")
    parser.add_argument("--name", required=True, help="the name of the stack")
    parser.add_argument("--like", default="", help="the stack whose settings are copied (dev)")
    parser.add_argument("--region", default="", help="an AWS region")
    parser.add_argument("--allow", default="", help="who may connect: IPv4 ranges, separated by commas")
    parser.add_argument("--agents", default="", help="where agents send data from, if not --allow")
    parser.add_argument("--size", default="", help="an EC2 instance type")
    parser.add_argument("--yes", action="store_true", help="ask no questions")
    parser.add_argument("--project", type=Path, default=Path(), help="the folder of Pulumi.yaml (this one)")
    return parser.parse_args(arguments)


def _print_next(made: NewStack, like: StackFile) -> None:
    """Print the commands to run next."""
    name = shlex.quote(made.file.name)
    provider = like.rest.get("secretsprovider")
    with_provider = f" --secrets-provider {shlex.quote(str(provider))}" if provider else ""
    console.print("\nNext:", style="bold")
    console.print(f"  pulumi stack init {name}{with_provider}", markup=False)
    for secret in made.secrets:
        console.print(f"  pulumi config set --secret --stack {name} --path {shlex.quote(secret)}", markup=False)
    console.print(f"  pulumi preview --stack {name}\n  pulumi up --stack {name}", markup=False)


def _print_made(made: NewStack, like: StackFile) -> None:
    for key, why in made.left_out.items():
        console.print(f"Not copied from {like.name}: {key} ({why}).", markup=False)
    if made.secrets:
        console.print(
            f"Not copied from {like.name}: its secrets, which only its own key can decrypt. Set them again with the "
            "commands below.",
            markup=False,
        )
    shown.print_table(bill(made.file), None, console)


def ask_and_write(given: argparse.Namespace, *, terminal: bool) -> int:
    """Ask the questions, show the result and write the file. terminal: whether questions can be asked."""
    like_name = given.like or "dev"
    source = given.project / f"Pulumi.{like_name}.yaml"
    like = stack_file.read(source, like_name)
    if wrong := wrong_name(given.name, like, stack_file.stacks(given.project)):
        raise RefusedError(wrong)
    if not given.yes and not terminal:
        raise RefusedError("This is not a terminal, so no questions can be asked: add REGION=… ALLOW=… SIZE=… YES=1.")
    text = source.read_text(encoding="utf-8")
    said = Given(given.region, given.allow, given.agents, given.size, asks=not given.yes)
    answered = Interview(said, lambda each: make(given.name, like, text, each), like, console).answers()
    made = make(given.name, like, text, answered)
    made.file.settings()
    _print_made(made, like)
    target = given.project / f"Pulumi.{given.name}.yaml"
    if not given.yes and not Confirm.ask(f"Write {target.name}?", default=True, console=console):
        raise RefusedError("Nothing was written.")
    try:
        with target.open("x", encoding="utf-8") as file:
            file.write(made.text)
    except FileExistsError:
        raise
    except OSError as error:
        target.unlink(missing_ok=True)
        raise RefusedError(f"{target} cannot be written ({error.strerror}); nothing was written.") from None
    who = ", ".join(answered.operators)
    senders = f" Agents may send data from {', '.join(answered.agents)}." if AGENTS in made.file.config else ""
    console.print(f"\nWritten: {target.name}. Grafana can be opened from {who}.{senders}", markup=False)
    _print_next(made, like)
    return 0


def main(arguments: list[str]) -> int:
    """Run the command. Returns 1 when nothing was written."""
    try:
        return ask_and_write(_arguments(arguments), terminal=sys.stdin.isatty())
    except (RefusedError, StackFileError, SettingsError) as error:
        print(error, file=sys.stderr)
    except FileExistsError as error:
        print(f"{error.filename} was created in the meantime; nothing was written.", file=sys.stderr)
    except (KeyboardInterrupt, EOFError):
        print("\nNothing was written.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    run(main)
