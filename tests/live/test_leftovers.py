"""Where Pulumi's state and Grafana disagree: one line says so, and docs/recovery.md's commands put it right."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
import requests

from sandbox import stack
from tests.live.environment import CHECKOUT, Environment
from tests.live.second import ending, up

pytestmark = pytest.mark.live

HEADING = "## When Grafana and Pulumi's state disagree"


def documented() -> str:
    """The commands of the page's section."""
    section = (CHECKOUT / "docs" / "recovery.md").read_text().partition(HEADING)[2]
    found = re.search(r"```sh\n(.*?)```", section, re.S)
    assert found
    return found[1]


def forget(environment: Environment, folder: Path, *ends: str) -> None:
    """Take resources out of the state, as after an `up` that was killed before it wrote down what it had made."""
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
    assert done.returncode == 0, ending(done)


def test_leftovers_are_named_and_the_documented_commands_clear_them(environment: Environment, tmp_path: Path) -> None:
    forget(environment, tmp_path, "ruleGroup:RuleGroup::alerts-hosts", "dataSource:DataSource::influxdb")
    refused = up(environment)
    assert refused.returncode != 0
    printed = refused.stdout + refused.stderr
    assert "(409): data source with the same name already exists" in printed
    assert "Traceback" not in printed, ending(refused)
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
    again = up(environment, "--expect-no-changes")
    assert again.returncode == 0, ending(again)


def test_a_rule_group_that_somebody_deleted_needs_a_refresh(environment: Environment) -> None:
    path = "/api/v1/provisioning/folder/monitoring/rule-groups/EC2"
    grafana = environment.grafana
    gone = requests.delete(
        grafana.url + path, auth=(grafana.user, grafana.password), verify=str(grafana.ca_file), timeout=20
    )
    assert gone.status_code == 204
    refused = up(environment, "--replace", "**ruleGroup:RuleGroup::alerts-ec2")
    assert refused.returncode != 0
    assert "(404): NotFound" in refused.stdout
    assert "Traceback" not in refused.stdout + refused.stderr, ending(refused)
    assert environment.pulumi("refresh", "--yes", "--skip-preview").returncode == 0
    again = up(environment)
    assert again.returncode == 0, ending(again)
    assert grafana.get(path).status_code == 200
