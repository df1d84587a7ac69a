"""The aws stand-in with the real engine and a local AWS: the whole life of a stack."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.cloud.images import latest
from tests.sandbox.cloud.conftest import REGION, Cloud, running
from tests.sandbox.plugins.engine import Stack

pytestmark = [pytest.mark.slow, pytest.mark.stand_in]

PROGRAM = Path(__file__).with_name("program")
RESOURCES = 19


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with running(tmp_path_factory.mktemp("cloud")) as started:
        yield started


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, cloud: Cloud) -> Stack:
    return Stack.make(tmp_path_factory.mktemp("stack"), PROGRAM, cloud.environment())


@pytest.fixture(scope="module")
def created(stack: Stack) -> Stack:
    """The stack, after a preview and an up."""
    assert f"{RESOURCES} to create" in stack.preview()
    assert stack.operations(stack.up())["created"] == RESOURCES
    return stack


@pytest.fixture
def aws(cloud: Cloud) -> Any:
    return cloud.client


def test_a_second_run_changes_nothing(created: Stack) -> None:
    created.run("refresh", "--yes", "--skip-preview", "--expect-no-changes")
    created.up("--expect-no-changes")


def test_the_resources_are_as_the_program_says(created: Stack, aws: Any) -> None:
    outputs = created.outputs()
    instance = aws("ec2").describe_instances(InstanceIds=[outputs["instanceId"]])["Reservations"][0]["Instances"][0]
    assert instance["MetadataOptions"]["HttpTokens"] == "required"
    assert instance["ImageId"] == latest(REGION, "arm64")
    assert instance["PublicIpAddress"] == outputs["publicIp"]
    assert [group["GroupId"] for group in instance["SecurityGroups"]] == [outputs["groupId"]]
    root = instance["BlockDeviceMappings"][0]
    assert root["Ebs"]["DeleteOnTermination"] is True
    volume = aws("ec2").describe_volumes(VolumeIds=[outputs["volumeId"]])["Volumes"][0]
    assert (volume["Size"], volume["Encrypted"]) == (10, True)
    assert volume["Attachments"][0]["Device"] == "/dev/sdf"
    rules = aws("ec2").describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [outputs["groupId"]]}])
    # AWS's own allow-all rule is gone; only the program's exists.
    assert sorted(rule["IsEgress"] for rule in rules["SecurityGroupRules"]) == [False, True]
    parameter = aws("ssm").get_parameter(Name="/stand-ins/password", WithDecryption=True)["Parameter"]
    assert (parameter["Type"], parameter["Value"]) == ("SecureString", "first-secret-value")


def test_secrets_are_encrypted_in_the_state(created: Stack) -> None:
    state = created.run("stack", "export")
    outputs = created.outputs()
    assert "first-secret-value" not in state
    assert outputs["keySecret"] not in state
    assert outputs["keyId"] in state


def test_volume_rule_parameter_and_instance_type_change_in_place(created: Stack, aws: Any) -> None:
    before = created.outputs()
    created.configure(volumeSize=12, operator="198.18.1.0/24", secret="second-secret-value", instanceType="t4g.medium")
    shown = created.up("--diff")
    assert "second-secret-value" not in shown
    assert "replaced" not in created.operations(shown)
    after = created.outputs()
    assert after["instanceId"] == before["instanceId"]
    assert after["parameter"] == "second-secret-value"
    ec2 = aws("ec2")
    assert ec2.describe_volumes(VolumeIds=[after["volumeId"]])["Volumes"][0]["Size"] == 12
    instance = ec2.describe_instances(InstanceIds=[after["instanceId"]])["Reservations"][0]["Instances"][0]
    assert (instance["InstanceType"], instance["State"]["Name"]) == ("t4g.medium", "running")


def test_user_data_changes_in_place_without_replacement(created: Stack, aws: Any) -> None:
    before = created.outputs()["instanceId"]
    created.configure(replace=False, userData="#cloud-config\n# second\n")
    assert created.operations(created.up())["updated"] == 1, "and nothing else"
    assert created.outputs()["instanceId"] == before
    created.run("refresh", "--yes", "--skip-preview", "--expect-no-changes")


def test_replacing_the_instance_keeps_volume_and_address(created: Stack, aws: Any) -> None:
    before = created.outputs()
    created.configure(replace=True, userData="#cloud-config\n# third\n")
    assert "to replace" in created.preview()
    created.up()
    after = created.outputs()
    assert after["instanceId"] != before["instanceId"]
    assert (after["volumeId"], after["publicIp"]) == (before["volumeId"], before["publicIp"])
    ec2 = aws("ec2")
    volume = ec2.describe_volumes(VolumeIds=[after["volumeId"]])["Volumes"][0]
    assert [each["InstanceId"] for each in volume["Attachments"]] == [after["instanceId"]]
    address = ec2.describe_addresses(PublicIps=[after["publicIp"]])["Addresses"][0]
    assert address["InstanceId"] == after["instanceId"]


def test_a_refresh_shows_drift_and_an_up_repairs_it(created: Stack, aws: Any) -> None:
    outputs = created.outputs()
    ec2 = aws("ec2")
    ec2.create_tags(Resources=[outputs["groupId"]], Tags=[{"Key": "Name", "Value": "by hand"}])
    rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [outputs["groupId"]]}])
    ingress = next(rule for rule in rules["SecurityGroupRules"] if not rule["IsEgress"])
    ec2.revoke_security_group_ingress(GroupId=outputs["groupId"], SecurityGroupRuleIds=[ingress["SecurityGroupRuleId"]])
    refreshed = created.operations(created.run("refresh", "--yes", "--skip-preview"))
    assert (refreshed["updated"], refreshed["deleted"]) == (1, 1)
    repaired = created.operations(created.up())
    assert (repaired["updated"], repaired["created"]) == (1, 1), "and nothing else"
    group = ec2.describe_security_groups(GroupIds=[outputs["groupId"]])["SecurityGroups"][0]
    assert {"Key": "Name", "Value": "server"} in group["Tags"]


def test_default_tags_are_set_on_resources_and_volumes(created: Stack, aws: Any) -> None:
    created.run("config", "set", "--path", "aws:defaultTags.tags.Project", "monitoring")
    created.up()
    user = aws("iam").list_user_tags(UserName=created.outputs()["userName"])["Tags"]
    assert {"Key": "Project", "Value": "monitoring"} in user
    volume = aws("ec2").describe_volumes(VolumeIds=[created.outputs()["volumeId"]])["Volumes"][0]
    assert {"Key": "Project", "Value": "monitoring"} in volume["Tags"]
    created.up("--expect-no-changes")


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"userData": "x" * 16385}, "expected length of user_data to be in the range (0 - 16384), got 16385"),
        ({"secret": "s" * 4097}, "Standard tier parameters support a maximum parameter value of 4096"),
    ],
)
def test_mistakes_are_reported_in_one_line(created: Stack, settings: dict[str, str], expected: str) -> None:
    """One that the plugin refuses, and one that AWS refuses; test_aws.py has more."""
    file = created.folder / "Pulumi.dev.yaml"
    before = file.read_text()
    created.configure(**settings)
    try:
        lines = [line for line in created.up(fails=True).splitlines() if expected in line]
        assert lines
        assert "ssssssss" not in "".join(lines)
    finally:
        file.write_text(before)


def test_destroy_leaves_nothing_behind(created: Stack, aws: Any) -> None:
    created.run("destroy", "--yes", "--skip-preview")
    ec2, iam = aws("ec2"), aws("iam")
    states = [
        instance["State"]["Name"]
        for reservation in ec2.describe_instances()["Reservations"]
        for instance in reservation["Instances"]
    ]
    assert set(states) == {"terminated"}
    assert ec2.describe_volumes()["Volumes"] == []
    assert ec2.describe_addresses()["Addresses"] == []
    assert [user["UserName"] for user in iam.list_users()["Users"]] == ["administrator"]
    assert iam.list_roles()["Roles"] == []
    assert iam.list_instance_profiles()["InstanceProfiles"] == []
    assert aws("ssm").describe_parameters()["Parameters"] == []
