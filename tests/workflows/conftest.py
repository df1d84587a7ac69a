"""A repository that contains this checkout, a double of GitHub, and the machines that workflows run on."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from sandbox import warm
from sandbox.place import Place
from sandbox.plugins.install import install
from sandbox.stack import CLI
from tests.engine.bootstrapped import REPOSITORY, Bootstrap, Job
from tests.engine.product import Product
from tests.live.leaks import searchable, state_secrets
from tests.sandbox.cloud.conftest import Cloud, aws
from tests.sandbox.plugins.engine import CHECKOUT, VENV, find_pulumi
from tests.support.certificates import KEY
from tests.support.configuration import HOST
from tests.workflows.github import GitHub, serving
from tests.workflows.repository import Repository, programs
from tests.workflows.runner import Runner, machine
from tests.workflows.runs import Event

__all__ = ["aws"]

SETTINGS = {
    "smtp.password": "marker-of-the-mail-server",
    "contactPoints.slack": "https://hooks.slack.com/services/T0MARKER/B0MARKER/marker-of-slack",
    "contactPoints.webhook": "https://hooks.example.com/marker-of-the-webhook",
    "contactPoints.webhookToken": "marker-of-the-token",
    "contactPoints.pagerduty": "0123456789abcdefmarkerpagerduty0",
    "hosts[0].privateKey": KEY,
}
"""Secret settings, with values that can be searched for."""


@pytest.fixture(scope="session")
def machines(tmp_path_factory: pytest.TempPathFactory, aws: Cloud) -> dict[str, str]:
    """The machines' environment variables, with Pulumi, its plugins and the local AWS."""
    home, pulumi = tmp_path_factory.mktemp("pulumi-home"), find_pulumi()
    tools = programs(tmp_path_factory.mktemp("programs"), pulumi)
    env = machine(
        tools,
        VENV / "bin",
        pulumi.parent,
        PULUMI_HOME=str(home),
        **CLI,
        PULUMI_CONFIG_PASSPHRASE="test",
        AWS_ENDPOINT_URL=aws.operator_url,
        AWS_EC2_METADATA_DISABLED="true",
        **{name: value for name, value in os.environ.items() if name == warm.VARIABLE},
    )
    install(Place(CHECKOUT), pulumi, env)
    return env


@dataclass(frozen=True)
class Raised:
    """A stack `dev` that is up, except for what needs a server that boots. secrets: all of them, by name."""

    state: Path
    settings: str
    secrets: dict[str, str]


@pytest.fixture(scope="session")
def raised(aws: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Raised:
    """The stack, raised once; each test gets a copy of its state, and all use the same AWS."""
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
    secrets = searchable(state_secrets(exported), {"198.51.100.7", HOST["hostKey"]})
    return Raised(made.folder / "state", (made.folder / "Pulumi.dev.yaml").read_text(), secrets | SETTINGS)


@pytest.fixture
def dev_is_up(repository: Repository, raised: Raised, tmp_path: Path) -> Raised:
    """The stack `dev` exists, with the settings that are on main."""
    shutil.copytree(raised.state, tmp_path / "backend", dirs_exist_ok=True)
    repository.commit({"Pulumi.dev.yaml": raised.settings})
    return raised


@pytest.fixture(scope="session")
def bootstrap(aws: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Bootstrap:
    """The account's bootstrap, whose roles the jobs assume."""
    folder = tmp_path_factory.mktemp("bootstrap")
    made = Bootstrap.make(folder / "home", folder / "person", aws)
    names = ("dev", "prod", "pull-request")
    for number, name in enumerate(names):
        path = f"monitoring-bootstrap:environments[{number}]"
        made.run("config", "set", "--path", path, name, "--stack", made.stack)
    made.up()
    return made


@pytest.fixture
def repository(tmp_path: Path, machines: dict[str, str], aws: Cloud, bootstrap: Bootstrap) -> Iterator[Repository]:
    """A repository with this checkout, none of whose stacks is up."""

    def credentials(role: str, environment: str, event: Event) -> dict[str, str]:
        """A role's credentials, for the token that GitHub gives to such a job."""
        of_event = "pull_request" if event.name == "pull_request" else "ref:refs/heads/main"
        subject = f"environment:{environment}" if environment else of_event
        try:
            return Job.of(aws, role, f"repo:{REPOSITORY}:{subject}").credentials
        except ClientError as error:
            raise PermissionError(error) from None

    (tmp_path / "backend").mkdir()
    with serving(GitHub()) as github:
        variables = {
            **bootstrap.variables,
            "PULUMI_BACKEND": f"file://{tmp_path / 'backend'}",
            "PULUMI_SECRETS_PROVIDER": "passphrase",
        }
        origin, jobs = tmp_path / "origin", tmp_path / "jobs"
        yield Repository.of(Runner(origin, jobs, machines, github, variables, credentials))
