"""How policies are evaluated, without a server."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.cloud.conditions import UnknownConditionError, matches
from sandbox.cloud.permission import Permission
from sandbox.cloud.policies import Verdict, judge, trust


def verdict(*statements: dict[str, Any], action: str = "ec2:RunInstances", resource: str = "*", **context: str) -> Any:
    found = {key.replace("_", ":"): value for key, value in context.items()}
    return judge([{"Statement": list(statements)}], Permission(action, resource, found))


def statement(**more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "ec2:*", "Resource": "*", **more}


def test_wildcards_and_case() -> None:
    assert matches("arn:aws:ssm:*:1:parameter/a/?", "arn:aws:ssm:eu-central-1:1:parameter/a/b")
    assert not matches("parameter/a.c", "parameter/abc")
    assert verdict(statement(Action="EC2:runinstances")) is Verdict.ALLOWED
    assert verdict(statement(Resource="arn:A"), resource="arn:a") is Verdict.SILENT


def test_inverted_elements() -> None:
    everything_else = {"Effect": "Deny", "NotAction": "iam:*", "Resource": "*"}
    assert verdict(statement(), everything_else) is Verdict.DENIED
    assert verdict(everything_else, action="iam:ListUsers") is Verdict.SILENT
    elsewhere = {"Effect": "Allow", "Action": "*", "NotResource": "arn:a*"}
    assert verdict(elsewhere, resource="arn:b") is Verdict.ALLOWED
    assert verdict(elsewhere, resource="arn:ab") is Verdict.SILENT


def test_a_single_statement_needs_no_list() -> None:
    assert judge([{"Statement": statement()}], Permission("ec2:A", "*")) is Verdict.ALLOWED


@pytest.mark.parametrize(
    ("condition", "context", "met"),
    [
        ({"StringEquals": {"aws:RequestedRegion": ["a", "b"]}}, {"aws_requestedregion": "b"}, True),
        ({"StringNotEquals": {"aws:RequestedRegion": ["a", "b"]}}, {"aws_RequestedRegion": "b"}, False),
        ({"StringLike": {"aws:username": "mon*"}}, {"aws_username": "monitoring"}, True),
        ({"StringEquals": {"aws:username": "a"}}, {}, False),
        ({"StringEqualsIfExists": {"aws:username": "a"}}, {}, True),
        ({"StringNotEquals": {"aws:username": "a"}}, {}, True),
        ({"Null": {"aws:username": "true"}}, {}, True),
        ({"Bool": {"aws:SecureTransport": False}}, {"aws_SecureTransport": "false"}, True),
        ({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, {"aws_SourceIp": "10.1.2.3"}, True),
        ({"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, {"aws_SourceIp": "10.1.2.3"}, False),
        ({"NumericLessThan": {"aws:EpochTime": "10"}}, {"aws_EpochTime": "9"}, True),
        ({"DateGreaterThan": {"aws:CurrentTime": "2026-01-01T00:00:00Z"}}, {"aws_CurrentTime": "2025"}, False),
        ({"StringEquals": {"aws:username": "${aws:username}"}}, {"aws_username": "a"}, True),
    ],
)
def test_conditions(condition: dict[str, Any], context: dict[str, str], met: bool) -> None:
    assert verdict(statement(Condition=condition), **context) is (Verdict.ALLOWED if met else Verdict.SILENT)


@pytest.mark.parametrize(
    "condition",
    [{"StringEquals": {"ec2:InstanceType": "t3.small"}}, {"ForAllValues:StringEquals": {"aws:userid": "a"}}],
)
def test_unknown_keys_and_operators_are_errors(condition: dict[str, Any]) -> None:
    with pytest.raises(UnknownConditionError):
        verdict(statement(Condition=condition), aws_userid="a")


def test_variables_in_resources() -> None:
    own = statement(Resource="arn:user/${aws:username}")
    assert verdict(own, resource="arn:user/me", aws_username="me") is Verdict.ALLOWED
    assert verdict(own, resource="arn:user/me") is Verdict.SILENT


def test_trust_policies_distinguish_services_from_accounts() -> None:
    document = {
        "Statement": [{"Effect": "Allow", "Principal": {"Service": ["ec2.amazonaws.com"]}, "Action": "sts:AssumeRole"}]
    }
    permission = Permission("sts:AssumeRole", "arn")
    assert trust(document, {"Service": frozenset({"ec2.amazonaws.com"})}, permission) is Verdict.ALLOWED
    assert trust(document, {"Service": frozenset({"lambda.amazonaws.com"})}, permission) is Verdict.SILENT
    assert trust(document, {"AWS": frozenset({"ec2.amazonaws.com"})}, permission) is Verdict.SILENT
