"""Two accounts: each has its own resources, and some users of one may assume a role of the other."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from sandbox.cloud import ACCOUNT, ANOTHER_ACCOUNT
from tests.sandbox.cloud.conftest import CLOUDWATCH, Cloud, Key, allow, assume, policy, refusal

DENIED = (403, "AccessDenied")


@pytest.fixture(scope="module")
def other(aws: Cloud) -> Key:
    """The other account's administrator."""
    return aws.administrator(ANOTHER_ACCOUNT)


def arn_of(aws: Cloud, key: Key) -> str:
    return str(aws.client("sts", key).get_caller_identity()["Arn"])


def role_in_other(aws: Cloud, other: Key, principal: str, external_id: str = "") -> str:
    """A role of the other account that reads CloudWatch."""
    iam, name = aws.client("iam", other), f"role-{uuid.uuid4()}"
    condition = {"Condition": {"StringEquals": {"sts:ExternalId": external_id}}} if external_id else {}
    trust: dict[str, Any] = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"}
    made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trust | condition))
    iam.put_role_policy(RoleName=name, PolicyName="test", PolicyDocument=policy(CLOUDWATCH))
    return str(made["Role"]["Arn"])


def test_each_account_has_its_own_resources(aws: Cloud, other: Key) -> None:
    assert arn_of(aws, other) == f"arn:aws:iam::{ANOTHER_ACCOUNT}:user/administrator"
    request = {"ImageId": aws.image(), "InstanceType": "t3.small", "MinCount": 1, "MaxCount": 1}
    made = aws.client("ec2", other).run_instances(**request)
    instance = made["Instances"][0]["InstanceId"]
    seen = [each["Instances"] for each in aws.client("ec2").describe_instances()["Reservations"]]
    assert instance not in json.dumps(seen, default=str)
    data = [{"MetricName": "other", "Value": 1.0}]
    aws.client("cloudwatch", other).put_metric_data(Namespace="accounts", MetricData=data)
    assert aws.client("cloudwatch", other).list_metrics(Namespace="accounts")["Metrics"]
    assert not aws.client("cloudwatch").list_metrics(Namespace="accounts")["Metrics"]


def test_services_of_one_account_are_refused_to_the_other(aws: Cloud, other: Key) -> None:
    assert refusal(aws.client("ssm", other).describe_parameters) == (501, "NotImplemented")
    assert refusal(aws.client("s3", other).list_buckets) == (501, "NotImplemented")


def test_assuming_a_role_of_another_account_needs_both_sides(aws: Cloud, other: Key) -> None:
    """Within an account, the role's trust policy is enough (test_access.py)."""
    nobody, named = aws.user(), {"RoleSessionName": "test"}
    role = role_in_other(aws, other, arn_of(aws, nobody))
    assert refusal(aws.client("sts", nobody).assume_role, RoleArn=role, **named) == DENIED
    allowed = aws.user(allow("sts:AssumeRole", resource=role))
    assert refusal(aws.client("sts", allowed).assume_role, RoleArn=role, **named) == DENIED
    trusted = role_in_other(aws, other, ACCOUNT)
    assert refusal(aws.client("sts", allowed).assume_role, RoleArn=trusted, **named) == DENIED
    both = aws.user(allow("sts:AssumeRole", resource=trusted))
    session = assume(aws, both, trusted)
    assert arn_of(aws, session).startswith(f"arn:aws:sts::{ANOTHER_ACCOUNT}:assumed-role/")
    data = [{"MetricName": "seen", "Value": 1.0}]
    aws.client("cloudwatch", other).put_metric_data(Namespace="both", MetricData=data)
    assert aws.client("cloudwatch", session).list_metrics(Namespace="both")["Metrics"]
    assert refusal(aws.client("ec2", session).describe_instances) == (403, "UnauthorizedOperation")


def test_an_external_id_must_match_the_role_s(aws: Cloud, other: Key) -> None:
    key = aws.user(allow("sts:AssumeRole"))
    role = role_in_other(aws, other, arn_of(aws, key), "their/id-1")
    sts = aws.client("sts", key)
    assert refusal(sts.assume_role, RoleArn=role, RoleSessionName="test") == DENIED
    assert refusal(sts.assume_role, RoleArn=role, RoleSessionName="test", ExternalId="another") == DENIED
    aws.client("cloudwatch", assume(aws, key, role, ExternalId="their/id-1")).list_metrics()


def test_a_role_cannot_trust_a_missing_user_or_role(aws: Cloud, other: Key) -> None:
    iam = aws.client("iam", other)
    for kind in ("user", "role"):
        arn = f"arn:aws:iam::{ACCOUNT}:{kind}/missing"
        trust = policy({"Effect": "Allow", "Principal": {"AWS": arn}, "Action": "sts:AssumeRole"})
        refused = refusal(iam.create_role, RoleName="trusting", AssumeRolePolicyDocument=trust)
        assert refused == (400, "MalformedPolicyDocument")
