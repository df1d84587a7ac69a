"""A script that takes the place of the Pulumi CLI; the real one is in tests/workflows."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

CLI = """#!/bin/sh
here='{here}'
printf '%s\\n' "$PULUMI_BACKEND_URL $PULUMI_CONFIG_PASSPHRASE|$*" >>"$here/asked"
shift 3
for answer in "$here"/answers/*; do
  case "$* " in
    "${{answer##*/}} "*) . "$answer" ;;
  esac
done
"""
ALWAYS = "--non-interactive --color never "
SETTINGS = "config:\n  monitoring:retention: 7d\n"
SECRET = "the-password"
"""A secret in the state of every stack."""


def git(folder: Path, *arguments: str) -> str:
    """What git prints in a repository, as some author."""
    named = ["-c", "user.name=a", "-c", "user.email=a@b.cc", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *named, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


class ScriptedPulumi:
    """Answers commands as a test sets it up, and records them. folder: the project, with the settings of a stack
    `dev`."""

    def __init__(self, folder: Path, here: Path) -> None:
        self.folder, self.here, self.settings = folder, here, folder / "Pulumi.dev.yaml"
        (here / "answers").mkdir(parents=True)
        (here / "asked").touch()
        self.settings.write_text(SETTINGS)
        program = here / "bin/pulumi"
        program.parent.mkdir()
        program.write_text(CLI.format(here=here))
        program.chmod(0o755)
        self.answer("config", {})
        self.keeps()

    def answer(self, command: str, printed: Any = "", said: str = "", status: int = 0, runs: str = "") -> None:
        """Set up the answer to commands that begin with this one: what they print (an object as JSON), what they print
        on standard error, their exit status, and the shell commands that they run first."""
        name = command.replace(" ", "-")
        text = printed if isinstance(printed, str) else json.dumps(printed)
        for kind, content in (("printed", text), ("said", said)):
            (self.here / f"{name}.{kind}").write_text(content)
        (self.here / "answers" / command).write_text(
            f'{runs}\ncat "$here/{name}.printed"\ncat "$here/{name}.said" >&2\nexit {status}\n'
        )

    def lists(self, *stacks: str) -> None:
        """Set up the names of the stacks in the backend."""
        self.answer("stack ls", [{"name": name} for name in stacks])

    def keeps(self, *protected: bool) -> None:
        """Set up the state: a resource for each argument, protected or not, and the secret."""
        resources = [{"urn": f"urn:{number}", "protect": each} for number, each in enumerate(protected)]
        secret = {"plaintext": json.dumps(SECRET)}
        self.answer("stack export", {"version": 3, "deployment": {"resources": resources, "secret": secret}})

    @property
    def asked(self) -> dict[str, str]:
        """Command → the backend and the passphrase that it ran with, in order."""
        lines = (line.partition("|") for line in (self.here / "asked").read_text().splitlines())
        return {command.removeprefix(ALWAYS): where for where, _, command in lines}

    def changes(self) -> list[str]:
        """The commands so far that change something."""
        harmless = ("stack ls", "stack history", "stack export", "stack output", "config", "preview", "refresh")
        return [command for command in self.asked if not command.startswith(harmless)]


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ScriptedPulumi:
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path}/cli/bin:{os.environ['PATH']}")
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://state")
    for name in ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_SECRETS_PROVIDER", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(folder)
    scripted = ScriptedPulumi(folder, tmp_path / "cli")
    scripted.lists("dev")
    return scripted
