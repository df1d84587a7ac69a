"""The end: `pulumi destroy` removes every resource, `make down` every trace."""

from __future__ import annotations

import json
import subprocess

import psutil
import pytest

from tests.live.environment import PLACE, Environment, sandbox
from tests.live.test_4_stacks import leftovers

pytestmark = pytest.mark.live


def test_destroy_removes_every_resource(environment: Environment) -> None:
    destroyed = environment.pulumi("destroy", "--yes", "--skip-preview")
    assert destroyed.returncode == 0, destroyed.stdout[-3000:] + destroyed.stderr[-2000:]
    assert environment.resources() == []
    assert leftovers(environment) == {}


def test_down_leaves_nothing_behind(environment: Environment) -> None:
    bridge, state = PLACE.bridge, str(PLACE.state)
    down = sandbox("down")
    assert down.returncode == 0, down.stdout + down.stderr
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
