"""Identities in AWS, and what they may and may not do."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from sandbox import operator
from tests.live.environment import Environment

METRIC = {"Namespace": "AWS/EC2", "MetricName": "CPUUtilization"}
NOW = datetime.now(UTC)
SPAN = {"StartTime": NOW - timedelta(hours=1), "EndTime": NOW}
OTHER_STACK = "/monitoring/somebody-else"

READS: list[tuple[str, str, dict[str, Any]]] = [
    ("cloudwatch", "list_metrics", {"Namespace": "AWS/EC2"}),
    ("cloudwatch", "get_metric_statistics", {**METRIC, **SPAN, "Period": 300, "Statistics": ["Average"]}),
    (
        "cloudwatch",
        "get_metric_data",
        {**SPAN, "MetricDataQueries": [{"Id": "a", "MetricStat": {"Metric": METRIC, "Period": 300, "Stat": "Sum"}}]},
    ),
    ("cloudwatch", "describe_alarms", {}),
    ("cloudwatch", "describe_alarm_history", {}),
    ("cloudwatch", "describe_alarms_for_metric", METRIC),
    ("ec2", "describe_instances", {}),
    ("ec2", "describe_tags", {}),
    ("ec2", "describe_regions", {}),
    ("resourcegroupstaggingapi", "get_resources", {}),
]
"""Requests for exactly the actions that Grafana's policy allows."""

INSTANCE = {"InstanceIds": ["{instance}"]}

REFUSED: list[tuple[str, str, dict[str, Any], str]] = [
    ("ec2", "stop_instances", INSTANCE, "UnauthorizedOperation"),
    ("ec2", "terminate_instances", INSTANCE, "UnauthorizedOperation"),
    ("ec2", "reboot_instances", INSTANCE, "UnauthorizedOperation"),
    (
        "ec2",
        "create_tags",
        {"Resources": ["{instance}"], "Tags": [{"Key": "a", "Value": "b"}]},
        "UnauthorizedOperation",
    ),
    ("ec2", "run_instances", {"ImageId": "ami-00000001", "MinCount": 1, "MaxCount": 1}, "UnauthorizedOperation"),
    ("ec2", "get_console_output", {"InstanceId": "{instance}"}, "UnauthorizedOperation"),
    (
        "ec2",
        "describe_instance_attribute",
        {"InstanceId": "{instance}", "Attribute": "userData"},
        "UnauthorizedOperation",
    ),
    ("ec2", "describe_security_groups", {}, "UnauthorizedOperation"),
    ("ec2", "describe_volumes", {}, "UnauthorizedOperation"),
    ("ec2", "authorize_security_group_ingress", {"GroupName": "default"}, "UnauthorizedOperation"),
    (
        "cloudwatch",
        "put_metric_data",
        {"Namespace": "a", "MetricData": [{"MetricName": "b", "Value": 1}]},
        "AccessDenied",
    ),
    ("cloudwatch", "delete_alarms", {"AlarmNames": ["a"]}, "AccessDenied"),
    ("cloudwatch", "disable_alarm_actions", {"AlarmNames": ["a"]}, "AccessDenied"),
    ("iam", "list_users", {}, "AccessDenied"),
    ("iam", "create_user", {"UserName": "another"}, "AccessDenied"),
    ("iam", "create_access_key", {"UserName": "another"}, "AccessDenied"),
    ("sts", "assume_role", {"RoleArn": "{role}", "RoleSessionName": "mine"}, "AccessDenied"),
    ("kms", "list_keys", {}, "AccessDeniedException"),
    ("ssm", "put_parameter", {"Name": "/monitoring/a", "Value": "b", "Type": "String"}, "AccessDeniedException"),
    ("ssm", "describe_parameters", {}, "AccessDeniedException"),
    ("ssm", "get_parameter", {"Name": OTHER_STACK + "/server-key", "WithDecryption": True}, "AccessDeniedException"),
    ("ssm", "get_parameters_by_path", {"Path": "/", "Recursive": True}, "AccessDeniedException"),
    ("ssm", "get_parameters_by_path", {"Path": OTHER_STACK, "WithDecryption": True}, "AccessDeniedException"),
    ("ssm", "get_parameters_by_path", {"Path": "{path}-2", "WithDecryption": True}, "AccessDeniedException"),
]
"""What both Grafana's identity and the server's role are refused."""

REFUSED_TO_GRAFANA = [
    (
        "ssm",
        "get_parameter",
        {"Name": "{path}/grafana-admin-password", "WithDecryption": True},
        "AccessDeniedException",
    ),
    ("ssm", "get_parameters_by_path", {"Path": "{path}", "WithDecryption": True}, "AccessDeniedException"),
]
"""What only Grafana's identity is refused."""

REFUSED_TO_THE_SERVER = [
    *((service, call, arguments, "AccessDenied") for service, call, arguments in READS if service == "cloudwatch"),
    ("ec2", "describe_instances", {}, "UnauthorizedOperation"),
    ("resourcegroupstaggingapi", "get_resources", {}, "AccessDeniedException"),
    ("ssm", "delete_parameter", {"Name": "{path}/server-key"}, "AccessDeniedException"),
]
"""What only the server's role is refused."""


@dataclass(frozen=True)
class Identity:
    """An identity in the local AWS, with its credentials."""

    environment: Environment
    credentials: dict[str, str]

    def call(self, service: str, name: str, arguments: dict[str, Any]) -> Any:
        """Call boto3 with this identity's credentials, with the placeholders in the arguments filled in."""
        environment = self.environment
        client = boto3.client(  # type: ignore[call-overload]
            service,
            endpoint_url=environment.place.aws_url,
            region_name=environment.region,
            **self.credentials,
        )
        roles = [role["Arn"] for role in environment.aws("iam").list_roles()["Roles"]]
        known = {
            "instance": environment.instance_id,
            "path": environment.parameters,
            "role": next((arn for arn in roles if "/server-" in arn), ""),
            "cloudwatch_role": next((arn for arn in roles if "/cloudwatch-" in arn), ""),
            "bucket": environment.outputs["backupBucket"],
            "stack": environment.name,
            "zone": operator.zone(environment.place),
            "domain": f"monitoring.{operator.ZONE}",
        }
        return getattr(client, name)(**filled(arguments, known))

    @property
    def arn(self) -> str:
        """Whose credentials these are, according to AWS: a user's, or a role session's."""
        return str(self.call("sts", "get_caller_identity", {})["Arn"])

    def refusal(self, service: str, name: str, arguments: dict[str, Any]) -> str:
        """The error code of a call that must be refused."""
        with pytest.raises(ClientError) as caught:
            self.call(service, name, arguments)
        return str(caught.value.response["Error"]["Code"])


IMDS = """
url=http://169.254.169.254/latest
token=$(curl -sSf -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' $url/api/token)
ask() { curl -sSf -H "X-aws-ec2-metadata-token: $token" "$url/meta-data/$1"; }
ask "iam/security-credentials/$(ask iam/security-credentials/)"
"""


def server_role(environment: Environment) -> Identity:
    """The server's role, with the credentials that the server gets from the metadata service."""
    answer = environment.guest("bash", "-ec", IMDS)
    assert answer.returncode == 0, answer.stderr
    found = json.loads(answer.stdout)
    theirs = {
        "aws_access_key_id": "AccessKeyId",
        "aws_secret_access_key": "SecretAccessKey",
        "aws_session_token": "Token",
    }
    return Identity(environment, {ours: found[name] for ours, name in theirs.items()})


def filled(tree: Any, known: dict[str, str]) -> Any:
    """The arguments with their placeholders filled in."""
    if isinstance(tree, str):
        return tree.format(**known)
    if isinstance(tree, dict):
        return {key: filled(value, known) for key, value in tree.items()}
    return [filled(value, known) for value in tree] if isinstance(tree, list) else tree


def names(table: list[Any]) -> list[str]:
    return [f"{row[0]}.{row[1]}" for row in table]
