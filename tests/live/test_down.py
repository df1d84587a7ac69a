"""`pulumi destroy` removes every resource, and `make down` every trace."""

from __future__ import annotations

import json
import subprocess

import psutil
import pytest

from sandbox.cloud import ACCOUNT
from tests.live.agents import changed_hosts
from tests.live.environment import PLACE, Environment, sandbox
from tests.live.pending import everything_in_aws
from tests.live.stacks import destroy_or_fail, up_or_fail

pytestmark = [pytest.mark.live, pytest.mark.destroys]


def test_destroy_removes_every_resource_even_with_an_unreachable_host(environment: Environment) -> None:
    assert environment.machine_command("cut-network", "web-1").returncode == 0
    # With `unreachable`, nothing connects to the host any more, neither to change nor to remove its agent.
    with changed_hosts(environment, web_1={"unreachable": True, "tags": {}}):
        up_or_fail(environment)
    destroy_or_fail(environment)
    # The user is the operator; roles and bucket belong to the bootstrap, which outlives all stacks.
    left = {kind: {id_.rsplit("-", 1)[0] for id_ in ids} for kind, ids in everything_in_aws(environment).items() if ids}
    assert left == {
        "aws:iam/user:User": {"administrator"},
        "aws:iam/role:Role": {"monitoring"},
        "aws:iam/policy:Policy": {f"arn:aws:iam::{ACCOUNT}:policy/monitoring-{role}" for role in ("deploy", "preview")},
        "aws:s3/bucket:Bucket": {"monitoring-state"},
    }
    removed = environment.machine("db-1", "pgrep", "-x", "telegraf")
    assert (removed.stdout, removed.stderr) == ("", "")
    assert environment.machine("web-1", "pgrep", "-x", "telegraf").stdout != "", "its agent was removed"


def test_down_leaves_nothing_behind(environment: Environment) -> None:
    bridge, state = PLACE.bridge, str(PLACE.state)
    down = sandbox("down")
    assert down.returncode == 0, down.stdout + down.stderr
    said, done = down.stdout.index("This permanently deletes:"), down.stdout.index("Removing machines")
    assert said < done
    assert "db-1" in down.stdout[said:done]
    assert not PLACE.state.exists()
    links = json.loads(subprocess.run(["ip", "-json", "link"], capture_output=True, text=True, check=True).stdout)
    assert bridge not in [link["ifname"] for link in links]
    assert (
        bridge
        not in subprocess.run(["nft", "list", "tables"], capture_output=True, text=True, check=True).stdout.split()
    )
    assert state not in subprocess.run(["losetup", "-a"], capture_output=True, text=True, check=True).stdout
    with open("/proc/self/mountinfo") as mounts:  # noqa: PTH123
        assert state not in mounts.read()
    for process in psutil.process_iter(["cmdline", "environ"]):
        command = " ".join(process.info["cmdline"] or [])
        assert state not in command, command
