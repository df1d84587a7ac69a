"""Stacks of the program, each with its own backend: the engine is real, and no server boots."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import yaml

from sandbox import cloud
from sandbox.place import Place
from sandbox.plugins.install import install
from tests.sandbox.cloud.conftest import Cloud
from tests.sandbox.plugins.engine import CHECKOUT, environment, find_pulumi

PROGRAM = CHECKOUT
"""The program that runs. (The plugins and the local AWS are always this checkout's.)"""

WITHOUT_THE_GATE = ("--exclude", "**Command::ready", "--exclude-dependents")
"""Leaves out the gate, which never opens as nothing boots here, and everything that waits for it."""


@dataclass
class Product:
    """A stack of the program with its own state, as another person would have it."""

    folder: Path
    env: dict[str, str]
    stack: str = "dev"

    @classmethod
    def make(cls, home: Path, folder: Path, aws: Cloud, stack: str = "dev", project: str = "monitoring") -> Self:
        """Create a stack that is not up yet. home: PULUMI_HOME, shared because of the plugins. folder: for the project
        and its state; created."""
        pulumi = find_pulumi()
        (folder / "state").mkdir(parents=True)
        home.mkdir(exist_ok=True)
        aws_env = {"AWS_ENDPOINT_URL": aws.operator_url, **cloud.admin_credentials(aws.place)}
        env = environment(pulumi, home, folder / "state") | aws_env
        install(Place(CHECKOUT), pulumi, env)
        made = cls(folder, env, stack)
        made.write(project, yaml.safe_load((PROGRAM / "Pulumi.dev.yaml").read_text())["config"])
        made.run("stack", "init", stack)
        return made

    def write(self, project: str, config: dict[str, Any]) -> None:
        """Write the project's file, which points at the checkout's program, and the stack's settings."""
        content = yaml.safe_load((PROGRAM / "Pulumi.yaml").read_text())
        content |= {"name": project, "main": str(PROGRAM)}
        (self.folder / "Pulumi.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
        (self.folder / f"Pulumi.{self.stack}.yaml").write_text(yaml.safe_dump({"config": config}))

    def configure(self, **settings: Any) -> None:
        """Change settings, named without their namespace; `aws__profile` is `aws:profile`. None removes one."""
        file = self.folder / f"Pulumi.{self.stack}.yaml"
        content = yaml.safe_load(file.read_text())
        for name, value in settings.items():
            key = name.replace("__", ":") if "__" in name else f"monitoring:{name}"
            if value is None:
                content["config"].pop(key, None)
            else:
                content["config"][key] = value
        file.write_text(yaml.safe_dump(content))

    def run(self, *arguments: str, fails: bool = False, **env: str) -> str:
        """Run the CLI, which must succeed or, with `fails`, fail; returns what it printed."""
        done = subprocess.run(
            ["pulumi", "--non-interactive", "--color", "never", *arguments],
            executable=find_pulumi(),
            cwd=self.folder,
            env=self.env | env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=600,
        )
        assert (done.returncode != 0) == fails, (
            f"pulumi {' '.join(arguments)} exited with status {done.returncode}:\n{done.stdout}"
        )
        return done.stdout

    def command(self, script: Path, *arguments: str) -> str:
        """Run one of the program's scripts, which may fail; returns what it printed."""
        done = subprocess.run(
            [sys.executable, PROGRAM / script, *arguments],
            cwd=self.folder,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=120,
        )
        return done.stdout

    def up(self, *options: str, fails: bool = False) -> str:
        return self.run(
            "up", "--yes", "--skip-preview", "--stack", self.stack, *WITHOUT_THE_GATE, *options, fails=fails
        )

    def refused(self) -> str:
        """What a preview that must fail printed."""
        return self.run("preview", "--stack", self.stack, fails=True)

    def steps(self) -> list[dict[str, Any]]:
        """The steps of a preview of the whole program, as the engine lists them."""
        return list(json.loads(self.run("preview", "--json", "--stack", self.stack))["steps"])

    def preview(self) -> dict[str, str]:
        """Type and name of each changed resource → what a preview of the whole program would do with it."""
        return {
            f"{step['urn'].split('::')[-2].split('$')[-1].split(':')[-1]}::{step['urn'].split('::')[-1]}": step["op"]
            for step in self.steps()
            if step["op"] not in ("same", "read")
        }

    def resources(self, kind: str) -> list[dict[str, Any]]:
        """The resources of a type in the state."""
        state = json.loads(self.run("stack", "export", "--stack", self.stack))["deployment"]
        return [each for each in state.get("resources", []) if each["type"] == kind]

    def destroy(self) -> None:
        self.run("destroy", "--yes", "--skip-preview", "--stack", self.stack)
