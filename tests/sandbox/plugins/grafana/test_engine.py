"""The stand-in with the real engine, when Pulumi's state and Grafana disagree: what the user reads, and that the steps
in docs/recovery.md fix it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sandbox.grafana.support import Authority, Grafana, running
from tests.sandbox.plugins.engine import Stack

pytestmark = pytest.mark.slow

PROGRAM = Path(__file__).with_name("program")
GROUP = "/api/v1/provisioning/folder/monitoring/rule-groups/Hosts"


@pytest.fixture(scope="module")
def own_grafana(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Grafana]:
    with running(tmp_path_factory.mktemp("grafana"), authority) as instance:
        yield instance


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, own_grafana: Grafana) -> Stack:
    """The stack, after an up."""
    made = Stack.make(tmp_path_factory.mktemp("stack"), PROGRAM)
    made.configure(url=own_grafana.url, auth=f"{own_grafana.user}:{own_grafana.password}", ca=str(own_grafana.ca))
    made.up()
    return made


def urn(stack: Stack, kind: str) -> str:
    found = re.search(rf"urn:pulumi:\S+{kind}\S*", stack.run("stack", "--show-urns"))
    assert found
    return found[0]


def errors(output: str) -> list[str]:
    """The lines with Pulumi's errors. A traceback fails the test."""
    assert "Traceback" not in output, output
    return [line.strip() for line in output.splitlines() if "error:" in line]


def test_a_manually_deleted_rule_group_is_an_error_until_a_refresh(stack: Stack, own_grafana: Grafana) -> None:
    assert own_grafana.call("DELETE", GROUP).status_code == 204
    stack.configure(rules=False)
    failed = errors(stack.up(fails=True))
    assert any(
        "GET /api/v1/provisioning/folder/monitoring/rule-groups/Hosts (404): NotFound" in each for each in failed
    )
    stack.run("refresh", "--yes", "--skip-preview")
    assert errors(stack.up()) == []
    stack.configure(rules=True)
    assert stack.operations(stack.up())["created"] == 1


def test_resources_missing_from_the_state_must_be_deleted_first(stack: Stack, own_grafana: Grafana) -> None:
    stack.run("state", "delete", "--yes", "--force", urn(stack, "ruleGroup:RuleGroup"))
    stack.run("state", "delete", "--yes", "--force", urn(stack, "dataSource:DataSource"))
    failed = errors(stack.up(fails=True))
    assert any("(409): data source with the same name already exists" in each for each in failed)
    assert own_grafana.call("DELETE", "/api/datasources/uid/influxdb").status_code == 200
    failed = errors(stack.up(fails=True))
    assert any("rule group with name 'Hosts' already exists" in each for each in failed)
    assert own_grafana.call("DELETE", GROUP).status_code == 204
    assert errors(stack.up()) == []
    assert errors(stack.up("--expect-no-changes")) == []
