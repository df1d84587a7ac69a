"""When Pulumi's state and Grafana disagree, one line says so, and the commands in docs/recovery.md fix it."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from sandbox import stack
from tests.live.environment import CHECKOUT, Environment
from tests.live.services import grafana_request
from tests.live.stacks import tail, up, up_or_fail

pytestmark = pytest.mark.live

HEADING = "## When Grafana and Pulumi's state disagree"


def documented() -> str:
    """The commands in that section of docs/recovery.md."""
    section = (CHECKOUT / "docs" / "recovery.md").read_text().partition(HEADING)[2]
    found = re.search(r"```sh\n(.*?)```", section, re.S)
    assert found
    return found[1]


def forget(environment: Environment, folder: Path, *ends: str) -> None:
    """Remove resources from the state, as after an `up` that was killed before it recorded what it had created."""
    exported = json.loads(environment.pulumi("stack", "export").stdout)
    resources = exported["deployment"]["resources"]
    gone = {each["urn"] for each in resources if each["urn"].endswith(ends)}
    assert len(gone) == len(ends)
    kept = [each for each in resources if each["urn"] not in gone]
    for each in kept:
        for listed in (each.get("dependencies"), *(each.get("propertyDependencies") or {}).values()):
            if listed:
                listed[:] = [urn for urn in listed if urn not in gone]
    exported["deployment"]["resources"] = kept
    file = folder / "state.json"
    file.write_text(json.dumps(exported))
    done = environment.pulumi("stack", "import", "--file", str(file))
    assert done.returncode == 0, tail(done)


def test_differences_are_named_and_the_documented_commands_fix_them(environment: Environment, tmp_path: Path) -> None:
    """Grafana has what the state has lost track of, and lacks what somebody deleted by hand. What `up` says about each
    is tested in tests/sandbox/plugins/grafana/test_engine.py."""
    forget(environment, tmp_path, "ruleGroup:RuleGroup::alerts-hosts", "dataSource:DataSource::influxdb")
    deleted = "/api/v1/provisioning/folder/monitoring/rule-groups/EC2"
    assert grafana_request(environment.grafana, "DELETE", deleted).status_code == 204
    refused = up(environment)
    assert refused.returncode != 0
    printed = refused.stdout + refused.stderr
    assert "(409): data source with the same name already exists" in printed
    assert "Traceback" not in printed, tail(refused)
    assert environment.pulumi("refresh", "--yes", "--skip-preview").returncode == 0
    done = subprocess.run(
        ["bash", "-euc", documented()],
        cwd=stack.project_folder(environment.place),
        env=stack.environment(environment.place) | {"PULUMI_STACK": environment.name},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    printed = done.stdout + done.stderr
    assert done.returncode == 0, printed[-3000:]
    assert environment.outputs["grafanaAdminPassword"] not in printed
    assert environment.grafana.get(deleted).status_code == 200
    up_or_fail(environment, "--expect-no-changes")
