"""A stack's life by the workflows alone: it is deployed by a push, previewed and checked for drift from outside, and
destroyed.

The machine that deploys is in operatorCidrs (a self-hosted runner, the variable UP_RUNNER). Those that preview and
check for drift are like GitHub's: they cannot reach the stack's machines.
"""

from __future__ import annotations

import re
import socket
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

import pytest
import yaml

from sandbox import cloud, stack, toolchain
from tests.live.environment import PLACE, Environment
from tests.live.leaks import leaks, parameters
from tests.live.pending import everything_in_aws
from tests.live.services import grafana_answers
from tests.support.waiting import eventually
from tests.workflows.github import GitHub, serving
from tests.workflows.repository import Repository, programs
from tests.workflows.runner import Runner
from tests.workflows.runs import Event

pytestmark = [pytest.mark.live, pytest.mark.disrupts]

STACK = "dev"
OUTSIDE = 64_123
"""A group that no other process on this machine has."""
TABLE = "monitoring-test-outside"


@pytest.fixture(scope="module")
def dev(environment: Environment, before: dict[str, set[str]]) -> Iterator[Environment]:
    """The stack, not yet up; destroyed afterwards, whatever state it is in."""
    made = Environment(name=STACK)
    yield made
    if made.stack_file.exists():
        made.pulumi("cancel", "--yes")
        made.pulumi("destroy", "--yes", "--skip-preview")
        made.pulumi("stack", "rm", "--yes", "--force")
        made.stack_file.unlink(missing_ok=True)


@pytest.fixture(scope="module")
def repository(
    environment: Environment, dev: Environment, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Repository]:
    """A repository whose stack `dev` has the settings of the local environment, without hosts."""
    scratch = tmp_path_factory.mktemp("workflows")
    machine = {key: value for key, value in stack.environment(PLACE).items() if not key.startswith("AWS_")}
    machine |= {
        "PATH": f"{programs(scratch / 'programs', toolchain.binaries() / 'pulumi')}:{machine['PATH']}",
        "AWS_ENDPOINT_URL": PLACE.aws_url,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    variables = {
        "AWS_REGION": environment.region,
        "AWS_PREVIEW_ROLE": "preview",
        "AWS_DEPLOY_ROLE": "deploy",
        "PULUMI_BACKEND": machine.pop("PULUMI_BACKEND_URL"),
        "PULUMI_SECRETS_PROVIDER": "passphrase",
    }

    def credentials(role: str, named: str, event: Event) -> dict[str, str]:
        if role == ("deploy" if named else "preview"):
            return cloud.admin_credentials(PLACE)
        raise PermissionError("Not authorized to perform sts:AssumeRoleWithWebIdentity")

    with serving(GitHub()) as github:
        made = Repository.of(
            Runner(
                *(scratch / "origin", scratch / "jobs", machine, github, variables, credentials),
                approves=lambda name: name == STACK,
            )
        )
        config = yaml.safe_load(environment.stack_file.read_text())["config"]
        config.pop("monitoring:hosts", None)
        dev.stack_file.write_text(yaml.safe_dump({"config": config}))
        made.commit({f"Pulumi.{STACK}.yaml": None})
        yield made


@contextmanager
def outside(repository: Repository, forwarded: str = "") -> Iterator[None]:
    """Steps run on a machine that cannot reach the stack's network; the test fails if one tries to.

    forwarded: an address whose port 3000 is forwarded by a machine that may connect to it (docs/pull-requests.md).
    """
    relay = Relay((forwarded, 3000)) if forwarded else None
    forwarding = (
        f"""
      chain forwarded {{
        type nat hook output priority -100;
        meta skgid {OUTSIDE} ip daddr {forwarded} tcp dport 3000 dnat ip to 127.0.0.1:{relay.port}
      }}"""
        if relay
        else ""
    )
    rules = f"""
    table inet {TABLE} {{
      counter tried {{}}{forwarding}
      chain output {{
        type filter hook output priority 0;
        meta skgid {OUTSIDE} ip daddr {PLACE.network} counter name tried drop
      }}
    }}
    """
    subprocess.run(["nft", "-f", "-"], input=rules, text=True, check=True)
    repository.runner.prefix = ("setpriv", f"--regid={OUTSIDE}", "--clear-groups")
    try:
        yield
        listed = subprocess.run(
            ["nft", "list", "counter", "inet", TABLE, "tried"], capture_output=True, text=True, check=True
        )
        assert re.search(r"packets 0 ", listed.stdout), f"a step tried to reach the stack: {listed.stdout}"
    finally:
        repository.runner.prefix = ()
        subprocess.run(["nft", "delete", "table", "inet", TABLE], check=True)
        if relay:
            relay.close()


class Relay:
    """Forwards connections from a port on the loopback to another address."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target, self._listener = target, socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                caller, _ = self._listener.accept()
                called = socket.create_connection(self._target)
                for one, other in ((caller, called), (called, caller)):
                    threading.Thread(target=self._pass_on, args=(one, other), daemon=True).start()

    @staticmethod
    def _pass_on(one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65_536):
                other.sendall(data)
            other.shutdown(socket.SHUT_WR)


def test_a_push_creates_a_stack(repository: Repository, dev: Environment) -> None:
    runs = repository.runner.run("deploy", repository.push({f"Pulumi.{STACK}.yaml": dev.stack_file.read_text()}))
    assert runs["plan"].result == "success", runs.written
    assert runs[STACK].result == "success", runs.written[-6000:]
    assert runs[STACK].environment == STACK
    assert dev.grafana.get("/api/health").status_code == 200
    assert leaks(parameters(dev), runs.written) == []


def test_two_runs_at_once_take_turns_and_change_nothing(repository: Repository) -> None:
    """Without their concurrency group, the first run's lock would make the second fail."""
    with ThreadPoolExecutor(2) as both:
        runs = list(both.map(lambda _: repository.runner.run("deploy", repository.by_hand()), range(2)))
    for each in runs:
        assert each[STACK].result == "success", each.written[-4000:]
        assert "unchanged" in each[STACK].log
        assert not re.search(r"[1-9]\d* (created|updated|replaced|deleted)", each[STACK].log), each[STACK].log


def test_a_preview_needs_neither_grafana_nor_ssh(repository: Repository, dev: Environment) -> None:
    event = repository.pull_request(repository.settings(STACK, retention="14d", alertThresholds={"cpu": 84}))
    with outside(repository):
        runs = repository.runner.run("pull-request", event)
    assert runs["preview"].result == "success", runs.written[-4000:]
    (said,) = repository.github.said(event.number)
    assert "Changes, but nothing is replaced or deleted" in said
    assert "RETENTION=14d" in said
    assert "RuleGroup" in said
    assert "2 run again" in said
    assert "does not exist yet" not in said
    assert leaks(parameters(dev), runs.written + said) == []


def test_a_preview_without_a_change_shows_nothing(repository: Repository) -> None:
    """It shows no differences although it runs in a different folder than the `up` did."""
    commented = (repository.folder / f"Pulumi.{STACK}.yaml").read_text() + "# Another line.\n"
    event = repository.pull_request({f"Pulumi.{STACK}.yaml": commented})
    with outside(repository):
        assert repository.runner.run("pull-request", event)["preview"].result == "success"
    (said,) = repository.github.said(event.number)
    assert "## No stack changes\n\n**dev**: nothing changes" in said, said


def test_drift_is_found_from_outside(repository: Repository, dev: Environment) -> None:
    dev.aws("ec2").create_tags(Resources=[dev.instance_id], Tags=[{"Key": "environment", "Value": "other"}])
    with outside(repository):
        looked = repository.runner.run("drift", repository.by_hand())
    assert looked.results == {"look": "success", "issue": "success"}, looked.written[-3000:]
    (issue,) = repository.github.open_issues()
    assert "- the server was changed." in issue["body"]
    assert issue["body"].count(" was changed.") == 1, issue["body"]


def test_an_up_from_outside_needs_only_one_forwarded_port(repository: Repository, dev: Environment) -> None:
    """A run of an earlier commit that was waiting for approval does not revert it afterwards."""
    old = repository.by_hand()
    later = repository.push(repository.settings(STACK, alertThresholds={"cpu": 84}))
    with outside(repository, forwarded=dev.address):
        done = repository.runner.run("deploy", later)
    assert done[STACK].result == "success", done.written[-4000:]
    assert re.search(r"[1-9]\d* updated", done[STACK].log)
    runs = repository.runner.run("deploy", old)
    assert runs[STACK].result == "failure"
    assert "dev already has a later commit" in runs[STACK].log


def test_destroy_leaves_nothing(repository: Repository, dev: Environment, before: dict[str, set[str]]) -> None:
    wrong = repository.runner.run("destroy", repository.by_hand(stack=STACK, again="prod"))
    assert wrong.results == {"asked": "failure", "destroy": "skipped"}
    runs = repository.runner.run("destroy", repository.by_hand(stack=STACK, again=STACK))
    assert runs.results == {"asked": "success", "destroy": "success"}, runs.written[-4000:]
    assert everything_in_aws(dev) == before
    assert eventually(lambda: not grafana_answers(dev))  # its machine is shut down in the background
