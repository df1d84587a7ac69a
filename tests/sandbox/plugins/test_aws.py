"""The aws stand-in: compared with the SDK, and, without an engine, used with a local AWS."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import boto3
import grpc
import pytest
from pulumi.runtime.proto import provider_pb2 as proto

from sandbox.cloud.images import latest
from sandbox.plugins.aws.client import NO_REGION, Aws, known_regions
from sandbox.plugins.aws.provider import AwsProvider
from sandbox.plugins.base import UNKNOWN, Input, ObjectOf, Resource
from sandbox.plugins.wire import Secret
from tests.sandbox.cloud.conftest import REGION, Cloud, running

pytestmark = pytest.mark.slow

KINDS = AwsProvider.resources
ARM = latest(REGION, "arm64")
FORCES_NEW = {
    # As `ForceNew: true` / `RequiresReplace()` in terraform-provider-aws, internal/service/*.
    "SecurityGroup": {"description", "name", "vpcId"},
    "SecurityGroupIngressRule": {"securityGroupId"},
    "SecurityGroupEgressRule": {"securityGroupId"},
    "Eip": {"address", "domain"},
    "EipAssociation": {
        "allocationId",
        "allowReassociation",
        "instanceId",
        "networkInterfaceId",
        "privateIpAddress",
        "publicIp",
    },
    "Instance": {
        "ami",
        "associatePublicIpAddress",
        "availabilityZone",
        "ebsOptimized",
        "keyName",
        "primaryNetworkInterface.networkInterfaceId",
        "privateIp",
        "rootBlockDevice.encrypted",
        "rootBlockDevice.kmsKeyId",
        "subnetId",
    },
    "NetworkInterface": {"subnetId"},
    "Record": {"name", "type", "zoneId"},
    "Volume": {"availabilityZone", "encrypted", "kmsKeyId", "snapshotId"},
    "VolumeAttachment": {"deviceName", "instanceId", "volumeId"},
    "Policy": {"description", "name", "path"},
    "Group": set(),
    "GroupPolicyAttachment": {"group", "policyArn"},
    "RolePolicyAttachment": {"policyArn", "role"},
    "User": set(),
    "UserGroupMembership": {"user"},
    "AccessKey": {"user"},
    "Role": {"name", "path"},
    "RolePolicy": {"name", "role"},
    "Document": {"name"},
    "Association": {"name"},
    "InstanceProfile": {"name", "path"},
    "OpenIdConnectProvider": {"url"},
    "Key": set(),
    "Alias": {"name"},
    "Parameter": {"dataType", "name"},
    "DbInstance": {
        *("bucket", "name", "networkType", "organization", "password", "publiclyAccessible", "username"),
        *("vpcSecurityGroupIds", "vpcSubnetIds"),
    },
    "Bucket": {"bucket"},
    "BucketVersioning": {"bucket"},
    "BucketServerSideEncryptionConfiguration": {"bucket"},
    "BucketPublicAccessBlock": {"bucket"},
    "BucketOwnershipControls": {"bucket"},
    "BucketLifecycleConfiguration": {"bucket"},
    "BucketPolicy": {"bucket"},
    "MetricAlarm": {"name"},
    "Topic": {"name"},
    "TopicPolicy": {"arn"},
    "TopicSubscription": {"endpoint", "protocol", "topic"},
}


def sdk(kind: type[Resource[Aws]]) -> tuple[type, type]:
    """The SDK's resource class and its Args class."""
    path, name = kind.token.split(":")[1:]
    module = import_module(f"pulumi_aws.{path.split('/')[0]}")
    # If a nested input has the name already (s3's BucketVersioningArgs), the SDK calls them InitArgs.
    return getattr(module, name), getattr(module, f"{name}InitArgs", None) or getattr(module, f"{name}Args")


def wire_names(cls: type) -> set[str]:
    getters = (member for member in vars(cls).values() if isinstance(member, property))
    return {getattr(each.fget, "_pulumi_name", each.fget.__name__) for each in getters if each.fget}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_properties_exist_in_the_sdk(kind: type[Resource[Aws]]) -> None:
    resource, arguments = sdk(kind)
    assert set(kind.inputs) <= wire_names(arguments)
    assert set(kind.outputs) <= wire_names(resource)
    for name, declared in kind.inputs.items():
        if isinstance(declared.kind, ObjectOf):
            nested = import_module(f"{resource.__module__.rsplit('.', 1)[0]}._inputs")
            title = f"{kind.__name__}{name[0].upper()}{name[1:]}Args"
            assert set(declared.kind.fields) <= wire_names(getattr(nested, title))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_required_inputs_are_those_of_the_sdk(kind: type[Resource[Aws]]) -> None:
    parameters = inspect.signature(sdk(kind)[1]).parameters.values()
    needed = {each.name.replace("_", "") for each in parameters if each.default is inspect.Parameter.empty}
    assert {name.lower() for name, declared in kind.inputs.items() if declared.required} == needed


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_replacements_are_those_of_the_real_provider(kind: type[Resource[Aws]]) -> None:
    assert set(_replacing(kind.inputs)) - {"region"} == FORCES_NEW[kind.__name__]


def _replacing(inputs: Mapping[str, Input], prefix: str = "") -> Iterator[str]:
    for name, declared in inputs.items():
        if declared.replaces:
            yield prefix + name
        if isinstance(declared.kind, ObjectOf):
            yield from _replacing(declared.kind.fields, f"{prefix}{name}.")


def test_settings_exist_in_the_sdk() -> None:
    from pulumi_aws import ProviderArgs

    assert set(AwsProvider.config) <= wire_names(ProviderArgs)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with running(tmp_path_factory.mktemp("cloud")) as started:
        yield started


@pytest.fixture
def plugin(cloud: Cloud, serve: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Any:
    for name, value in cloud.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    served = serve(AwsProvider())
    served.configure(region="eu-central-1")
    return served


def subnet(plugin: Any) -> str:
    (found, *_) = plugin.invoke("aws:ec2/getSubnets:getSubnets", {})["ids"]
    return str(found)


def make(plugin: Any, token: str, **inputs: Any) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Create a resource; (id, checked inputs, state)."""
    checked, failures = plugin.check(token, inputs)
    assert failures == {}
    id_, state = plugin.create(token, checked)
    return id_, checked, state


TRUST = (
    '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",'
    ' "Principal": {"Service": "ec2.amazonaws.com"}}]}'
)
READ = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ec2:DescribeTags", "Resource": "*"}]}'


DOCUMENT = '{"schemaVersion": "2.2", "mainSteps": []}'
TOPIC = "arn:aws:sns:eu-central-1:123456789012:imported"
PUBLISH = (
    '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "cloudwatch.amazonaws.com"},'
    f' "Action": "sns:Publish", "Resource": "{TOPIC}"}}]}}'
)
SUBSCRIPTION = {"topic": TOPIC, "protocol": "email", "endpoint": "ops@example.com"}
ALARM = {
    "name": "imported",
    "namespace": "AWS/EC2",
    "metricName": "StatusCheckFailed_System",
    "dimensions": {"InstanceId": "i-1"},
    "statistic": "Maximum",
    "comparisonOperator": "GreaterThanOrEqualToThreshold",
    "threshold": 1,
    "period": 60,
    "evaluationPeriods": 2,
    "alarmActions": [TOPIC, "arn:aws:automate:eu-central-1:ec2:recover"],
    "okActions": [TOPIC],
    "tags": {"a": "b"},
}
BUCKET: dict[str, dict[str, Any]] = {
    "BucketVersioning": {"versioningConfiguration": {"status": "Enabled"}},
    "BucketServerSideEncryptionConfiguration": {
        "rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}, "bucketKeyEnabled": False}]
    },
    "BucketPublicAccessBlock": {"blockPublicAcls": True, "ignorePublicAcls": True},
    "BucketOwnershipControls": {"rule": {"objectOwnership": "BucketOwnerEnforced"}},
    "BucketLifecycleConfiguration": {
        "rules": [{"id": "old", "status": "Enabled", "filter": {"prefix": ""}, "expiration": {"days": 3}}]
    },
    "BucketPolicy": {
        "policy": '{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:*",'
        ' "Resource": "arn:aws:s3:::imported", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}]}'
    },
}
"""The inputs of each setting of a bucket, by the resource's name."""


URL = "https://token.example.com"


def test_a_key_changes_in_place_and_its_deletion_is_scheduled(plugin: Any) -> None:
    token = "aws:kms/key:Key"
    id_, old, state = make(plugin, token, deletionWindowInDays=7)
    new = {**old, "enableKeyRotation": True, "description": "another", "tags": {"a": "b"}}
    assert not plugin.diff(token, state, old, new).replaces
    plugin.update(token, id_, state, old, new)
    kms = boto3.client("kms", region_name="eu-central-1")
    assert kms.get_key_rotation_status(KeyId=id_)["KeyRotationEnabled"]
    assert kms.list_resource_tags(KeyId=id_)["Tags"] == [{"TagKey": "a", "TagValue": "b"}]
    assert plugin.check(token, {"deletionWindowInDays": 3})[1].keys() == {"deletionWindowInDays"}
    plugin.delete(token, id_, state)
    found = kms.describe_key(KeyId=id_)["KeyMetadata"]
    assert (found["KeyState"], found["Description"]) == ("PendingDeletion", "another")
    assert plugin.read(token, id_, state)[0] == ""


def test_a_key_is_found_by_id_arn_and_alias(plugin: Any) -> None:
    key, _, state = make(plugin, "aws:kms/key:Key")
    alias = make(plugin, "aws:kms/alias:Alias", name="alias/found", targetKeyId=key)[2]
    for name in (key, state["arn"], "alias/found", alias["arn"]):
        found = plugin.invoke("aws:kms/getKey:getKey", {"keyId": name})
        assert (found["arn"], found["keyState"], found["keyManager"]) == (state["arn"], "Enabled", "CUSTOMER")
        assert (found["keyUsage"], found["keySpec"]) == ("ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT")
    with pytest.raises(grpc.RpcError, match="NotFoundException"):
        plugin.invoke("aws:kms/getKey:getKey", {"keyId": "alias/nothing"})


def test_a_volume_s_key_must_be_an_arn(plugin: Any) -> None:
    volume = {"availabilityZone": "eu-central-1a", "size": 1, "encrypted": True}
    assert plugin.check("aws:ebs/volume:Volume", {**volume, "kmsKeyId": "alias/mine"})[1].keys() == {"kmsKeyId"}
    assert plugin.check("aws:ebs/volume:Volume", {**volume, "kmsKeyId": "arn:aws:kms:eu-central-1:1:key/a"})[1] == {}


def test_an_alias_can_move_to_another_key(plugin: Any) -> None:
    one, two = (make(plugin, "aws:kms/key:Key")[0] for _ in range(2))
    token = "aws:kms/alias:Alias"
    id_, old, state = make(plugin, token, name="alias/moving", targetKeyId=one)
    new = {**old, "targetKeyId": two}
    assert not plugin.diff(token, state, old, new).replaces
    plugin.update(token, id_, state, old, new)
    assert plugin.read(token, id_, state, new)[1]["targetKeyArn"].endswith(two)
    assert plugin.check(token, {"name": "moving", "targetKeyId": one})[1].keys() == {"name"}
    plugin.delete(token, id_, state)
    assert plugin.read(token, id_, state)[0] == ""


def test_a_bucket_with_objects_can_only_be_deleted_with_force_destroy(plugin: Any) -> None:
    token, versioning = "aws:s3/bucket:Bucket", "aws:s3/bucketVersioning:BucketVersioning"
    id_, _, state = make(plugin, token)
    assert id_.startswith("it-"), "named after the resource"
    make(plugin, versioning, bucket=id_, versioningConfiguration={"status": "Enabled"})
    client = boto3.client("s3", region_name="eu-central-1")
    for body in (b"one", b"two"):
        client.put_object(Bucket=id_, Key="key", Body=body)
    client.delete_object(Bucket=id_, Key="key")
    with pytest.raises(grpc.RpcError, match="BucketNotEmpty"):
        plugin.delete(token, id_, state)
    plugin.delete(token, id_, {**state, "forceDestroy": True})
    assert plugin.read(token, id_, state)[0] == ""


def test_a_bucket_s_settings_change_in_place_and_drift_is_detected(plugin: Any) -> None:
    make(plugin, "aws:s3/bucket:Bucket", bucket="settings-of-mine")
    token = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
    rules = BUCKET["BucketLifecycleConfiguration"]["rules"]
    id_, old, state = make(plugin, token, bucket="settings-of-mine", rules=rules)
    new = {**old, "rules": [{**rules[0], "expiration": {"days": 5}}]}
    assert not plugin.diff(token, state, old, new).replaces
    plugin.update(token, id_, state, old, new)
    client = boto3.client("s3", region_name="eu-central-1")
    found = client.get_bucket_lifecycle_configuration(Bucket="settings-of-mine")["Rules"]
    assert found[0]["Expiration"] == {"Days": 5}
    client.delete_bucket_lifecycle(Bucket="settings-of-mine")
    assert plugin.read(token, id_, state, new)[0] == ""


def test_importing_a_resource_leaves_no_difference(plugin: Any) -> None:
    """Reading with only an id returns the inputs of the same program."""
    group, *_ = make(plugin, "aws:iam/group:Group", name="imported")
    user, *_ = make(plugin, "aws:iam/user:User", name="imported")
    key, *_ = make(plugin, "aws:kms/key:Key")
    cases: list[tuple[str, dict[str, Any], str | None]] = [
        ("aws:ec2/securityGroup:SecurityGroup", {"name": "imported"}, None),
        ("aws:ebs/volume:Volume", {"availabilityZone": "eu-central-1a", "size": 3, "type": "gp3"}, None),
        ("aws:ec2/eip:Eip", {"tags": {"a": "b"}}, None),
        ("aws:ec2/networkInterface:NetworkInterface", {"subnetId": subnet(plugin), "tags": {"a": "b"}}, None),
        ("aws:iam/policy:Policy", {"name": "imported", "policy": READ}, None),
        ("aws:iam/role:Role", {"name": "imported", "assumeRolePolicy": TRUST}, None),
        ("aws:iam/rolePolicy:RolePolicy", {"name": "in", "role": "imported", "policy": READ}, None),
        ("aws:iam/instanceProfile:InstanceProfile", {"name": "imported", "role": "imported"}, None),
        ("aws:iam/accessKey:AccessKey", {"user": user}, None),
        ("aws:iam/userGroupMembership:UserGroupMembership", {"user": user, "groups": [group]}, f"{user}/{group}"),
        ("aws:ssm/parameter:Parameter", {"name": "/imported", "type": "SecureString", "value": "x"}, None),
        ("aws:ssm/document:Document", {"name": "imported", "documentType": "Command", "content": DOCUMENT}, None),
        ("aws:iam/openIdConnectProvider:OpenIdConnectProvider", {"url": URL, "clientIdLists": ["a"]}, None),
        ("aws:kms/key:Key", {"description": "imported", "enableKeyRotation": True, "tags": {"a": "b"}}, None),
        ("aws:kms/alias:Alias", {"name": "alias/imported", "targetKeyId": key}, None),
        ("aws:s3/bucket:Bucket", {"bucket": "imported", "tags": {"a": "b"}}, None),
        ("aws:sns/topic:Topic", {"name": "imported", "tags": {"a": "b"}}, None),
        ("aws:sns/topicPolicy:TopicPolicy", {"arn": TOPIC, "policy": PUBLISH}, None),
        ("aws:sns/topicSubscription:TopicSubscription", SUBSCRIPTION, None),
        ("aws:cloudwatch/metricAlarm:MetricAlarm", ALARM, None),
        *(
            (f"aws:s3/{kind[0].lower()}{kind[1:]}:{kind}", {"bucket": "imported", **inputs}, None)
            for kind, inputs in BUCKET.items()
        ),
    ]
    for token, inputs, import_id in cases:
        made, checked, _ = make(plugin, token, **inputs)
        id_, state, read = plugin.read(token, import_id or made)
        assert id_, token
        difference = plugin.diff(token, state, read, checked)
        replaced = list(difference.replaces)
        assert replaced == [], token
        # AWS does not know inputs such as how to delete.
        changed = set(difference.diffs) - {
            "bypassPolicyLockoutSafetyCheck",
            "deletionWindowInDays",
            "forceDestroy",
            "finalSnapshot",
            "forceDetachPolicies",
            "revokeRulesOnDelete",
        }
        assert changed == set(), token


def test_new_content_of_a_document_becomes_its_default_version(plugin: Any) -> None:
    token = "aws:ssm/document:Document"
    id_, checked, state = make(plugin, token, documentType="Command", content=DOCUMENT)
    new, _ = plugin.check(token, {**checked, "content": DOCUMENT.replace("2.2", "2.0")})
    difference = plugin.diff(token, state, checked, new)
    assert list(difference.replaces) == []
    changed = plugin.update(token, id_, state, checked, new)
    assert (changed["latestVersion"], changed["defaultVersion"]) == ("2", "2")
    # AWS refuses content that an earlier version has; the real provider then keeps the newest one.
    back = plugin.update(token, id_, changed, new, checked)
    assert (back["content"], back["defaultVersion"]) == (new["content"], "2")
    assert plugin.check(token, {**checked, "name": "with blank"})[1]


@pytest.mark.parametrize(
    "wrong",
    [
        {"associationName": "a b"},
        {"documentVersion": "newest"},
        {"maxConcurrency": "0"},
        {"maxErrors": "101%"},
        {"complianceSeverity": "medium"},
        {"targets": [{"key": f"tag:{number}", "values": ["on"]} for number in range(6)]},
    ],
    ids=str,
)
def test_invalid_associations_are_refused(plugin: Any, wrong: dict[str, Any]) -> None:
    token = "aws:ssm/association:Association"
    right = {"name": "doc", "targets": [{"key": "tag:Monitoring", "values": ["on"]}], "documentVersion": "1"}
    assert not plugin.check(token, right)[1]
    assert plugin.check(token, {**right, **wrong})[1]


def test_an_alarm_changes_in_place_and_is_not_overwritten(plugin: Any) -> None:
    token = "aws:cloudwatch/metricAlarm:MetricAlarm"
    id_, checked, state = make(plugin, token, **{**ALARM, "name": "mine"})
    with pytest.raises(grpc.RpcError, match="already exists"):
        plugin.create(token, checked)
    new, _ = plugin.check(token, {**ALARM, "name": "mine", "dimensions": {"InstanceId": "i-2"}, "tags": {"b": "c"}})
    assert list(plugin.diff(token, state, checked, new).replaces) == []
    changed = plugin.update(token, id_, state, checked, new)
    assert changed["dimensions"] == {"InstanceId": "i-2"} and changed["tagsAll"]["b"] == "c"
    for wrong in ({"alarmActions": ["recover"]}, {"comparisonOperator": ">"}, {"period": 45}, {"statistic": "Most"}):
        assert plugin.check(token, {**ALARM, **wrong})[1]


def test_a_missing_resource_reads_as_gone_and_deletes_without_an_error(plugin: Any) -> None:
    gone = {
        "aws:ec2/securityGroup:SecurityGroup": "sg-00000000000000000",
        "aws:ebs/volume:Volume": "vol-00000000000000000",
        "aws:ec2/instance:Instance": "i-00000000000000000",
        "aws:ec2/eip:Eip": "eipalloc-00000000",
        "aws:ec2/eipAssociation:EipAssociation": "eipassoc-00000000",
        "aws:ec2/networkInterface:NetworkInterface": "eni-00000000000000000",
        "aws:iam/policy:Policy": "arn:aws:iam::123456789012:policy/none",
        "aws:iam/role:Role": "none",
        "aws:iam/rolePolicy:RolePolicy": "none:none",
        "aws:iam/instanceProfile:InstanceProfile": "none",
        "aws:iam/group:Group": "none",
        "aws:iam/user:User": "none",
        "aws:iam/openIdConnectProvider:OpenIdConnectProvider": f"arn:aws:iam::123456789012:oidc-provider/{URL[8:]}x",
        "aws:kms/key:Key": "00000000-0000-0000-0000-000000000000",
        "aws:kms/alias:Alias": "alias/none",
        "aws:ssm/parameter:Parameter": "/none",
        "aws:ssm/document:Document": "none",
        "aws:s3/bucket:Bucket": "none",
        "aws:cloudwatch/metricAlarm:MetricAlarm": "none",
        "aws:sns/topic:Topic": TOPIC + "-gone",
        "aws:sns/topicSubscription:TopicSubscription": TOPIC + "-gone:0d2f4e9a-0000-4000-8000-000000000000",
        **{f"aws:s3/{kind[0].lower()}{kind[1:]}:{kind}": "none" for kind in BUCKET},
    }
    for token, id_ in gone.items():
        assert plugin.read(token, id_)[0] == "", token
        plugin.delete(token, id_, {"name": id_})


def test_a_replacement_with_a_given_name_deletes_first(plugin: Any) -> None:
    token = "aws:iam/role:Role"
    for given, first in (({"name": "fixed"}, True), ({}, False)):
        old, _ = plugin.check(token, {"assumeRolePolicy": TRUST, **given})
        new, _ = plugin.check(token, {"assumeRolePolicy": TRUST, "path": "/other/", **given}, old=old)
        answer = plugin.diff(token, old, old, new)
        assert (list(answer.replaces), answer.deleteBeforeReplace) == (["path"], first)


def test_a_rule_s_source_can_change_its_value_but_not_its_type(plugin: Any) -> None:
    token = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
    old = {"securityGroupId": "sg-1", "ipProtocol": "tcp", "cidrIpv4": "192.0.2.0/24"}
    assert not plugin.diff(token, old, old, {**old, "cidrIpv4": "192.0.3.0/24"}).replaces
    other = {key: value for key, value in old.items() if key != "cidrIpv4"} | {"cidrIpv6": "2001:db8::/32"}
    assert plugin.diff(token, old, old, other).replaces


def test_a_rule_needs_exactly_one_source(plugin: Any) -> None:
    token = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
    rule = {"securityGroupId": UNKNOWN, "ipProtocol": "tcp"}
    _, failures = plugin.check(token, rule)
    assert "Exactly one of these" in failures["cidrIpv4"]
    _, failures = plugin.check(token, {**rule, "cidrIpv4": "198.18.0.1/15"})
    assert "has host bits set" in failures["cidrIpv4"]


def test_a_preview_knows_all_tags(plugin: Any) -> None:
    plugin.configure(region="eu-central-1", defaultTags='{"tags": {"Project": "p", "Name": "default"}}')
    checked, _ = plugin.check("aws:ec2/eip:Eip", {"tags": {"Name": "own"}})
    _, planned = plugin.create("aws:ec2/eip:Eip", checked, preview=True)
    assert planned["tagsAll"] == {"Project": "p", "Name": "own"}
    assert planned["publicIp"] is UNKNOWN


def test_a_volume_can_be_attached_once_and_cannot_shrink(plugin: Any) -> None:
    attachment, volume = "aws:ec2/volumeAttachment:VolumeAttachment", "aws:ebs/volume:Volume"
    zone = plugin.invoke("aws:ec2/getSubnets:getSubnets", {})["ids"][0]
    place = plugin.invoke("aws:ec2/getSubnet:getSubnet", {"id": zone})["availabilityZone"]
    disk, old, state = make(plugin, volume, availabilityZone=place, size=5)
    with pytest.raises(grpc.RpcError, match="New size cannot be smaller"):
        plugin.update(volume, disk, state, old, {**old, "size": 4})
    servers = [
        make(plugin, "aws:ec2/instance:Instance", ami=ARM, instanceType="t4g.small", subnetId=zone) for _ in range(2)
    ]
    first = {"deviceName": "/dev/sdf", "volumeId": disk, "instanceId": servers[0][0]}
    id_, _, attached = make(plugin, attachment, **first)
    imported, _, inputs = plugin.read(attachment, f"/dev/sdf:{disk}:{servers[0][0]}")
    assert imported
    assert inputs.items() >= first.items()
    with pytest.raises(grpc.RpcError, match=r"VolumeInUse: .* is already attached"):
        plugin.create(attachment, {**first, "instanceId": servers[1][0]})
    plugin.delete(attachment, id_, attached)
    assert plugin.read(attachment, id_, attached)[0] == ""


def test_an_instance_s_type_must_have_its_image_s_architecture(plugin: Any) -> None:
    with pytest.raises(grpc.RpcError, match="The architecture 'arm64' of the specified instance type does not match"):
        plugin.create("aws:ec2/instance:Instance", {"ami": latest(REGION, "amd64"), "instanceType": "t4g.small"})
    id_, old, state = make(plugin, "aws:ec2/instance:Instance", ami=ARM, instanceType="t4g.small")
    with pytest.raises(grpc.RpcError, match="The architecture 'x86_64' of the specified instance type does not match"):
        plugin.update("aws:ec2/instance:Instance", id_, state, old, {**old, "instanceType": "t3.small"})


@pytest.mark.parametrize(
    ("before", "after", "replaced"),
    [("t4g.small", "t4g.medium", []), ("t2.small", "t3.small", []), ("t4g.small", "t3.small", ["instanceType"])],
)
def test_another_architecture_replaces_an_instance(plugin: Any, before: str, after: str, replaced: list[str]) -> None:
    old = {"ami": ARM, "instanceType": before}
    assert list(plugin.diff("aws:ec2/instance:Instance", old, old, {**old, "instanceType": after}).replaces) == replaced


def test_changing_to_an_unknown_instance_type_is_refused(plugin: Any) -> None:
    token = "aws:ec2/instance:Instance"
    id_, old, state = make(plugin, token, ami=ARM, instanceType="t4g.small")
    with pytest.raises(grpc.RpcError, match="InvalidInstanceType: The following supplied instance types do not exist"):
        plugin.update(token, id_, state, old, {**old, "instanceType": "t99.huge"})


def test_termination_protection_is_honoured(plugin: Any) -> None:
    token = "aws:ec2/instance:Instance"
    id_, old, state = make(plugin, token, ami=ARM, instanceType="t4g.small", disableApiTermination=True)
    assert state["disableApiTermination"] is True
    with pytest.raises(grpc.RpcError, match=r"deleting EC2 Instance: .*OperationNotPermitted"):
        plugin.delete(token, id_, state)
    new = {**old, "disableApiTermination": False}
    plugin.delete(token, id_, plugin.update(token, id_, state, old, new))
    assert plugin.read(token, id_, state)[0] == ""


def test_user_data_only_replaces_if_requested(plugin: Any) -> None:
    token = "aws:ec2/instance:Instance"
    old = {"userData": "a", "userDataReplaceOnChange": False}
    assert not plugin.diff(token, old, old, {**old, "userData": "b"}).replaces
    asked = {"userData": "b", "userDataReplaceOnChange": True}
    assert list(plugin.diff(token, old, old, asked).replaces) == ["userData"]


def test_a_root_volume_setting_that_is_not_given_is_no_change(plugin: Any) -> None:
    token = "aws:ec2/instance:Instance"
    old = {"rootBlockDevice": {"encrypted": True, "volumeSize": 8}}
    new = {"rootBlockDevice": {"encrypted": True}}
    assert plugin.diff(token, {**old, "tagsAll": {}}, old, new).changes == proto.DiffResponse.DIFF_NONE
    fewer = {"rootBlockDevice": {"encrypted": False, "volumeSize": 8}}
    assert list(plugin.diff(token, old, old, fewer).replaces) == ["rootBlockDevice"]


def test_intelligent_tiering_makes_long_parameters_advanced(plugin: Any) -> None:
    token = "aws:ssm/parameter:Parameter"
    long = {"name": "/long", "type": "SecureString", "value": "s" * 5000}
    with pytest.raises(grpc.RpcError, match="Standard tier parameters support a maximum") as caught:
        plugin.create(token, {**long, "value": Secret(long["value"])})
    assert "sssss" not in str(caught.value)
    _, state = plugin.create(token, {**long, "tier": "Intelligent-Tiering"})
    assert isinstance(state["value"], Secret)


def test_lookups_that_find_nothing_or_too_much_are_errors(plugin: Any) -> None:
    owners = {"owners": ["136693071363"]}
    with pytest.raises(grpc.RpcError, match="Your query returned no results"):
        plugin.invoke("aws:ec2/getAmi:getAmi", {**owners, "nameRegex": "^ubuntu"})
    with pytest.raises(grpc.RpcError, match="more than one result"):
        plugin.invoke("aws:ec2/getAmi:getAmi", owners)
    with pytest.raises(grpc.RpcError, match="no matching EC2 VPC found"):
        plugin.invoke("aws:ec2/getVpc:getVpc", {"id": "vpc-00000000"})
    with pytest.raises(grpc.RpcError, match="multiple EC2 Subnets matched"):
        plugin.invoke("aws:ec2/getSubnet:getSubnet", {})
    with pytest.raises(grpc.RpcError, match="query returned no results"):
        plugin.invoke("aws:ec2/getRouteTable:getRouteTable", {"subnetId": "subnet-00000000"})
    with pytest.raises(grpc.RpcError, match="no matching EC2 VPC Endpoint found"):
        plugin.invoke("aws:ec2/getVpcEndpoint:getVpcEndpoint", {"vpcId": "vpc-00000000"})


def test_an_interface_conflicts_with_a_subnet(plugin: Any) -> None:
    own = {"primaryNetworkInterface": {"networkInterfaceId": "eni-00000000000000000"}}
    wanted = {"ami": "ami-00000000", "instanceType": "t4g.small", "subnetId": "subnet-00000000", **own}
    _, failures = plugin.check("aws:ec2/instance:Instance", wanted)
    assert "conflicts with primary_network_interface" in failures["subnetId"]


def test_settings_that_do_not_work_are_refused(
    cloud: Cloud, serve: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_ENDPOINT_URL", cloud.operator_url)
    keys = {"accessKey": cloud.administrator().id, "secretKey": cloud.administrator().secret}
    plugin = serve(AwsProvider())
    assert plugin.check_config(region="eu-nowhere-9") == {"region": "invalid AWS Region: eu-nowhere-9"}
    assert "unknown key" in plugin.check_config(regoin="eu-central-1")["regoin"]
    with pytest.raises(grpc.RpcError) as caught:
        plugin.configure(**keys)
    assert caught.value.details() == NO_REGION
    with pytest.raises(grpc.RpcError, match="AWS account ID not allowed: 123456789012"):
        plugin.configure(region="eu-central-1", allowedAccountIds='["999999999999"]', **keys)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY", raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("HOME", "/nonexistent")
    with pytest.raises(grpc.RpcError, match="No valid credential sources found"):
        plugin.configure(region="eu-central-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://ec2.example.com")
    with pytest.raises(grpc.RpcError, match="AWS_ENDPOINT_URL must be an address of this machine"):
        plugin.configure(region="eu-central-1", **keys)
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    with pytest.raises(grpc.RpcError, match="it is not set"):
        plugin.configure(region="eu-central-1", **keys)


def test_regions_of_all_partitions_are_known() -> None:
    assert {"eu-central-1", "cn-north-1", "us-gov-west-1"} <= known_regions()
