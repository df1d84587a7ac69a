"""The Pulumi CLI as a workflow runs it: non-interactive, for one stack, without printing secrets."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from delivery import secrets
from delivery.errors import DeliveryError, json_from
from delivery.secrets import Redactor
from delivery.stacks import settings
from tools.pulumi_cli import stack_names

TAIL = 15
"""How many of a failed command's last lines the error repeats."""


@dataclass
class Pulumi:
    """folder: the one with Pulumi.yaml. stack: the stack's name."""

    folder: Path
    stack: str
    environment: dict[str, str] = field(default_factory=dict)
    hide: Redactor = field(default_factory=Redactor)

    def learn_secrets(self) -> None:
        """Find out which values must not be shown. Raises DeliveryError if the stack cannot be read."""
        self.hide = Redactor(secrets.of_stack(self.ask, settings(self.folder, self.stack)))

    def exists(self) -> bool:
        """Whether the backend has the stack; DeliveryError when the backend cannot be asked."""
        printed = self._checked(self._run("stack", "ls", "--json"))
        with json_from("pulumi stack ls --json"):
            return self.stack in stack_names(printed)

    def ask(self, *arguments: str) -> str:
        """The output of a command, without showing it. Raises DeliveryError with its error output when it fails."""
        return self._checked(self._run(*arguments, "--stack", self.stack))

    def attempt(self, *arguments: str) -> tuple[bool, str, str]:
        """Whether a command succeeds, and its two outputs without the secrets."""
        done = self._run(*arguments, "--stack", self.stack)
        return done.returncode == 0, self.hide(done.stdout), self.hide(done.stderr)

    def show(self, *arguments: str) -> str:
        """Run a command that changes something, and print its output as it arrives, without the secrets.

        Returns the printed output. Raises DeliveryError when the command fails.
        """
        lines: list[str] = []
        with subprocess.Popen(
            self._command(*arguments, "--stack", self.stack),
            cwd=self.folder,
            env=os.environ | self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            assert process.stdout  # noqa: S101 (asked for above)
            for line in process.stdout:
                shown = self.hide(line.rstrip("\n"))
                print(shown, flush=True)
                lines.append(shown)
        if process.returncode:
            raise DeliveryError(f"`pulumi {arguments[0]}` failed for {self.stack}; see its output above.")
        return "\n".join(lines)

    def _command(self, *arguments: str) -> list[str]:
        return ["pulumi", "--non-interactive", "--color", "never", *arguments]

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self._command(*arguments),
            cwd=self.folder,
            env=os.environ | self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )

    def _checked(self, done: subprocess.CompletedProcess[str]) -> str:
        if done.returncode:
            said = "\n".join(self.hide(done.stderr or done.stdout).strip().splitlines()[-TAIL:])
            raise DeliveryError(f"pulumi failed for {self.stack}: {said.removeprefix('error: ')}")
        return done.stdout
