"""`pulumi up` is killed at one stage after another and repeated; then the stack is destroyed while Grafana and a host
are down."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from sandbox import hosts, stack
from sandbox.machines.guest import ON_PREMISE_USER
from tests.live.environment import PLACE, Environment
from tests.live.interrupting import interrupt_at
from tests.live.on_premise_host import OnPremiseHost, on_premise_host
from tests.live.pending import everything_in_aws, inventory, recover, untracked
from tests.live.stacks import destroy_or_fail, diagnosed_errors, refresh_or_fail, stack_named, up_or_fail

pytestmark = [pytest.mark.live, pytest.mark.long_fault]

FRESH = "fresh-2"
STAGES = {
    "identities": r"aws:iam:\w+ \S+ created",
    "parameters": r"aws:ssm:Parameter \S+ created",
    "the server begins": r"aws:ec2:Instance \S+ creating",
    "the server is there": r"aws:ec2:Instance \S+ created",
    "it boots": r"command:local:Command ready creating",
    "Grafana's content": r"grafana:\S+ \S+ created",
    "an agent": rf"command:remote:Command {FRESH} creating",
}
"""Lines that the CLI prints, in the order of one `up`; each test kills an `up` at one of them."""


@pytest.fixture(scope="module")
def host(environment: Environment) -> Iterator[OnPremiseHost]:
    """A machine for the stack's agent."""
    with on_premise_host(FRESH, len(hosts.HOSTS) + 1) as made:
        yield made


@pytest.fixture(scope="module")
def victim(host: OnPremiseHost, before: dict[str, set[str]]) -> Iterator[Environment]:
    """The stack whose `up` is killed, not yet up."""
    setting = {"name": FRESH, "address": host.address, "user": ON_PREMISE_USER, "hostKey": host.host_key}
    with stack_named("killed", hosts=[setting]) as made:
        key, path = host.user_key.read_text(), f"{stack.HOSTS_KEY}[0].privateKey"
        stack.pulumi(PLACE, "config", "set", "--secret", "--path", path, "--stack", made.name, quiet=True, stdin=key)
        yield made


def kill_up_at(environment: Environment, line: str) -> None:
    """Run `pulumi up`, and kill it and everything it has started as soon as it prints the line."""
    command = ["pulumi", "up", "--yes", "--skip-preview", "--stack", environment.name]
    settings = stack.environment(PLACE)
    _, printed = interrupt_at(line, signal.SIGKILL, command, cwd=stack.project_folder(PLACE), env=settings)
    environment.transcript.append(printed)


@pytest.mark.parametrize("stage", STAGES)
def test_a_killed_up_can_be_repeated_at_any_stage(victim: Environment, before: dict[str, set[str]], stage: str) -> None:
    kill_up_at(victim, STAGES[stage])
    open_ = recover(victim, before)
    print(f"killed at {stage!r}:", *(open_ or ["nothing was open"]), sep="\n  ")
    assert untracked(victim, before) == {}, "Pulumi does not know what it created"


def test_afterwards_everything_exists_exactly_once(victim: Environment, before: dict[str, set[str]]) -> None:
    up_or_fail(victim)
    up_or_fail(victim, "--expect-no-changes")
    assert untracked(victim, before) == {}
    for kind, ids in inventory(victim).items():
        known = [each["id"] for each in victim.resources() if each["type"] == kind]
        assert sorted(ids - before[kind]) == sorted(known), kind
    refresh_or_fail(victim, "--expect-no-changes")


def test_destroy_names_an_unreachable_host_and_succeeds_once_it_is_marked_so(
    victim: Environment, before: dict[str, set[str]]
) -> None:
    assert victim.guest("systemctl", "kill", "--signal", "STOP", "grafana-server").returncode == 0
    assert victim.machine_command("cut-network", FRESH).returncode == 0
    failed = victim.pulumi("destroy", "--yes", "--skip-preview")
    assert failed.returncode != 0
    diagnostics = failed.stdout.partition("Diagnostics:")[2]
    (error,) = diagnosed_errors(failed.stdout)
    assert f"command:remote:Command ({FRESH})" in diagnostics
    assert "dial tcp" in error
    assert any(each["type"] == "aws:ec2/instance:Instance" for each in victim.resources())

    (configured,) = victim.setting("hosts")
    victim.configure(hosts=[configured | {"unreachable": True}])
    assert victim.guest("systemctl", "kill", "--signal", "CONT", "grafana-server").returncode == 0
    # An `up` of this resource only: what is deleted with the data volume (`deleted_with`) is no longer in the state but
    # still in Grafana, which would refuse duplicates.
    up_or_fail(victim, "--target", f"**:Command::{FRESH}")
    assert victim.guest("systemctl", "mask", "--runtime", "--now", "grafana-server").returncode == 0
    destroy_or_fail(victim)
    assert everything_in_aws(victim) == before
