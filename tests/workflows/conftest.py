"""A repository with this checkout in it, its GitHub, and the machines its workflows run on."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox import cloud
from sandbox.place import Place
from sandbox.plugins.install import install
from tests.engine.product import Product
from tests.live.leaks import secret_values
from tests.sandbox.cloud.conftest import Cloud, aws
from tests.sandbox.plugins.engine import CHECKOUT, find_pulumi
from tests.support.certificates import KEY
from tests.test_settings import HOST
from tests.workflows.github import GitHub, serving
from tests.workflows.runner import Runner, machine
from tests.workflows.runs import Event

__all__ = ["aws"]

INSTALLED = """
if [ "$1" = install ]; then exec ln -s '{venv}' .venv; fi
exec '{pulumi}' "$@"
"""
"""Pulumi on a machine that has the packages already: `pulumi install` takes minutes to get them from the registry."""

SETTINGS = {
    "smtp.password": "marker-of-the-mail-server",
    "contactPoints.slack": "https://hooks.slack.com/services/T0MARKER/B0MARKER/marker-of-slack",
    "contactPoints.webhook": "https://hooks.example.com/marker-of-the-webhook",
    "contactPoints.webhookToken": "marker-of-the-token",
    "contactPoints.pagerduty": "0123456789abcdefmarkerpagerduty0",
    "hosts[0].privateKey": KEY,
}
"""Secrets that people write, each with a value that is found again."""

AUTHOR = ("-c", "user.name=A Person", "-c", "user.email=person@example.org", "-c", "commit.gpgsign=false")


@dataclass
class Repository:
    """A repository on GitHub, and what happens to it. folder: a work tree of it, on main."""

    folder: Path
    github: GitHub
    runner: Runner

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *AUTHOR, *arguments], cwd=self.folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def commit(self, files: Mapping[str, str | None] | None = None) -> str:
        """Commit other contents of files on the branch that is checked out; None deletes one. Returns the commit."""
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
        """The file of a stack's settings with some (without their namespace) changed, to be committed."""
        name = f"Pulumi.{stack}.yaml"
        path = self.folder / name
        content = yaml.safe_load(path.read_text()) if path.exists() else {"config": {}}
        content["config"] |= {key if ":" in key else f"monitoring:{key}": value for key, value in changed.items()}
        return {name: yaml.safe_dump(content)}

    def pull_request(self, files: Mapping[str, str | None], fork: bool = False, number: int | None = None) -> Event:
        """Open a pull request, or push to it; returns the event. main is checked out afterwards."""
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
        """Push to main."""
        before = self.git("rev-parse", "main")
        after = self.commit(files)
        return Event("push", after, {"before": before, "repository": {"full_name": self.github.repository}})

    def by_hand(self, **inputs: str) -> Event:
        """Somebody starts a workflow on main."""
        return Event("workflow_dispatch", self.git("rev-parse", "main"), {}, inputs)


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory, aws: Cloud) -> dict[str, str]:
    """The environment of the machines: Pulumi with its plugins, and a sudo that only says what it was asked, because
    `make check` is what runs this."""
    home, tools = tmp_path_factory.mktemp("pulumi-home"), tmp_path_factory.mktemp("programs")
    pulumi = find_pulumi()
    programs = {"sudo": 'echo "sudo $*"', "pulumi": INSTALLED.format(venv=CHECKOUT / ".venv", pulumi=pulumi)}
    for name, script in programs.items():
        (tools / name).write_text(f"#!/bin/sh\n{script}\n")
        (tools / name).chmod(0o755)
    env = machine(
        tools,
        CHECKOUT / ".venv/bin",
        pulumi.parent,
        PULUMI_HOME=str(home),
        PULUMI_SKIP_UPDATE_CHECK="1",
        PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION="1",
        PULUMI_CONFIG_PASSPHRASE="test",
        AWS_ENDPOINT_URL=aws.operator_url,
        AWS_EC2_METADATA_DISABLED="true",
    )
    install(Place(CHECKOUT), pulumi, env)
    return env


@dataclass(frozen=True)
class Raised:
    """A stack `dev` that was raised as far as it can be without a server that boots. secrets: every one it has."""

    state: Path
    settings: str
    secrets: dict[str, str]


@pytest.fixture(scope="session")
def raised(aws: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Raised:
    """Raised once; each test gets a copy of the state, and all of them have the same AWS."""
    made = Product.make(tmp_path_factory.mktemp("home") / "pulumi", tmp_path_factory.mktemp("dev") / "of", aws)
    made.configure(
        contactPoints={"email": ["ops@example.com"]},
        smtp={"host": "smtp.example.com", "user": "ops", "sender": "ops@example.com"},
        hosts=[{"name": "web-1", "address": "198.51.100.7", "user": "admin", "hostKey": HOST["hostKey"]}],
    )
    for path, secret in SETTINGS.items():
        made.run("config", "set", "--secret", "--path", f"monitoring:{path}", "--stack", "dev", "--", secret)
    made.up()
    exported = json.loads(made.run("stack", "export", "--show-secrets", "--stack", "dev"))
    found = {f"state {number}": value for number, value in enumerate(secret_values(exported))}
    plain = {"198.51.100.7", HOST["hostKey"]}
    kept = {name: value for name, value in found.items() if len(value) >= 12 and value not in plain}
    return Raised(made.folder / "state", (made.folder / "Pulumi.dev.yaml").read_text(), kept | SETTINGS)


@pytest.fixture
def dev_is_up(repository: Repository, raised: Raised, tmp_path: Path) -> Raised:
    """The stack `dev` exists, with the settings that are on main."""
    shutil.copytree(raised.state, tmp_path / "backend", dirs_exist_ok=True)
    repository.commit({"Pulumi.dev.yaml": raised.settings})
    return raised


@pytest.fixture
def repository(tmp_path: Path, programs: dict[str, str], aws: Cloud) -> Iterator[Repository]:
    """This checkout as it is, committed to a repository of its own, whose stacks nobody has raised."""
    folder = tmp_path / "origin"
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(listed, cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout.split("\0")
    for name in filter(None, names):
        if (source := CHECKOUT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, folder / name)

    def credentials(role: str, environment: str, event: Event) -> dict[str, str]:
        """As the roles' trust has it: the preview role for pull requests and main, the deploy role in environments."""
        if role == ("deploy" if environment else "preview"):
            return cloud.admin_credentials(aws.place)
        raise PermissionError("Not authorized to perform sts:AssumeRoleWithWebIdentity")

    (tmp_path / "backend").mkdir()
    with serving(GitHub()) as github:
        variables = {
            "AWS_REGION": "eu-central-1",
            "AWS_PREVIEW_ROLE": "preview",
            "AWS_DEPLOY_ROLE": "deploy",
            "PULUMI_BACKEND": f"file://{tmp_path / 'backend'}",
            "PULUMI_SECRETS_PROVIDER": "passphrase",
        }
        made = Repository(folder, github, Runner(folder, tmp_path / "jobs", programs, github, variables, credentials))
        made.git("init", "--quiet", "--initial-branch=main")
        made.git("config", "uploadpack.allowAnySHA1InWant", "true")
        made.commit()
        yield made
