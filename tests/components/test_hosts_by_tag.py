"""Hosts chosen by a tag (`hostsByTag`): the association, its document, and what the hosts' roles may read."""

from __future__ import annotations

import json
import re
from typing import Any

import pulumi
import pytest

from components.tagged_hosts import LONGEST, run_document
from tests.components.conftest import Run, run_once, statements
from tests.components.examples import ELSEWHERE

TAG = {"Monitoring": "on"}
PASSWORD = "password-of-influxdb-telegraf"


@pytest.fixture(scope="module")
def run() -> Run:
    return run_once({"hostsByTag": TAG})


def document(run: Run) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(run.one("Document")["content"])
    return content


def users_in_use(**changes: Any) -> str:
    return str(run_once(changes).one("Parameter", "influxdb-users-in-use")["insecureValue"])


def test_without_the_setting_nothing_is_made(prod: Run) -> None:
    assert prod.all("Document") == prod.all("Association") == []
    assert (prod.outputs["hostsByTagPolicy"], prod.outputs["hostsByTagAssociation"]) == ("", "")


def test_the_association_covers_every_instance_with_the_tag(run: Run) -> None:
    association = run.one("Association")
    assert association["targets"] == [{"key": "tag:Monitoring", "values": ["on"]}]
    assert association["parameters"] == {"action": "install"}
    assert association["scheduleExpression"] == "rate(30 minutes)"
    # However many fail, the others go on.
    assert association["maxErrors"] == "100%"
    assert "applyOnlyAtCronInterval" not in association


def test_the_association_can_remove_the_agents() -> None:
    run = run_once({"hostsByTag": TAG, "hostsByTagRemove": True})
    assert run.one("Association")["parameters"] == {"action": "remove"}


def test_the_document_runs_the_installer_and_holds_no_secret(run: Run) -> None:
    content = document(run)
    (step,) = content["mainSteps"]
    (script,) = step["inputs"]["runCommand"]
    assert script.startswith("#!/bin/bash\n"), (
        "Systems Manager runs it with `sh -c`: the first line names its interpreter"
    )
    assert content["parameters"]["action"]["allowedValues"] == ["install", "remove"]
    assert script.count("{{") == script.count("{{ action }}") == 1
    assert PASSWORD not in json.dumps(content)
    (made,) = run.all("Document")
    assert made.secret == frozenset(), "a preview would not show a secret document"
    assert "the-ca" in script


def test_the_document_has_only_elements_that_systems_manager_knows(run: Run) -> None:
    """docs.aws.amazon.com/systems-manager/latest/userguide/documents-syntax-data-elements-parameters.html"""
    content = document(run)
    assert set(content) == {"schemaVersion", "description", "parameters", "mainSteps"}
    assert content["schemaVersion"] == "2.2"
    (parameter,) = content["parameters"].values()
    assert set(parameter) == {"type", "description", "default", "allowedValues"}
    assert (parameter["type"], parameter["default"]) == ("String", "install")
    (step,) = content["mainSteps"]
    assert set(step) == {"action", "name", "precondition", "inputs"}
    assert step["action"] == "aws:runShellScript"
    assert step["precondition"] == {"StringEquals": ["platformType", "Linux"]}
    # The plugin takes the seconds as a string, up to 48 hours.
    assert set(step["inputs"]) == {"timeoutSeconds", "runCommand"}
    assert 600 <= int(step["inputs"]["timeoutSeconds"]) <= 172_800


def test_no_more_hosts_run_at_once_than_the_parameter_store_can_serve(run: Run) -> None:
    association = run.one("Association")
    assert re.fullmatch(r"[1-9][0-9]*", association["maxConcurrency"])
    assert int(association["maxConcurrency"]) <= 50


def test_a_host_s_role_may_read_the_passwords_and_nothing_else(run: Run) -> None:
    (statement,) = statements(run.outputs["hostsByTagPolicy"])
    folder = "/monitoring/prod.server"
    name = f"{folder}/influxdb-telegraf-password"
    assert set(statement) == {"Sid", "Effect", "Action", "Resource"}
    assert (statement["Effect"], statement["Action"]) == ("Allow", "ssm:GetParameter")
    assert re.fullmatch(r"[A-Za-z0-9]+", statement["Sid"])
    arn = f"arn:aws:ssm:eu-central-1:111122223333:parameter{folder}"
    # The second one exists only while the stack moves, but then no role has to be changed.
    assert statement["Resource"] == [f"{arn}/influxdb-telegraf-password", f"{arn}/influxdb-other-password"]
    assert not run.secrets["hostsByTagPolicy"]
    parameter = run.one("Parameter", "influxdb-telegraf-password")
    assert (parameter["name"], parameter["value"]) == (name, PASSWORD)
    assert name in document(run)["mainSteps"][0]["inputs"]["runCommand"][0]


def installer(run: Run) -> str:
    return str(document(run)["mainSteps"][0]["inputs"]["runCommand"][0])


@pytest.mark.parametrize("own", ["shown", "kept"])
def test_while_a_stack_moves_hosts_read_a_password_for_each_influxdb(own: str) -> None:
    run = run_once({"hostsByTag": TAG, "influxdb": ELSEWHERE | {"own": own}}, secret=("influxdb",))
    other = run.one("Parameter", "influxdb-other-password")
    assert other["value"] == ELSEWHERE["password"]
    assert re.search(rf"^ *other=\$\(aws parameter \S+ \S+ '?{other['name']}'?\) ", installer(run), re.MULTILINE)
    assert ELSEWHERE["password"] not in json.dumps(document(run))
    assert "influxdb-other-password" in statements(run.outputs["hostsByTagPolicy"])[0]["Resource"][1]


def test_otherwise_hosts_read_one_password() -> None:
    for changes in ({}, {"database": {"kind": "timestream", "own": "shown"}}):
        assert "influxdb-other-password" not in installer(run_once({"hostsByTag": TAG, **changes}))


def test_the_association_waits_for_the_parameters(run: Run) -> None:
    options = run.options["aws:ssm/association:Association", "tagged"]
    assert ("aws:ssm/parameter:Parameter", "parameters-revision") in options.after


def test_a_changed_installer_replaces_the_document(run: Run) -> None:
    """AWS refuses the content of an earlier version, so a setting could not be changed back."""
    assert run.options["aws:ssm/document:Document", "monitoring-agent"].replaced_by == {"content"}
    assert "documentVersion" not in run.one("Association")


def test_the_previous_write_user_stays_as_nothing_waits_for_these_hosts() -> None:
    assert users_in_use(passwordGeneration="2") == "telegraf-2 grafana-2"
    assert users_in_use(hostsByTag=TAG) == "telegraf grafana"
    assert users_in_use(passwordGeneration="2", hostsByTag=TAG) == "telegraf-2 grafana-2 telegraf"
    assert users_in_use(passwordGeneration="3", hostsByTag=TAG) == "telegraf-3 grafana-3 telegraf-2"


def test_a_document_too_long_for_systems_manager_is_refused() -> None:
    assert len(run_document("x" * 60_000).encode()) <= LONGEST
    with pytest.raises(pulumi.RunError, match="monitoring:hostsByTag: the installer has"):
        run_document("x" * LONGEST)
