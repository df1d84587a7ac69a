"""Access control: keys, signatures, sessions, policies."""

from __future__ import annotations

import json
import re
import uuid
from typing import Any

import pytest
import requests

from sandbox.cloud import ACCOUNT
from tests.sandbox.cloud.conftest import CLOUDWATCH, Cloud, Key, allow, assume, policy, refusal


def trusting(**principal: str) -> str:
    return json.dumps({"Statement": [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}]})


def make_role(aws: Cloud, trust: str, *statements: dict[str, Any]) -> str:
    iam, name = aws.client("iam"), f"role-{uuid.uuid4()}"
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    if statements:
        iam.put_role_policy(RoleName=name, PolicyName="test", PolicyDocument=policy(*statements))
    return arn


def test_only_its_owner_can_read_the_administrator_s_key(aws: Cloud) -> None:
    assert (aws.place.state / "cloud" / "admin.json").stat().st_mode & 0o777 == 0o600
    arn = aws.client("sts").get_caller_identity()["Arn"]
    assert arn == f"arn:aws:iam::{ACCOUNT}:user/administrator"


QUERY = ((403, "InvalidClientTokenId"), (403, "SignatureDoesNotMatch"), (403, "AccessDenied"))
JSON = ((400, "UnrecognizedClientException"), (400, "InvalidSignatureException"), (400, "AccessDeniedException"))
EC2 = ((401, "AuthFailure"), (401, "AuthFailure"), (403, "UnauthorizedOperation"))


@pytest.mark.parametrize(
    ("service", "call", "expected"),
    [
        ("ec2", "describe_instances", EC2),
        ("iam", "list_users", QUERY),
        ("cloudwatch", "list_metrics", QUERY),
        ("ssm", "describe_parameters", JSON),
        ("resourcegroupstaggingapi", "get_resources", JSON),
    ],
)
def test_each_service_refuses_with_its_own_errors(
    aws: Cloud, service: str, call: str, expected: tuple[tuple[int, str], ...]
) -> None:
    key = aws.user()
    keys = (Key("AKIA" + "X" * 16, "x" * 40), Key(key.id, "x" * 40), key)
    assert tuple(refusal(getattr(aws.client(service, each), call)) for each in keys) == expected


def test_anyone_with_a_key_may_ask_who_they_are(aws: Cloud) -> None:
    key = aws.user({"Effect": "Deny", "Action": "*", "Resource": "*"})
    assert ":user/user-" in aws.client("sts", key).get_caller_identity()["Arn"]


def test_inactive_and_deleted_keys_are_refused(aws: Cloud) -> None:
    key, iam = aws.user(CLOUDWATCH), aws.client("iam")
    cloudwatch = aws.client("cloudwatch", key)
    name = aws.client("sts", key).get_caller_identity()["Arn"].rpartition("/")[2]
    cloudwatch.list_metrics()
    iam.update_access_key(UserName=name, AccessKeyId=key.id, Status="Inactive")
    assert refusal(cloudwatch.list_metrics) == (403, "InvalidClientTokenId")
    iam.update_access_key(UserName=name, AccessKeyId=key.id, Status="Active")
    cloudwatch.list_metrics()
    iam.delete_access_key(UserName=name, AccessKeyId=key.id)
    assert refusal(cloudwatch.list_metrics) == (403, "InvalidClientTokenId")


def test_actions_have_the_prefixes_of_policies(aws: Cloud) -> None:
    key = aws.user(CLOUDWATCH, allow("tag:GetResources"))
    aws.client("cloudwatch", key).list_metrics()
    aws.client("resourcegroupstaggingapi", key).get_resources()
    assert refusal(aws.client("cloudwatch", key).describe_alarms) == (403, "AccessDenied")


def test_groups_policies_apply_and_an_explicit_deny_wins(aws: Cloud) -> None:
    iam, key = aws.client("iam"), aws.user()
    name = aws.client("sts", key).get_caller_identity()["Arn"].rpartition("/")[2]
    group = f"group-{uuid.uuid4()}"
    iam.create_group(GroupName=group)
    arn = iam.create_policy(PolicyName=group, PolicyDocument=policy(CLOUDWATCH))["Policy"]["Arn"]
    iam.attach_group_policy(GroupName=group, PolicyArn=arn)
    iam.add_user_to_group(GroupName=group, UserName=name)
    aws.client("cloudwatch", key).list_metrics()
    deny = {"Effect": "Deny", "Action": "cloudwatch:List*", "Resource": "*"}
    iam.put_user_policy(UserName=name, PolicyName="no", PolicyDocument=policy(deny))
    assert refusal(aws.client("cloudwatch", key).list_metrics) == (403, "AccessDenied")


def test_parameters_are_allowed_by_path(aws: Cloud) -> None:
    admin = aws.client("ssm")
    admin.put_parameter(Name="/mine/a", Value="1", Type="SecureString")
    admin.put_parameter(Name="/other/a", Value="2", Type="SecureString")
    mine = f"arn:aws:ssm:*:{ACCOUNT}:parameter/mine"
    actions = ("ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath")
    ssm = aws.client("ssm", aws.user(allow(*actions, resource=[mine, f"{mine}/*"])))
    assert ssm.get_parameter(Name="/mine/a", WithDecryption=True)["Parameter"]["Value"] == "1"
    assert len(ssm.get_parameters_by_path(Path="/mine", WithDecryption=True)["Parameters"]) == 1
    denied = (400, "AccessDeniedException")
    assert refusal(ssm.get_parameter, Name="/other/a") == denied
    assert refusal(ssm.get_parameters_by_path, Path="/other") == denied
    assert refusal(ssm.get_parameters_by_path, Path="/", Recursive=True) == denied
    assert refusal(ssm.get_parameters, Names=["/mine/a", "/other/a"]) == denied
    assert refusal(ssm.put_parameter, Name="/mine/a", Value="3", Type="String") == denied


def test_conditions_are_evaluated_and_unknown_ones_are_refused(aws: Cloud) -> None:
    here = {"StringEquals": {"aws:RequestedRegion": "eu-central-1"}}
    key = aws.user(allow("cloudwatch:*", Condition=here))
    aws.client("cloudwatch", key).list_metrics()
    assert refusal(aws.client("cloudwatch", key, region="us-east-1").list_metrics) == (403, "AccessDenied")
    strange = aws.user(allow("cloudwatch:*", Condition={"StringEquals": {"aws:ResourceTag/a": "b"}}))
    assert refusal(aws.client("cloudwatch", strange).list_metrics) == (501, "NotImplemented")


def test_a_role_must_trust_its_caller(aws: Cloud) -> None:
    account = f"arn:aws:iam::{ACCOUNT}:root"
    nobody, allowed = aws.user(), aws.user(allow("sts:AssumeRole"))
    for_account = make_role(aws, trusting(AWS=account), CLOUDWATCH)
    for_ec2 = make_role(aws, trusting(Service="ec2.amazonaws.com"), CLOUDWATCH)
    by_name = make_role(aws, trusting(AWS=aws.client("sts", nobody).get_caller_identity()["Arn"]), CLOUDWATCH)
    denied = (403, "AccessDenied")
    named = {"RoleSessionName": "test"}
    assert refusal(aws.client("sts", nobody).assume_role, RoleArn=for_account, **named) == denied
    assert refusal(aws.client("sts", allowed).assume_role, RoleArn=for_ec2, **named) == denied
    missing = f"arn:aws:iam::{ACCOUNT}:role/missing"
    assert refusal(aws.client("sts", allowed).assume_role, RoleArn=missing, **named) == denied
    for key, role in ((allowed, for_account), (nobody, by_name)):
        session = assume(aws, key, role)
        aws.client("cloudwatch", session).list_metrics()
        assert refusal(aws.client("ec2", session).describe_instances) == (403, "UnauthorizedOperation")
        assert ":assumed-role/role-" in aws.client("sts", session).get_caller_identity()["Arn"]


def test_a_session_needs_its_token_and_is_limited_by_its_policy(aws: Cloud) -> None:
    key = aws.user(allow("sts:AssumeRole"))
    role = make_role(aws, trusting(AWS=ACCOUNT), CLOUDWATCH, allow("ec2:DescribeInstances"))
    session = assume(aws, key, role, Policy=policy(allow("ec2:*")))
    aws.client("ec2", session).describe_instances()
    assert refusal(aws.client("cloudwatch", session).list_metrics) == (403, "AccessDenied")
    for token in (None, "x" * 40):
        stolen = Key(session.id, session.secret, token)
        assert refusal(aws.client("ec2", stolen).describe_instances) == (401, "AuthFailure")


def test_unsigned_requests_and_requests_for_moto_s_own_pages_are_refused(aws: Cloud) -> None:
    answer = requests.post(aws.url, data={"Action": "DescribeInstances", "Version": "2016-11-15"}, timeout=5)
    assert (answer.status_code, "MissingAuthenticationToken" in answer.text) == (403, True)
    for path in ("/moto-api/reset", "/moto-api/reset-auth", "/latest/meta-data/"):
        assert requests.post(aws.url + path, data="0", timeout=5).status_code == 404
    # moto would take this for STS; here it is an unsigned request for a bucket.
    answer = requests.post(f"{aws.url}/sts_us-east-1/", data="0", timeout=5)
    assert (answer.status_code, "MissingAuthenticationToken" in answer.text) == (403, True)


def test_unsupported_operations_and_services_are_refused(aws: Cloud) -> None:
    assert refusal(aws.client("ec2").describe_fpga_images) == (501, "NotImplemented")
    assert refusal(aws.client("sqs").list_queues)[0] == 501


def test_a_compressed_request_is_verified_as_it_was_sent(aws: Cloud) -> None:
    # boto3 compresses large bodies of PutMetricData before it signs them.
    data = [{"MetricName": f"metric{number}" * 20, "Value": 1.0} for number in range(100)]
    aws.client("cloudwatch").put_metric_data(Namespace="compressed", MetricData=data)
    assert refusal(aws.client("cloudwatch", aws.user()).put_metric_data, Namespace="a", MetricData=data)[0] == 403


def test_an_identity_in_use_cannot_be_deleted(aws: Cloud) -> None:
    iam, name = aws.client("iam"), f"in-use-{uuid.uuid4()}"
    iam.create_user(UserName=name)
    iam.create_group(GroupName=name)
    arn = iam.create_policy(PolicyName=name, PolicyDocument=policy(CLOUDWATCH))["Policy"]["Arn"]
    iam.attach_group_policy(GroupName=name, PolicyArn=arn)
    iam.add_user_to_group(GroupName=name, UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]["AccessKeyId"]
    conflict = (409, "DeleteConflict")
    assert refusal(iam.delete_policy, PolicyArn=arn) == conflict
    assert refusal(iam.delete_group, GroupName=name) == conflict
    assert refusal(iam.delete_user, UserName=name) == conflict
    iam.remove_user_from_group(GroupName=name, UserName=name)
    assert refusal(iam.delete_user, UserName=name) == conflict
    iam.delete_access_key(UserName=name, AccessKeyId=key)
    iam.detach_group_policy(GroupName=name, PolicyArn=arn)
    iam.delete_user(UserName=name)
    iam.delete_group(GroupName=name)
    iam.delete_policy(PolicyArn=arn)


def test_a_denial_names_the_user_the_action_and_the_resource(aws: Cloud) -> None:
    ssm = aws.client("ssm", aws.user())
    with pytest.raises(ssm.exceptions.ClientError) as caught:
        ssm.get_parameter(Name="/a/b")
    message = caught.value.response["Error"]["Message"]
    assert re.search(r"user/user-\S+ is not authorized to perform: ssm:GetParameter on resource: \S+/a/b ", message)
