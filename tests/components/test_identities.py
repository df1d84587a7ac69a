"""The server's role, and the identity with which Grafana reads CloudWatch."""

from __future__ import annotations

import json
from typing import Any

import pytest

from program.policies import read_cloudwatch
from tests.components.conftest import Run, run_once, run_program, statements

ALLOWED: dict[str, list[str]] = {
    "cloudwatch": [
        *("DescribeAlarmsForMetric", "DescribeAlarmHistory", "DescribeAlarms"),
        *("ListMetrics", "GetMetricStatistics", "GetMetricData"),
    ],
    "ec2": ["DescribeTags", "DescribeInstances", "DescribeRegions"],
    "tag": ["GetResources"],
}
"""What Grafana may do, by service."""


def without_sids(document: str) -> list[dict[str, Any]]:
    """The statements of a policy, without their names."""
    return [{key: value for key, value in each.items() if key != "Sid"} for each in statements(document)]


def test_grafana_may_read_metrics_instances_and_tags_and_nothing_else() -> None:
    allowed: dict[str, list[str]] = {}
    for each in statements(read_cloudwatch()):
        assert set(each) == {"Sid", "Effect", "Action", "Resource"}
        assert (each["Effect"], each["Resource"]) == ("Allow", "*")
        for action in [each["Action"]] if isinstance(each["Action"], str) else each["Action"]:
            service, _, name = action.partition(":")
            allowed.setdefault(service, []).append(name)
    assert allowed == ALLOWED


def test_the_user_has_the_policy_through_its_group(prod: Run) -> None:
    assert prod.one("Policy", "cloudwatch")["policy"] == read_cloudwatch()
    attached, member = prod.one("GroupPolicyAttachment"), prod.one("UserGroupMembership")
    assert attached == {"group": "cloudwatch", "policyArn": "arn:aws:iam::111122223333:policy/cloudwatch"}
    assert member == {"user": "cloudwatch", "groups": ["cloudwatch"]}
    assert prod.one("AccessKey")["user"] == "cloudwatch"
    assert not prod.all("UserPolicy")
    assert not prod.all("UserPolicyAttachment")


def test_another_generation_is_another_access_key(prod: Run) -> None:
    second = run_program({"accessKeyGeneration": 2})
    assert [r.name for r in prod.all("AccessKey")] == ["cloudwatch-1"]
    assert [r.name for r in second.all("AccessKey")] == ["cloudwatch-2"]


def test_with_the_role_there_is_no_access_key() -> None:
    run = run_once({"cloudwatchAuth": "role"})
    assert not [r for kind in ("User", "AccessKey", "Group", "Policy") for r in run.all(kind)]
    assert run.one("RolePolicy", "cloudwatch-read")["policy"] == read_cloudwatch()
    datasource = run.one("DataSource", "cloudwatch")
    options = json.loads(datasource["jsonDataEncoded"])
    assert (options["authType"], options["profile"]) == ("credentials", "cloudwatch")
    assert "secureJsonDataEncoded" not in datasource
    assert run.outputs["cloudwatchAccessKeyId"] == ""


def test_the_role_that_reads_cloudwatch_cannot_read_the_stack_s_secrets() -> None:
    run = run_once({"cloudwatchAuth": "role"})
    assert {p.name: p.inputs["role"].removeprefix("Role-") for p in run.all("RolePolicy")} == {
        "server-parameters": "server",
        "backups": "server",
        "cloudwatch-read": "cloudwatch",
    }
    reader = {"AWS": "arn:aws:iam::111122223333:role/server"}
    assert statements(run.one("Role", "cloudwatch")["assumeRolePolicy"]) == [
        {"Effect": "Allow", "Principal": reader, "Action": "sts:AssumeRole"}
    ]


@pytest.mark.parametrize("auth", ["key", "role"])
def test_every_identity_has_the_permissions_boundary(auth: str) -> None:
    boundary = "arn:aws:iam::123456789012:policy/boundary"
    run = run_once({"cloudwatchAuth": auth, "permissionsBoundary": boundary})
    identities = [*run.all("Role"), *run.all("User")]
    assert len(identities) == 2
    assert [each.inputs.get("permissionsBoundary") for each in identities] == [boundary] * 2
    without = run_once({"cloudwatchAuth": auth})
    assert not [each for each in [*without.all("Role"), *without.all("User")] if "permissionsBoundary" in each.inputs]


def test_the_server_s_role_reads_its_own_parameters_and_nothing_else(prod: Run) -> None:
    own = "arn:aws:ssm:eu-central-1:111122223333:parameter/monitoring/prod.server"
    assert without_sids(prod.one("RolePolicy", "server-parameters")["policy"]) == [
        {"Effect": "Allow", "Action": "ssm:GetParametersByPath", "Resource": [own, f"{own}/state"]}
    ]


def test_only_ec2_may_assume_the_server_s_role(prod: Run) -> None:
    assert statements(prod.one("Role")["assumeRolePolicy"]) == [
        {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ]
