"""`python3 -m delivery.posts KIND`: write comments and issues on GitHub. Needs only Python, and runs in separate jobs:
those whose token may write have neither AWS credentials nor a pull request's code."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from delivery.errors import DeliveryError
from delivery.github import GitHub

MARKS = {"preview": "<!-- monitoring: preview -->", "environment": "<!-- monitoring: environment -->"}
"""Invisible marks by which a comment is found again."""

NOTHING = {
    "preview": "## There is no preview\n\nThe job ended before it could compare anything",
    "environment": "The environment of this pull request failed",
}


def comment(kind: str, number: int, file: Path, run: str) -> str:
    """Write or update the comment of this kind and return its address. If the file is missing, the comment says so."""
    text = file.read_text(encoding="utf-8") if file.exists() else f"{NOTHING[kind]}: {run}"
    return GitHub.from_environment().comment(number, MARKS[kind], text)


def drift(folder: Path, run: str) -> list[str]:
    """Open, update or close the issue of each stack that could be checked, and return their addresses.

    folder: has a file STACK.md per stack, empty if nothing has drifted.
    """
    github, done = GitHub.from_environment(), []
    for file in sorted(folder.glob("*.md")):
        stack, text = file.stem, file.read_text(encoding="utf-8")
        mark = f"<!-- monitoring: drift of {stack} -->"
        if text:
            done.append(github.issue(mark, f"{stack} has drifted from Pulumi's state", text))
        else:
            done += github.close(mark, f"There is no more drift: {run}")
    return done


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit status."""
    parser = argparse.ArgumentParser(prog="python3 -m delivery.posts", description=__doc__)
    parser.add_argument("kind", choices=(*MARKS, "drift"))
    parser.add_argument("--number", type=int, help="the number of the pull request")
    parser.add_argument("--run", required=True, help="the address of the workflow's run")
    parser.add_argument("path", type=Path, help="the file of the comment, or the folder of the drift reports")
    asked = parser.parse_args(arguments)
    try:
        if asked.kind == "drift":
            print(*drift(asked.path, asked.run), sep="\n")
        else:
            print(comment(asked.kind, asked.number, asked.path, asked.run))
    except DeliveryError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
