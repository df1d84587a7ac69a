"""`python -m delivery COMMAND`: the workflows' steps, except installation."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from delivery import comment, drift, environments, life, stacks
from delivery.errors import DeliveryError
from delivery.previews import preview
from delivery.pulumi import Pulumi

HERE = Path()
"""The folder with Pulumi.yaml: the workflows' steps run in the root of the repository."""

SUMMARY_ROOM = 900_000
"""Characters of diffs in a run's summary, whose limit is 1 MiB."""

FAILED = 1


def changed(asked: argparse.Namespace) -> int:
    """Output the stacks that must be previewed or deployed: `stacks`, divided into `open` and `protected`."""
    found = stacks.changed(HERE, asked.base)
    safe = [stack for stack in found.stacks if stacks.protected(HERE, stack)]
    _output("stacks", json.dumps(found.stacks))
    _output("open", json.dumps([stack for stack in found.stacks if stack not in safe]))
    _output("protected", json.dumps(safe))
    return 0


def previews(asked: argparse.Namespace) -> int:
    """Preview the stacks that changed and write the comment. Returns 1 if one failed."""
    found = stacks.changed(HERE, asked.base)
    reports = []
    for stack in found.stacks:
        print(f"Previewing {stack}", flush=True)
        reports.append(preview(HERE, stack, asked.base))
    asked.out.mkdir(parents=True, exist_ok=True)
    (asked.out / "comment.md").write_text(comment.text(reports, asked.commit, found.removed), encoding="utf-8")
    whole = comment.text(reports, asked.commit, found.removed, SUMMARY_ROOM)
    _summarize(whole)
    print(whole)
    return FAILED if any(report.failed for report in reports) else 0


def up(asked: argparse.Namespace) -> int:
    """`pulumi up` of one stack."""
    life.up(HERE, asked.stack)
    return 0


def may_destroy(asked: argparse.Namespace) -> int:
    """Refuse what must not be destroyed, before anyone is asked for approval."""
    life.refuse(HERE, asked.stack, asked.again)
    return 0


def destroy(asked: argparse.Namespace) -> int:
    """`pulumi destroy` of one stack, whose name was typed twice."""
    life.destroy(HERE, asked.stack, asked.again)
    return 0


def look_for_drift(asked: argparse.Namespace) -> int:
    """Write each stack's drift into a file. Returns 1 if one could not be determined."""
    asked.out.mkdir(parents=True, exist_ok=True)
    failed = 0
    for stack in stacks.names(HERE):
        pulumi = Pulumi(HERE, stack)
        try:
            if not pulumi.exists():
                print(f"{stack} does not exist yet.")
                continue
            pulumi.learn_secrets()
            found = drift.found(pulumi, grafana=asked.grafana == "in-reach")
        except DeliveryError as error:
            failed = FAILED
            print(error, file=sys.stderr)
            continue
        text = drift.issue(stack, found, asked.run) if found.changes else ""
        (asked.out / f"{stack}.md").write_text(text, encoding="utf-8")
        print(text or f"{stack}: no drift")
        _summarize(text or f"{stack}: no drift")
    return failed


def environment(asked: argparse.Namespace) -> int:
    """Create or destroy the environment of a pull request and write its comment."""
    text = (environments.up if asked.what == "up" else environments.down)(HERE, asked.number)
    asked.out.mkdir(parents=True, exist_ok=True)
    (asked.out / "environment.md").write_text(text, encoding="utf-8")
    print(text)
    return 0


def _output(name: str, value: str) -> None:
    """Pass a value to later jobs."""
    print(f"{name}={value}")
    _append("GITHUB_OUTPUT", f"{name}={value}\n")


def _summarize(text: str) -> None:
    _append("GITHUB_STEP_SUMMARY", f"{text}\n\n")


def _append(variable: str, text: str) -> None:
    if path := os.environ.get(variable):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m delivery", description=__doc__)
    commands = parser.add_subparsers(required=True)

    def add(name: str, act: Callable[[argparse.Namespace], int], *options: tuple[str, dict[str, Any]]) -> None:
        command = commands.add_parser(name, help=(act.__doc__ or "").splitlines()[0])
        command.set_defaults(act=act)
        for option, details in options:
            command.add_argument(option, **details)

    base = ("--base", {"required": True, "help": "the commit to compare with"})
    out = ("--out", {"type": Path, "required": True, "help": "the folder to write to"})
    number = ("--number", {"type": int, "required": True, "help": "the number of the pull request"})
    stack = ("--stack", {"required": True})
    again = ("--again", {"required": True, "help": "the stack's name again"})
    grafana = ("--grafana", {"choices": ("in-reach", "out-of-reach"), "required": True})
    run = ("--run", {"required": True, "help": "the address of the workflow's run"})
    add("changed", changed, base)
    add("preview", previews, base, out, ("--commit", {"required": True}))
    add("up", up, stack)
    add("may-destroy", may_destroy, stack, again)
    add("destroy", destroy, stack, again)
    add("drift", look_for_drift, out, run, grafana)
    add("environment", environment, number, out, ("what", {"choices": ("up", "down")}))
    return parser


def main(arguments: Sequence[str]) -> int:
    """Run a command and return its exit status; an error goes to standard error and into the run's summary."""
    asked = _parser().parse_args(arguments)
    try:
        return int(asked.act(asked))
    except DeliveryError as error:
        print(error, file=sys.stderr)
        _summarize(f"**Refused or failed:** {error}")
        return FAILED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
