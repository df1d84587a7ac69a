"""Stacks that the real engine runs with the stand-in plugins, without machines."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sandbox import toolchain, warm
from sandbox.place import Place
from sandbox.plugins.install import install
from sandbox.stack import CLI

CHECKOUT = Path(__file__).resolve().parents[3]
VENV = CHECKOUT / ".venv"
MAX_RUN = 300
"""Seconds that a run of the CLI may take."""


def find_pulumi() -> Path:
    """The CLI, on PATH or in the toolchain. The test fails if there is neither."""
    built = toolchain.binaries() / "pulumi"
    found = shutil.which("pulumi") or (str(built) if built.exists() else None)
    if found is None:
        pytest.fail(f"no pulumi on PATH and none at {built}: `make tools` builds it")
    return Path(found)


def environment(pulumi: Path, home: Path, state: Path) -> dict[str, str]:
    """Variables with which the CLI uses a backend of its own, and none of this process's credentials and settings."""
    own = {key: value for key, value in os.environ.items() if not key.startswith(("PULUMI_", "AWS_"))}
    # If it is set, each run compiles the providers' SDKs again.
    own.pop("PYTHONDONTWRITEBYTECODE", None)
    programs = (warm.environment(VENV) / "bin", VENV / "bin", pulumi.parent, os.environ.get("PATH", ""))
    return own | {
        "PATH": os.pathsep.join(map(str, programs)),
        "PULUMI_HOME": str(home),
        "PULUMI_BACKEND_URL": f"file://{state}",
        "PULUMI_CONFIG_PASSPHRASE": "test",
        **CLI,
    }


NO_AWS = {
    "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
}
"""The variables of a program that does not use AWS."""


@dataclass
class Stack:
    """A stack of a program, run by the real engine with the stand-ins."""

    folder: Path
    pulumi: Path
    env: dict[str, str]

    @classmethod
    def make(cls, folder: Path, program: Path, aws: Mapping[str, str] = NO_AWS) -> Stack:
        """A new stack of a copy of the program. aws: the variables for the AWS SDKs."""
        pulumi = find_pulumi()
        home, state, copy = folder / "home", folder / "state", folder / "program"
        home.mkdir()
        state.mkdir()
        shutil.copytree(program, copy)
        env = environment(pulumi, home, state) | dict(aws)
        install(Place(CHECKOUT), pulumi, env)
        stack = cls(copy, pulumi, env)
        stack.run("stack", "init", "dev")
        stack.run("config", "set", "aws:region", "eu-central-1")
        return stack

    def run(self, *arguments: str, fails: bool = False, env: dict[str, str] | None = None) -> str:
        """Run the CLI and return its output, without colours. fails: it must fail, otherwise it must succeed."""
        command = [str(self.pulumi), "--non-interactive", "--color", "never", *arguments]
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={**self.env, **(env or {})},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            timeout=MAX_RUN,
        )
        if (done.returncode != 0) != fails:
            pytest.fail(f"pulumi {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}")
        # If a function fails, Python's SDK shows a traceback of the program. A plugin must not show one.
        assert "sandbox/plugins" not in done.stdout, done.stdout
        return done.stdout

    def up(self, *options: str, fails: bool = False) -> str:
        return self.run("up", "--yes", "--skip-preview", *options, fails=fails)

    def preview(self, *options: str) -> str:
        return self.run("preview", "--diff", *options)

    def configure(self, **settings: str | int | bool) -> None:
        texts = {
            name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in settings.items()
        }
        self.run("config", "set-all", *(word for each in texts.items() for word in ("--plaintext", "=".join(each))))

    def outputs(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.run("stack", "output", "--json", "--show-secrets"))
        return answer

    def operations(self, output: str) -> dict[str, int]:
        """The numbers in the summary, such as {"created": 3, "unchanged": 2}."""
        return {word: int(number) for number, word in re.findall(r"^\s+[~+\-]*\s*(\d+) (\w+)", output, re.M)}
