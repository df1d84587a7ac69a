"""Another account of the local AWS for the setting `cloudwatchAccounts`: an instance with metrics, a role, and what
Grafana shows of them."""

from __future__ import annotations

import datetime
from typing import Any

from program.policies import read_cloudwatch, trusting
from sandbox.cloud import ANOTHER_ACCOUNT
from sandbox.viewer.queries import PanelQuery, TimeRange, panel_queries
from tests.live.environment import Environment
from tests.live.panels import ask

REGION, NAME, CPU = "us-east-1", "shop-web", 42.0
ROLE = f"arn:aws:iam::{ANOTHER_ACCOUNT}:role/teams/grafana"
SETTING = {"name": "shop", "roleArn": ROLE, "externalId": "shop/1", "region": REGION}
UID = "cloudwatch-shop"


def instance(environment: Environment) -> str:
    """The id of that account's only instance, created if necessary."""
    ec2 = environment.aws("ec2", ANOTHER_ACCOUNT, REGION)
    named = [{"Name": "tag:Name", "Values": [NAME]}]
    found = [one for each in ec2.describe_instances(Filters=named)["Reservations"] for one in each["Instances"]]
    if found:
        return str(found[0]["InstanceId"])
    arm = ec2.describe_images(Filters=[{"Name": "architecture", "Values": ["arm64"]}])["Images"][0]["ImageId"]
    tags: list[dict[str, Any]] = [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": NAME}]}]
    request = {"ImageId": arm, "InstanceType": "t4g.small", "MinCount": 1, "MaxCount": 1}
    return str(ec2.run_instances(**request, TagSpecifications=tags)["Instances"][0]["InstanceId"])


def put_metrics(environment: Environment, reader: str) -> None:
    """Write a minute of the instance's CPU metrics, and create the role. reader: ARN of the identity in the stack's
    account that the role trusts."""
    moment = datetime.datetime.now(datetime.UTC).replace(second=0, microsecond=0) - datetime.timedelta(minutes=3)
    dimensions = [{"Name": "InstanceId", "Value": instance(environment)}]
    datum = {"MetricName": "CPUUtilization", "Timestamp": moment, "Value": CPU, "Dimensions": dimensions}
    cloudwatch = environment.aws("cloudwatch", ANOTHER_ACCOUNT, REGION)
    cloudwatch.put_metric_data(Namespace="AWS/EC2", MetricData=[datum])
    write_role(environment, trusting(reader, SETTING["externalId"]), read_cloudwatch())


def cloudwatch_user(environment: Environment) -> str:
    """The ARN of the user as which Grafana reads CloudWatch."""
    users = [user["Arn"] for user in environment.aws("iam").list_users()["Users"]]
    (reader,) = [arn for arn in users if ":user/cloudwatch-" in arn]
    return str(reader)


def write_role(environment: Environment, trust: str, policy: str) -> None:
    """Create the role with these two policies, or replace its policies."""
    iam, name = environment.aws("iam", ANOTHER_ACCOUNT), ROLE.rpartition("/")[2]
    try:
        iam.create_role(RoleName=name, Path="/teams/", AssumeRolePolicyDocument=trust)
    except iam.exceptions.EntityAlreadyExistsException:
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=trust)
    iam.put_role_policy(RoleName=name, PolicyName="cloudwatch", PolicyDocument=policy)


def gate_path(uid: str = UID) -> str:
    """The path that the last check of `pulumi up` requests from Grafana for the account."""
    asked = f"region={REGION}&namespace=AWS/EC2&metricName=CPUUtilization&dimensionKey=InstanceId"
    return f"/api/datasources/uid/{uid}/resources/dimension-values?{asked}"


def values(environment: Environment, query: PanelQuery) -> dict[str, list[float]]:
    """What a query returns: numbers by series name."""
    frames = ask(environment, query)["A"]["frames"]
    return {frame["schema"]["name"]: [v for v in frame["data"]["values"][1] if v is not None] for frame in frames}


def cpu_use(environment: Environment, account: str) -> dict[str, list[float]]:
    """What the panel "CPU use" of "AWS EC2" shows with an account chosen: values by instance."""
    stored = environment.grafana.get("/api/dashboards/uid/aws-ec2").json()["dashboard"]
    (query,) = (
        query
        for query in panel_queries(stored, {"account": account, "period": "60"}, TimeRange.last(900))
        if query.title == "CPU use"
    )
    assert query.model["datasource"]["uid"] == account
    return values(environment, query)
