"""The metadata service as a machine sees it."""

from __future__ import annotations

import gzip
import json
import uuid
from typing import Any

import pytest

from tests.sandbox.cloud.conftest import Cloud, Key, allow, policy, refusal

REQUIRED = {"HttpTokens": "required", "HttpPutResponseHopLimit": 1}
TRUST = json.dumps(
    {"Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
)


def token(aws: Cloud, address: str, seconds: str = "60") -> str:
    answer = aws.metadata("PUT", "/latest/api/token", address, X_aws_ec2_metadata_token_ttl_seconds=seconds)
    assert answer.status_code == 200
    return answer.text


def get(aws: Cloud, path: str, address: str, with_token: str | None = None) -> Any:
    headers = {"X_aws_ec2_metadata_token": with_token or token(aws, address)}
    return aws.metadata("GET", path, address, **headers)


@pytest.fixture
def instance(aws: Cloud) -> dict[str, Any]:
    return aws.launch(MetadataOptions=REQUIRED, UserData=gzip.compress(b"#!/bin/sh\n", mtime=0))


def test_an_instance_can_read_its_metadata(aws: Cloud, instance: dict[str, Any]) -> None:
    address = instance["PrivateIpAddress"]
    facts = {
        "instance-id": instance["InstanceId"],
        "local-ipv4": address,
        "public-ipv4": instance["PublicIpAddress"],
        "instance-type": "t3.small",
        "ami-id": instance["ImageId"],
        "hostname": f"ip-{address.replace('.', '-')}.eu-central-1.compute.internal",
        "placement/region": "eu-central-1",
        "placement/availability-zone": instance["Placement"]["AvailabilityZone"],
    }
    for path, value in facts.items():
        assert get(aws, f"/latest/meta-data/{path}", address).text == value
    assert get(aws, "/latest/user-data", address).content == gzip.compress(b"#!/bin/sh\n", mtime=0)
    document = get(aws, "/latest/dynamic/instance-identity/document", address).json()
    assert (document["instanceId"], document["region"]) == (instance["InstanceId"], "eu-central-1")
    listing = get(aws, "/latest/meta-data/", address).text.splitlines()
    assert {"instance-id", "placement/"} <= set(listing)
    assert "iam/" not in listing
    assert get(aws, "/latest/meta-data/iam/info", address).status_code == 404
    assert get(aws, "/2021-03-23/meta-data/instance-id", address).text == instance["InstanceId"]


def test_a_token_is_required_and_is_valid_for_one_machine(aws: Cloud, instance: dict[str, Any]) -> None:
    address, other = instance["PrivateIpAddress"], aws.launch(MetadataOptions=REQUIRED)["PrivateIpAddress"]
    path = "/latest/meta-data/instance-id"
    assert aws.metadata("GET", path, address).status_code == 401
    assert get(aws, path, address, "made-up").status_code == 401
    assert get(aws, path, other, token(aws, address)).status_code == 401
    seconds = {"X_aws_ec2_metadata_token_ttl_seconds": "60"}
    assert aws.metadata("PUT", "/latest/api/token", address).status_code == 400
    assert aws.metadata("PUT", "/latest/api/token", address, X_Forwarded_For="1.2.3.4", **seconds).status_code == 403
    too_long = {"X_aws_ec2_metadata_token_ttl_seconds": "21601"}
    assert aws.metadata("PUT", "/latest/api/token", address, **too_long).status_code == 400


def test_version_1_works_if_allowed_and_nothing_if_disabled(aws: Cloud) -> None:
    path = "/latest/meta-data/instance-id"
    optional = aws.launch(MetadataOptions={"HttpTokens": "optional"})
    assert aws.metadata("GET", path, optional["PrivateIpAddress"]).text == optional["InstanceId"]
    off = aws.launch(MetadataOptions={"HttpEndpoint": "disabled"})["PrivateIpAddress"]
    assert aws.metadata("GET", path, off).status_code == 403


def test_unknown_addresses_and_stopped_machines_get_no_metadata(aws: Cloud, instance: dict[str, Any]) -> None:
    path = "/latest/meta-data/instance-id"
    assert aws.metadata("GET", path, "198.51.100.1").status_code == 404
    aws.client("ec2").stop_instances(InstanceIds=[instance["InstanceId"]])
    assert aws.metadata("GET", path, instance["PrivateIpAddress"]).status_code == 404


def with_role(aws: Cloud, trust: str) -> tuple[str, str]:
    """Launch an instance with a role that may read one path. Returns (role's name, private address)."""
    iam, name = aws.client("iam"), f"role-{uuid.uuid4()}"
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
    path = "arn:aws:ssm:eu-central-1:123456789012:parameter/role/*"
    iam.put_role_policy(
        RoleName=name, PolicyName="read", PolicyDocument=policy(allow("ssm:GetParameter", resource=path))
    )
    iam.create_instance_profile(InstanceProfileName=name)
    iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
    return name, aws.launch(IamInstanceProfile={"Name": name})["PrivateIpAddress"]


def test_the_role_s_credentials_are_limited_by_its_policy(aws: Cloud) -> None:
    role, address = with_role(aws, TRUST)
    folder = "/latest/meta-data/iam/security-credentials/"
    assert get(aws, folder, address).text == role
    found = get(aws, folder + role, address).json()
    assert (found["Code"], found["Type"]) == ("Success", "AWS-HMAC")
    assert get(aws, folder + role, address).json() == found
    assert get(aws, "/latest/meta-data/iam/info", address).json()["InstanceProfileArn"].endswith(role)
    key = Key(found["AccessKeyId"], found["SecretAccessKey"], found["Token"])
    for name in ("/role/secret", "/rolex/secret"):
        aws.client("ssm").put_parameter(Name=name, Value="hidden", Type="SecureString", Overwrite=True)
    ssm = aws.client("ssm", key)
    assert ssm.get_parameter(Name="/role/secret", WithDecryption=True)["Parameter"]["Value"] == "hidden"
    assert refusal(ssm.get_parameter, Name="/rolex/secret") == (400, "AccessDeniedException")
    assert role in aws.client("sts", key).get_caller_identity()["Arn"]


def test_a_role_that_does_not_trust_ec2_has_no_credentials(aws: Cloud) -> None:
    role, address = with_role(aws, TRUST.replace("ec2.", "lambda."))
    found = get(aws, f"/latest/meta-data/iam/security-credentials/{role}", address).json()
    assert found["Code"] == "AssumeRoleUnauthorizedAccess"
    assert "SecretAccessKey" not in found


def test_tags_are_served_if_the_instance_allows_it(aws: Cloud, instance: dict[str, Any]) -> None:
    path, tags = "/latest/meta-data/tags/instance/Name", [{"Key": "Name", "Value": "web 1"}]
    named = [{"ResourceType": "instance", "Tags": tags}]
    shown = aws.launch(MetadataOptions=REQUIRED | {"InstanceMetadataTags": "enabled"}, TagSpecifications=named)
    hidden = aws.launch(MetadataOptions=REQUIRED, TagSpecifications=named)
    assert get(aws, path, shown["PrivateIpAddress"]).text == "web 1"
    assert get(aws, path, hidden["PrivateIpAddress"]).status_code == 404


def test_an_instance_of_an_auto_scaling_group_has_a_lifecycle_state(aws: Cloud, instance: dict[str, Any]) -> None:
    path = "/latest/meta-data/autoscaling/target-lifecycle-state"
    assert get(aws, path, instance["PrivateIpAddress"]).status_code == 404
    tags = [{"Key": "aws:autoscaling:groupName", "Value": "web"}]
    aws.client("ec2").create_tags(Resources=[instance["InstanceId"]], Tags=tags)
    assert get(aws, path, instance["PrivateIpAddress"]).text == "InService"
