"""The Pulumi CLI, in the project's folder and for one stack; its output is shown as it arrives."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.pulumi_cli import expected_json

TAIL = 25
"""Lines of a failed command that go into the report."""


class FailedError(Exception):
    """A step of the proof failed; the message says how, possibly in several lines."""


@dataclass(frozen=True)
class Pulumi:
    """project: the folder with Pulumi.yaml. stack: the stack's name."""

    project: Path
    stack: str

    def run(self, *arguments: str) -> str:
        """Run a command that changes something, and return its output. Raises FailedError with its last lines."""
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
        """The output of a command, without showing it. Raises FailedError with the command's own error."""
        done = subprocess.run(
            ["pulumi", "--non-interactive", *arguments], cwd=self.project, text=True, capture_output=True, check=False
        )
        if done.returncode:
            raise FailedError(f"pulumi {arguments[0]}: {done.stderr.strip()}")
        return done.stdout.strip()

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs, secrets in the clear. Raises FailedError, which repeats nothing of what was printed."""
        printed = self.ask("stack", "output", "--json", "--show-secrets", "--stack", self.stack)
        with expected_json(FailedError("`pulumi stack output --json` did not print the stack's outputs")):
            return dict(json.loads(printed))
