"""Requests that need several permissions, and policies that distinguish resources by name, tag and key."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.cloud import grants
from tests.sandbox.cloud.conftest import Cloud, Key, allow, assume, kms_key, policy, refusal

OURS = [{"Key": "project", "Value": "ours"}]
THEIRS = [{"Key": "project", "Value": "theirs"}]
OWN = {"StringEquals": {"aws:ResourceTag/project": "ours"}}
TAGGED = {"StringEquals": {"aws:RequestTag/project": "ours"}}
REFUSED = (403, "UnauthorizedOperation")


def specification(kind: str, tags: list[dict[str, str]]) -> dict[str, Any]:
    return {"TagSpecifications": [{"ResourceType": kind, "Tags": tags}]}


def test_a_policy_can_require_a_tag_on_the_resource(aws: Cloud) -> None:
    ours, theirs = (
        aws.client("ec2").create_volume(AvailabilityZone="eu-central-1a", Size=1, **specification("volume", tags))
        for tags in (OURS, THEIRS)
    )
    ec2 = aws.client("ec2", aws.user(allow("ec2:DeleteVolume", resource="arn:aws:ec2:*:*:volume/*", Condition=OWN)))
    assert refusal(ec2.delete_volume, VolumeId=theirs["VolumeId"]) == REFUSED
    ec2.delete_volume(VolumeId=ours["VolumeId"])


def test_creating_with_tags_needs_the_right_tag_and_the_right_to_tag(aws: Cloud) -> None:
    make = allow("ec2:CreateVolume", resource="arn:aws:ec2:*:*:volume/*", Condition=TAGGED)
    at_creation = {"StringEquals": {"ec2:CreateAction": "CreateVolume"}}
    tag = allow("ec2:CreateTags", resource="arn:aws:ec2:*:*:volume/*", Condition=at_creation)
    wanted = {"AvailabilityZone": "eu-central-1a", "Size": 1}
    alone = aws.client("ec2", aws.user(make)).create_volume
    assert refusal(alone, **wanted, **specification("volume", OURS)) == REFUSED
    both = aws.client("ec2", aws.user(make, tag))
    made = both.create_volume(**wanted, **specification("volume", OURS))
    assert refusal(both.create_volume, **wanted) == REFUSED
    assert refusal(both.create_volume, **wanted, **specification("volume", THEIRS)) == REFUSED
    # Only what is being created may be tagged; otherwise the user could claim any resource.
    assert refusal(both.create_tags, Resources=[made["VolumeId"]], Tags=THEIRS) == REFUSED


@pytest.fixture
def profile(aws: Cloud) -> Iterator[str]:
    iam, name = aws.client("iam"), f"server-{uuid.uuid4()}"
    trust = policy({"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"})
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
    iam.create_instance_profile(InstanceProfileName=name)
    iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
    yield name


def test_an_instance_needs_a_role_that_its_creator_may_pass(aws: Cloud, profile: str) -> None:
    passed = allow(
        "iam:PassRole",
        resource="arn:aws:iam::*:role/server-*",
        Condition={"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}},
    )
    wanted = {"ImageId": aws.image(), "InstanceType": "t3.small", "MinCount": 1, "MaxCount": 1}
    wanted["IamInstanceProfile"] = {"Name": profile}
    assert refusal(aws.client("ec2", aws.user(allow("ec2:*"))).run_instances, **wanted) == REFUSED
    elsewhere = allow("iam:PassRole", resource="arn:aws:iam::*:role/other-*")
    assert refusal(aws.client("ec2", aws.user(allow("ec2:*"), elsewhere)).run_instances, **wanted) == REFUSED
    aws.client("ec2", aws.user(allow("ec2:*"), passed)).run_instances(**wanted)
    iam = aws.client("iam", aws.user(allow("iam:AddRoleToInstanceProfile")))
    again = {"InstanceProfileName": profile, "RoleName": profile}
    assert refusal(iam.add_role_to_instance_profile, **again) == (403, "AccessDenied")


def test_a_policy_can_require_a_permissions_boundary(aws: Cloud) -> None:
    admin = aws.client("iam")
    boundary = admin.create_policy(PolicyName=f"b-{uuid.uuid4()}", PolicyDocument=policy(allow("s3:*")))["Policy"][
        "Arn"
    ]
    limited = {"StringEquals": {"iam:PermissionsBoundary": boundary}}
    make = [allow("iam:CreateRole", "iam:PutRolePolicy", Condition=limited)]
    trust = policy({"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"})
    name = f"role-{uuid.uuid4()}"
    wanted = {"RoleName": name, "AssumeRolePolicyDocument": trust}
    iam = aws.client("iam", aws.user(*make))
    assert refusal(iam.create_role, **wanted) == (403, "AccessDenied")
    assert refusal(iam.create_role, **wanted, PermissionsBoundary=boundary, Tags=OURS) == (403, "AccessDenied")
    iam.create_role(**wanted, PermissionsBoundary=boundary)
    rights = {"PolicyName": "p", "PolicyDocument": policy(allow("*"))}
    iam.put_role_policy(RoleName=name, **rights)
    unlimited = f"role-{uuid.uuid4()}"
    admin.create_role(RoleName=unlimited, AssumeRolePolicyDocument=trust)
    assert refusal(iam.put_role_policy, RoleName=unlimited, **rights) == (403, "AccessDenied")


def test_a_boundary_limits_a_user(aws: Cloud) -> None:
    admin, name = aws.client("iam"), f"user-{uuid.uuid4()}"
    looking = policy(allow("ec2:DescribeInstances"))
    boundary = admin.create_policy(PolicyName=f"b-{uuid.uuid4()}", PolicyDocument=looking)["Policy"]["Arn"]
    admin.create_user(UserName=name, PermissionsBoundary=boundary)
    admin.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=policy(allow("ec2:*")))
    assert admin.get_user(UserName=name)["User"]["PermissionsBoundary"]["PermissionsBoundaryArn"] == boundary
    made = admin.create_access_key(UserName=name)["AccessKey"]
    ec2 = aws.client("ec2", Key(made["AccessKeyId"], made["SecretAccessKey"]))
    ec2.describe_instances()
    assert refusal(ec2.describe_volumes) == REFUSED
    admin.delete_user_permissions_boundary(UserName=name)
    ec2.describe_volumes()


def test_tagging_a_new_parameter_needs_a_further_permission(aws: Cloud) -> None:
    ssm = aws.client("ssm", aws.user(allow("ssm:PutParameter")))
    wanted = {"Name": f"/{uuid.uuid4()}", "Value": "a", "Type": "String"}
    assert refusal(ssm.put_parameter, **wanted, Tags=OURS) == (400, "AccessDeniedException")
    ssm.put_parameter(**wanted)


# --- Keys


def test_policies_allow_the_use_of_single_keys(aws: Cloud) -> None:
    ours, theirs = kms_key(aws), kms_key(aws)
    kms = aws.client("kms", aws.user(allow("kms:Encrypt", resource=ours)))
    made = kms.encrypt(KeyId=ours, Plaintext=b"secret")["CiphertextBlob"]
    assert refusal(kms.encrypt, KeyId=theirs, Plaintext=b"secret") == (400, "AccessDeniedException")
    assert refusal(kms.decrypt, CiphertextBlob=made) == (400, "AccessDeniedException")
    reader = aws.client("kms", aws.user(allow("kms:Decrypt", resource=ours)))
    assert reader.decrypt(CiphertextBlob=made)["Plaintext"] == b"secret"


def test_an_alias_is_authorized_as_its_key(aws: Cloud) -> None:
    arn, alias = kms_key(aws), f"alias/a-{uuid.uuid4()}"
    aws.client("kms").create_alias(AliasName=alias, TargetKeyId=arn)
    aws.client("kms", aws.user(allow("kms:Encrypt", resource=arn))).encrypt(KeyId=alias, Plaintext=b"a")
    by_alias = aws.client("kms", aws.user(allow("kms:Encrypt", resource=f"arn:aws:kms:*:*:{alias}")))
    assert refusal(by_alias.encrypt, KeyId=alias, Plaintext=b"a") == (400, "AccessDeniedException")


def test_a_key_s_own_policy_decides(aws: Cloud) -> None:
    everything = allow("kms:*")
    nobody = kms_key(aws, {**everything, "Principal": {"AWS": "arn:aws:iam::123456789012:user/nobody"}})
    kms = aws.client("kms", aws.user(allow("*")))
    assert refusal(kms.encrypt, KeyId=nobody, Plaintext=b"a") == (400, "AccessDeniedException")


# --- Objects that a key encrypts


@pytest.fixture
def encrypted(aws: Cloud) -> tuple[str, str]:
    """A bucket, and the ARN of the key that encrypts its objects."""
    s3, name, key = aws.client("s3"), f"bucket-{uuid.uuid4()}", kms_key(aws)
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}}
    s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [rule]})
    return name, key


def test_reading_and_writing_also_need_permissions_for_the_key(aws: Cloud, encrypted: tuple[str, str]) -> None:
    bucket, key = encrypted
    objects = allow("s3:PutObject", "s3:GetObject", resource=f"arn:aws:s3:::{bucket}/*")
    without = aws.client("s3", aws.user(objects))
    assert refusal(without.put_object, Bucket=bucket, Key="a", Body=b"a") == (403, "AccessDenied")
    writer = aws.client("s3", aws.user(objects, allow("kms:GenerateDataKey", resource=key)))
    writer.put_object(Bucket=bucket, Key="a", Body=b"a")
    assert refusal(writer.get_object, Bucket=bucket, Key="a") == (403, "AccessDenied")
    reader = aws.client("s3", aws.user(objects, allow("kms:Decrypt", resource=key)))
    assert reader.get_object(Bucket=bucket, Key="a")["Body"].read() == b"a"


def test_copying_needs_permission_to_read_and_to_write(aws: Cloud, encrypted: tuple[str, str]) -> None:
    bucket, _ = encrypted
    aws.client("s3").put_object(Bucket=bucket, Key="a", Body=b"a")
    wanted = {"Bucket": bucket, "Key": "b", "CopySource": f"{bucket}/a"}
    one = f"arn:aws:s3:::{bucket}"
    for rights in (allow("s3:PutObject", resource=f"{one}/b"), allow("s3:GetObject", resource=f"{one}/a")):
        client = aws.client("s3", aws.user(rights, allow("kms:*")))
        assert refusal(client.copy_object, **wanted) == (403, "AccessDenied")
    both = [allow("s3:PutObject", resource=f"{one}/b"), allow("s3:GetObject", resource=f"{one}/a"), allow("kms:*")]
    aws.client("s3", aws.user(*both)).copy_object(**wanted)


# --- The log of grants


def test_what_a_role_was_allowed_is_logged_with_the_statement(aws: Cloud) -> None:
    iam, name = aws.client("iam"), f"role-{uuid.uuid4()}"
    trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))["Role"]["Arn"]
    statements = [
        allow("ec2:DescribeInstances", "ec2:DescribeVolumes", Sid="Look"),
        allow("s3:ListAllMyBuckets", Sid="List"),
    ]
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy(*statements))
    session = assume(aws, aws.administrator(), arn)
    aws.client("ec2", session).describe_instances()
    aws.client("s3", session).list_buckets()
    assert refusal(aws.client("ec2", session).describe_subnets) == REFUSED
    assert grants.read(aws.place, name) == {("Look", "ec2:DescribeInstances"), ("List", "s3:ListAllMyBuckets")}
