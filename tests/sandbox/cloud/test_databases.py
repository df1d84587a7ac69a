"""Timestream for InfluxDB: what it refuses, and an instance's network interface and secret."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.cloud.conftest import Cloud, allow, refusal

MULTI_AZ = "WITH_MULTIAZ_STANDBY"


def network(aws: Cloud) -> tuple[list[str], str]:
    """The ids of the default subnets, and of a new security group."""
    ec2 = aws.client("ec2")
    subnets = ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"]
    group = ec2.create_security_group(GroupName=f"db-{uuid.uuid4()}", Description="db", VpcId=subnets[0]["VpcId"])
    return [each["SubnetId"] for each in subnets], group["GroupId"]


def wanted(aws: Cloud, **changed: Any) -> dict[str, Any]:
    subnets, group = network(aws)
    usual = {
        **{"name": f"db-{uuid.uuid4().hex[:8]}", "username": "admin", "password": "pA55w0rd", "organization": "o"},
        **{"bucket": "telegraf", "dbInstanceType": "db.influx.medium", "allocatedStorage": 20},
        **{"vpcSubnetIds": subnets[:1], "vpcSecurityGroupIds": [group]},
    }
    return usual | changed


@pytest.mark.parametrize(
    "changed",
    [
        {"password": "has a blank"},
        {"bucket": "_system"},
        {"allocatedStorage": 16000},
        {"allocatedStorage": 20, "dbStorageType": "InfluxIOIncludedT2"},
        {"dbInstanceType": "db.t4g.small"},
        {"deploymentType": MULTI_AZ},
        {"vpcSubnetIds": ["subnet-0123456789abcdef0"]},
        {"vpcSecurityGroupIds": ["sg-0123456789abcdef0"]},
        {"name": "two--hyphens"},
    ],
    ids=str,
)
def test_what_aws_refuses_is_refused(aws: Cloud, changed: dict[str, Any]) -> None:
    timestream = aws.client("timestream-influxdb")
    before = timestream.list_db_instances()["items"]
    assert refusal(timestream.create_db_instance, **wanted(aws, **changed)) == (400, "ValidationException")
    assert timestream.list_db_instances()["items"] == before


def test_the_administrator_s_login_is_a_secret_that_is_deleted_with_the_instance(aws: Cloud) -> None:
    timestream, secrets = aws.client("timestream-influxdb"), aws.client("secretsmanager")
    made = timestream.create_db_instance(**wanted(aws))
    found = timestream.get_db_instance(identifier=made["id"])
    assert found["status"] == "AVAILABLE"
    arn = found["influxAuthParametersSecretArn"]
    login = json.loads(secrets.get_secret_value(SecretId=arn)["SecretString"])
    assert login == {"organization": "o", "bucket": "telegraf", "username": "admin", "password": "pA55w0rd"}
    timestream.delete_db_instance(identifier=made["id"])
    with pytest.raises(ClientError, match="ResourceNotFound"):
        secrets.get_secret_value(SecretId=arn)


@pytest.mark.parametrize("public", [False, True])
def test_an_instance_s_network_interface_has_its_security_group(aws: Cloud, public: bool) -> None:
    timestream, ec2 = aws.client("timestream-influxdb"), aws.client("ec2")
    asked = wanted(aws, publiclyAccessible=public)
    (group,) = asked["vpcSecurityGroupIds"]
    made = timestream.create_db_instance(**asked)
    about = [{"Name": "description", "Values": [f"timestream-influxdb {made['id']}"]}]
    (interface,) = ec2.describe_network_interfaces(Filters=about)["NetworkInterfaces"]
    assert [each["GroupId"] for each in interface["Groups"]] == [group]
    assert ("Association" in interface) is public
    assert refusal(ec2.delete_security_group, GroupId=group) == (400, "DependencyViolation")
    timestream.delete_db_instance(identifier=made["id"])
    assert ec2.describe_network_interfaces(Filters=about)["NetworkInterfaces"] == []
    ec2.delete_security_group(GroupId=group)


def test_storage_can_only_grow(aws: Cloud) -> None:
    timestream = aws.client("timestream-influxdb")
    id_ = timestream.create_db_instance(**wanted(aws))["id"]
    timestream.update_db_instance(identifier=id_, allocatedStorage=40, dbInstanceType="db.influx.large")
    found = timestream.get_db_instance(identifier=id_)
    assert (found["allocatedStorage"], found["dbInstanceType"]) == (40, "db.influx.large")
    assert refusal(timestream.update_db_instance, identifier=id_, allocatedStorage=20) == (400, "ValidationException")


def test_creating_an_instance_needs_the_right_to_create_its_network_interface(aws: Cloud) -> None:
    making = allow("timestream-influxdb:CreateDbInstance")
    key = aws.user(making)
    denied = refusal(aws.client("timestream-influxdb", key).create_db_instance, **wanted(aws))
    assert denied == (400, "AccessDeniedException")
    key = aws.user(making, allow("ec2:CreateNetworkInterface"))
    assert aws.client("timestream-influxdb", key).create_db_instance(**wanted(aws))["id"]


def test_a_policy_can_require_a_tag_on_the_instance(aws: Cloud) -> None:
    own = {"StringEquals": {"aws:ResourceTag/project": "monitoring"}}
    client = aws.client("timestream-influxdb", aws.user(allow("timestream-influxdb:DeleteDbInstance", Condition=own)))
    administrator = aws.client("timestream-influxdb")
    theirs = administrator.create_db_instance(**wanted(aws, tags={"project": "shop"}))["id"]
    ours = administrator.create_db_instance(**wanted(aws, tags={"project": "monitoring"}))["id"]
    assert refusal(client.delete_db_instance, identifier=theirs) == (400, "AccessDeniedException")
    client.delete_db_instance(identifier=ours)


def test_a_policy_can_allow_reading_a_single_secret(aws: Cloud) -> None:
    secrets = aws.client("secretsmanager")
    one, other = (secrets.create_secret(Name=f"s-{uuid.uuid4()}", SecretString="x")["ARN"] for _ in range(2))
    client = aws.client("secretsmanager", aws.user(allow("secretsmanager:GetSecretValue", resource=one)))
    assert client.get_secret_value(SecretId=one)["SecretString"] == "x"
    assert refusal(client.get_secret_value, SecretId=other) == (400, "AccessDeniedException")
