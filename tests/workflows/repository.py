"""A repository that contains this checkout, and the events of it on GitHub."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sandbox import warm
from tests.sandbox.plugins.engine import CHECKOUT, VENV
from tests.workflows.github import GitHub
from tests.workflows.runner import Runner
from tests.workflows.runs import Event

INSTALLED = """
if [ "$1" = install ]; then exec ln -s '{venv}' .venv; fi
exec '{pulumi}' "$@"
"""
"""A `pulumi` on a machine that already has the packages, which `pulumi install` would download for minutes."""

AUTHOR = ("-c", "user.name=A Person", "-c", "user.email=person@example.org", "-c", "commit.gpgsign=false")


@dataclass
class Repository:
    """A repository on GitHub. folder: its work tree, on main."""

    folder: Path
    github: GitHub
    runner: Runner

    @classmethod
    def of(cls, runner: Runner) -> Repository:
        """This checkout, committed to main of the runner's empty repository."""
        made = cls(runner.origin, runner.github, runner)
        copied(made.folder)
        made.git("init", "--quiet", "--initial-branch=main")
        made.git("config", "uploadpack.allowAnySHA1InWant", "true")
        # Without compression and deltas, a checkout takes a quarter of the CPU time.
        made.git("config", "core.compression", "0")
        made.git("config", "pack.window", "0")
        made.commit()
        return made

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *AUTHOR, *arguments], cwd=self.folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def commit(self, files: Mapping[str, str | None] | None = None) -> str:
        """Write files (None deletes one) and commit them on the current branch; returns the commit."""
        for name, content in (files or {}).items():
            path = self.folder / name
            if content is None:
                path.unlink()
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(content)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "A change")
        return self.git("rev-parse", "HEAD")

    def settings(self, stack: str, **changed: Any) -> dict[str, str]:
        """The file of a stack's settings, for `commit`, with some settings changed (named without their namespace)."""
        name = f"Pulumi.{stack}.yaml"
        path = self.folder / name
        content = yaml.safe_load(path.read_text()) if path.exists() else {"config": {}}
        content["config"] |= {key if ":" in key else f"monitoring:{key}": value for key, value in changed.items()}
        return {name: yaml.safe_dump(content)}

    def pull_request(self, files: Mapping[str, str | None], *, fork: bool = False, number: int | None = None) -> Event:
        """Open a pull request, or push to the one with this number; returns the event. Leaves main checked out."""
        number = number or self.github.pull_request()
        base = self.git("rev-parse", "main")
        self.git("checkout", "--quiet", "-B", f"change-{number}", "main")
        head = self.commit(files)
        self.git("checkout", "--quiet", "-B", f"merge-{number}", "main")
        self.git("merge", "--quiet", "--no-ff", "--no-edit", head)
        merged = self.git("rev-parse", "HEAD")
        self.git("checkout", "--quiet", "main")
        owner = "somebody/monitoring" if fork else self.github.repository
        about = {
            "number": number,
            "base": {"sha": base},
            "head": {"sha": head, "repo": {"full_name": owner}},
            "labels": [],
        }
        payload = {"pull_request": about, "repository": {"full_name": self.github.repository}, "action": "synchronize"}
        return Event("pull_request", merged, payload)

    def push(self, files: Mapping[str, str | None] | None = None) -> Event:
        """Push a commit to main; returns the event."""
        before = self.git("rev-parse", "main")
        after = self.commit(files)
        return Event("push", after, {"before": before, "repository": {"full_name": self.github.repository}})

    def by_hand(self, **inputs: str) -> Event:
        """The event when somebody starts a workflow on main."""
        return Event("workflow_dispatch", self.git("rev-parse", "main"), {}, inputs)


def programs(folder: Path, pulumi: Path) -> Path:
    """Write further programs of the machines into a folder: a Pulumi that needs no registry, and a sudo that only
    prints its command, as these tests are part of `make check`, which it would run. Returns the folder."""
    folder.mkdir(exist_ok=True)
    scripts = {"sudo": 'echo "sudo $*"', "pulumi": INSTALLED.format(venv=warm.environment(VENV), pulumi=pulumi)}
    for name, script in scripts.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    return folder


def copied(folder: Path) -> None:
    """Copy this checkout, without what git ignores, into a folder."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(listed, cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout.split("\0")
    for name in filter(None, names):
        if (source := CHECKOUT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, folder / name)
