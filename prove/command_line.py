"""The Pulumi CLI, in the project's folder and for one stack; what it prints is shown while it prints it."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TAIL = 25
"""Lines of a failed command that go into the report."""


class FailedError(Exception):
    """A step of the proof failed; the message says how, possibly in several lines."""


@dataclass(frozen=True)
class Pulumi:
    """project: the folder with Pulumi.yaml.  stack: its name."""

    project: Path
    stack: str

    def run(self, *arguments: str) -> str:
        """Run a command that changes something; returns what it printed. Raises FailedError with its last lines."""
        command = ["pulumi", "--non-interactive", "--color", "never", *arguments, "--stack", self.stack]
        lines: list[str] = []
        with subprocess.Popen(
            command, cwd=self.project, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as process:
            assert process.stdout  # noqa: S101 (asked for above)
            for line in process.stdout:
                print(f"    {line}", end="", flush=True)
                lines.append(line.rstrip())
        if process.returncode:
            said = "\n".join([line for line in lines if line][-TAIL:])
            raise FailedError(f"pulumi {arguments[0]} failed with exit status {process.returncode}:\n{said}")
        return "\n".join(lines)

    def ask(self, *arguments: str) -> str:
        """What a command answers, without showing it. Raises FailedError with its error."""
        done = subprocess.run(
            ["pulumi", "--non-interactive", *arguments], cwd=self.project, text=True, capture_output=True, check=False
        )
        if done.returncode:
            raise FailedError(f"pulumi {arguments[0]}: {done.stderr.strip()}")
        return done.stdout.strip()

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs, secrets in the clear. Raises FailedError, which repeats nothing of what is not these."""
        printed = self.ask("stack", "output", "--json", "--show-secrets", "--stack", self.stack)
        try:
            return dict(json.loads(printed))
        except (ValueError, TypeError):
            raise FailedError("pulumi stack output --json printed something else than the stack's outputs") from None
