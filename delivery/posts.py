"""`python3 -m delivery.posts KIND`: what goes to GitHub. Needs nothing but Python, and runs in jobs of their own: those
with a token that may write have neither AWS credentials nor a pull request's code."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from delivery.errors import DeliveryError
from delivery.github import GitHub

MARKS = {"preview": "<!-- monitoring: preview -->", "environment": "<!-- monitoring: environment -->"}
"""By which a comment is found again; nobody sees them."""

NOTHING = {
    "preview": "## There is no preview\n\nThe job ended before it could compare anything",
    "environment": "The environment of this pull request failed",
}


def comment(kind: str, number: int, file: Path, run: str) -> str:
    """Write the comment of this kind, or bring it up to date; returns its address. Without a file, it says so."""
    text = file.read_text(encoding="utf-8") if file.exists() else f"{NOTHING[kind]}: {run}"
    return GitHub.from_environment().comment(number, MARKS[kind], text)


def drift(folder: Path, run: str) -> list[str]:
    """Open, update or close the issue of each stack that could be asked; returns the addresses.

    folder: a file STACK.md per stack, which is empty when nothing has drifted.
    """
    github, done = GitHub.from_environment(), []
    for file in sorted(folder.glob("*.md")):
        stack, text = file.stem, file.read_text(encoding="utf-8")
        mark = f"<!-- monitoring: drift of {stack} -->"
        if text:
            done.append(github.issue(mark, f"{stack} is not as Pulumi left it", text))
        else:
            done += github.close(mark, f"Nothing differs any more: {run}")
    return done


def main(arguments: Sequence[str]) -> int:
    """The command's exit status."""
    parser = argparse.ArgumentParser(prog="python3 -m delivery.posts", description=__doc__)
    parser.add_argument("kind", choices=(*MARKS, "drift"))
    parser.add_argument("--number", type=int, help="of the pull request")
    parser.add_argument("--run", required=True, help="the address of the workflow's run")
    parser.add_argument("path", type=Path, help="the comment, or the folder of the drift")
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
