"""Another account of the local AWS, for the setting `cloudwatchAccounts`: an instance with metrics, and a role."""

from __future__ import annotations

import datetime
from typing import Any

from program.policies import read_cloudwatch, trusting
from sandbox.cloud import ANOTHER_ACCOUNT
from tests.live.environment import Environment

REGION, NAME, CPU = "us-east-1", "shop-web", 42.0
ROLE = f"arn:aws:iam::{ANOTHER_ACCOUNT}:role/teams/grafana"
SETTING = {"name": "shop", "roleArn": ROLE, "externalId": "shop/1", "region": REGION}
UID = "cloudwatch-shop"


def instance(environment: Environment) -> str:
    """The id of that account's only instance, which is made when there is none."""
    ec2 = environment.aws("ec2", ANOTHER_ACCOUNT, REGION)
    named = [{"Name": "tag:Name", "Values": [NAME]}]
    found = [one for each in ec2.describe_instances(Filters=named)["Reservations"] for one in each["Instances"]]
    if found:
        return str(found[0]["InstanceId"])
    arm = ec2.describe_images(Filters=[{"Name": "architecture", "Values": ["arm64"]}])["Images"][0]["ImageId"]
    tags: list[dict[str, Any]] = [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": NAME}]}]
    request = {"ImageId": arm, "InstanceType": "t4g.small", "MinCount": 1, "MaxCount": 1}
    return str(ec2.run_instances(**request, TagSpecifications=tags)["Instances"][0]["InstanceId"])


def put_metrics(environment: Environment) -> None:
    """A minute of the instance's processor, and the role that lets the stack's user in."""
    moment = datetime.datetime.now(datetime.UTC).replace(second=0, microsecond=0) - datetime.timedelta(minutes=3)
    dimensions = [{"Name": "InstanceId", "Value": instance(environment)}]
    datum = {"MetricName": "CPUUtilization", "Timestamp": moment, "Value": CPU, "Dimensions": dimensions}
    cloudwatch = environment.aws("cloudwatch", ANOTHER_ACCOUNT, REGION)
    cloudwatch.put_metric_data(Namespace="AWS/EC2", MetricData=[datum])
    users = [user["Arn"] for user in environment.aws("iam").list_users()["Users"]]
    (reader,) = [arn for arn in users if ":user/cloudwatch-" in arn]
    give(environment, trusting(reader, SETTING["externalId"]), read_cloudwatch())


def give(environment: Environment, trust: str, policy: str) -> None:
    """The role with these two policies."""
    iam, name = environment.aws("iam", ANOTHER_ACCOUNT), ROLE.rpartition("/")[2]
    try:
        iam.create_role(RoleName=name, Path="/teams/", AssumeRolePolicyDocument=trust)
    except iam.exceptions.EntityAlreadyExistsException:
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=trust)
    iam.put_role_policy(RoleName=name, PolicyName="cloudwatch", PolicyDocument=policy)
