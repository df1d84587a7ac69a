"""`pulumi up` killed at one stage after another and run again; then destroyed with Grafana and a host dead."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox import hosts, stack
from sandbox.machines import on_premise
from sandbox.machines.guest import ON_PREMISE_USER
from tests.live.environment import PLACE, Environment
from tests.live.interrupting import interrupt_at
from tests.live.pending import inventory, recover, there, unknown
from tests.live.second import ending, stack_named, up
from tests.support.waiting import eventually

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
"""Lines of the CLI, in the order in which they come in one `up`; each kills one."""


@pytest.fixture(scope="module")
def host(environment: Environment) -> Iterator[dict[str, Any]]:
    """A machine for an agent, as the setting `hosts` has it, including the private key."""
    declared = on_premise.declared(PLACE)
    address = PLACE.on_premise_addresses[len(hosts.HOSTS) + 1]
    on_premise.declare(PLACE, [*declared, on_premise.Host(FRESH, address)])
    folder = PLACE.state / "machines" / FRESH
    assert eventually(lambda: (folder / "host_key.pub").exists() and (folder / "user_key").exists())
    public = " ".join((folder / "host_key.pub").read_text().split()[:2])
    yield {"name": FRESH, "address": str(address), "user": ON_PREMISE_USER, "hostKey": public}
    on_premise.declare(PLACE, declared)
    assert eventually(lambda: not folder.exists())


@pytest.fixture(scope="module")
def victim(host: dict[str, Any], before: dict[str, set[str]]) -> Iterator[Environment]:
    with stack_named("killed", hosts=[host]) as made:
        key = (PLACE.state / "machines" / FRESH / "user_key").read_text()
        path = f"{stack.HOSTS_KEY}[0].privateKey"
        stack.pulumi(PLACE, "config", "set", "--secret", "--path", path, "--stack", made.name, quiet=True, stdin=key)
        yield made


def kill_up_at(environment: Environment, line: str) -> None:
    """Run `pulumi up` and kill it, and all it has started, as soon as it prints the line."""
    command = ["pulumi", "up", "--yes", "--skip-preview", "--stack", environment.name]
    settings = stack.environment(PLACE)
    _, printed = interrupt_at(line, signal.SIGKILL, command, cwd=stack.project_folder(PLACE), env=settings)
    environment.transcript.append(printed)


@pytest.mark.parametrize("stage", STAGES)
def test_a_killed_up_can_be_repeated_at_any_stage(victim: Environment, before: dict[str, set[str]], stage: str) -> None:
    kill_up_at(victim, STAGES[stage])
    open_ = recover(victim, before)
    print(f"killed at {stage!r}:", *(open_ or ["nothing was open"]), sep="\n  ")
    assert unknown(victim, before) == {}, "there, and Pulumi does not know"


def test_in_the_end_everything_is_there_once(victim: Environment, before: dict[str, set[str]]) -> None:
    done = up(victim)
    assert done.returncode == 0, ending(done)
    again = up(victim, "--expect-no-changes")
    assert again.returncode == 0, ending(again)
    assert unknown(victim, before) == {}
    for kind, ids in inventory(victim).items():
        known = [each["id"] for each in victim.resources() if each["type"] == kind]
        assert sorted(ids - before[kind]) == sorted(known), kind
    refreshed = victim.pulumi("refresh", "--yes", "--skip-preview", "--expect-no-changes")
    assert refreshed.returncode == 0, ending(refreshed)


def test_destroy_with_grafana_and_a_host_dead_says_which_host_and_one_value_lets_it_go(
    victim: Environment, host: dict[str, Any], before: dict[str, set[str]]
) -> None:
    assert victim.guest("systemctl", "kill", "--signal", "STOP", "grafana-server").returncode == 0
    assert victim.handle("cut-network", FRESH).returncode == 0
    failed = victim.pulumi("destroy", "--yes", "--skip-preview")
    assert failed.returncode != 0
    diagnostics = failed.stdout.partition("Diagnostics:")[2]
    errors = [line for line in diagnostics.splitlines() if "error:" in line and "update failed" not in line]
    assert len(errors) == 1, diagnostics
    assert f"command:remote:Command ({FRESH})" in diagnostics
    assert "dial tcp" in errors[0]
    assert any(each["type"] == "aws:ec2/instance:Instance" for each in victim.resources())

    (configured,) = victim.setting("hosts")
    victim.configure(hosts=[configured | {"unreachable": True}])
    assert victim.guest("systemctl", "kill", "--signal", "CONT", "grafana-server").returncode == 0
    # Only of this resource: what is deleted with the data volume (`deleted_with`) is no longer in the state,
    # but still in Grafana, which would refuse duplicates.
    done = up(victim, "--target", f"**:Command::{FRESH}")
    assert done.returncode == 0, ending(done)
    assert victim.guest("systemctl", "mask", "--runtime", "--now", "grafana-server").returncode == 0
    destroyed = victim.pulumi("destroy", "--yes", "--skip-preview")
    assert destroyed.returncode == 0, ending(destroyed)
    assert victim.resources() == []
    assert there(victim) == before
