"""The table in docs/security.md that says who reaches what in AWS, and a request for each of its rows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from botocore.exceptions import ClientError

from tests.live.environment import CHECKOUT, Environment
from tests.live.identities import OTHER_STACK, READS, Identity

REFUSALS = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")
CLOUDWATCH_ROLE = "`sts:AssumeRole`, the role that reads CloudWatch"
RECORD = "`route53:ChangeResourceRecordSets`, the proof of the server's name, with `publicCertificate`"
ZONES = "`route53:ListHostedZones`, with `publicCertificate`"
CHANGE = "`route53:GetChange`, with `publicCertificate`"
SOMETIMES = (CLOUDWATCH_ROLE, RECORD, ZONES, CHANGE)
"""Requests that are only answered with certain settings: tests/live/test_role.py, test_public_certificate.py."""
BACKUP, ELSEWHERE = "{stack}/reach/file", "another/file"
PREFIXES = {"resourcegroupstaggingapi": "tag"}
"""The prefix of a service's actions, where it differs from boto3's name for the service."""


def _record(name: str, kind: str, value: str) -> dict[str, Any]:
    record = {"Name": name, "Type": kind, "TTL": 10, "ResourceRecords": [{"Value": value}]}
    return {"HostedZoneId": "{zone}", "ChangeBatch": {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]}}


REQUESTS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "`ssm:GetParametersByPath`, the stack's own folder": ("ssm", "get_parameters_by_path", {"Path": "{path}"}),
    "`ssm:GetParametersByPath`, another stack's folder": ("ssm", "get_parameters_by_path", {"Path": OTHER_STACK}),
    "`ssm:GetParameter`, of the stack's own": ("ssm", "get_parameter", {"Name": "{path}/server-key"}),
    "`ssm:PutParameter`, of the stack's own": (
        "ssm",
        "put_parameter",
        {"Name": "{path}/server-key", "Value": "a", "Type": "String", "Overwrite": True},
    ),
    "`s3:PutObject`, a backup of the stack": ("s3", "put_object", {"Bucket": "{bucket}", "Key": BACKUP}),
    "`s3:PutObject`, elsewhere in the bucket": ("s3", "put_object", {"Bucket": "{bucket}", "Key": ELSEWHERE}),
    "`s3:GetObject`, a backup of the stack": ("s3", "get_object", {"Bucket": "{bucket}", "Key": BACKUP}),
    "`s3:GetObject`, elsewhere in the bucket": ("s3", "get_object", {"Bucket": "{bucket}", "Key": ELSEWHERE}),
    "`s3:ListBucket`, the stack's backups": ("s3", "list_objects_v2", {"Bucket": "{bucket}", "Prefix": "{stack}/"}),
    "`s3:ListBucket`, the whole bucket": ("s3", "list_objects_v2", {"Bucket": "{bucket}"}),
    "`s3:DeleteObject`, a backup of the stack": ("s3", "delete_object", {"Bucket": "{bucket}", "Key": BACKUP}),
    "`s3:PutLifecycleConfiguration`, of the bucket": (
        "s3",
        "put_bucket_lifecycle_configuration",
        {"Bucket": "{bucket}", "LifecycleConfiguration": {"Rules": []}},
    ),
    CLOUDWATCH_ROLE: ("sts", "assume_role", {"RoleArn": "{cloudwatch_role}", "RoleSessionName": "reach"}),
    RECORD: ("route53", "change_resource_record_sets", _record("_acme-challenge.{domain}", "TXT", '"x"')),
    "`route53:ChangeResourceRecordSets`, any other record": (
        "route53",
        "change_resource_record_sets",
        _record("{domain}", "A", "192.0.2.1"),
    ),
    ZONES: ("route53", "list_hosted_zones", {}),
    CHANGE: ("route53", "get_change", {"Id": "C0123"}),
    "`cloudwatch:PutMetricData`": (
        "cloudwatch",
        "put_metric_data",
        {"Namespace": "a", "MetricData": [{"MetricName": "b", "Value": 1}]},
    ),
    "`ec2:DescribeInstanceAttribute`, user data": (
        "ec2",
        "describe_instance_attribute",
        {"InstanceId": "{instance}", "Attribute": "userData"},
    ),
    "`ec2:TerminateInstances`, the server": ("ec2", "terminate_instances", {"InstanceIds": ["{instance}"]}),
    "`iam:CreateAccessKey`": ("iam", "create_access_key", {"UserName": "another"}),
    **{
        f"`{PREFIXES.get(service, service)}:{call.title().replace('_', '')}`": (service, call, arguments)
        for service, call, arguments in READS
    },
}


def documented_table(name: str) -> list[list[str]]:
    """The cells of a table in docs/security.md between comments of that name: its header, then its rows."""
    text = (CHECKOUT / "docs/security.md").read_text()
    lines = text.partition(f"<!-- {name} -->")[2].partition(f"<!-- /{name} -->")[0].strip().splitlines()
    header, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [header, *rows]


def table() -> dict[str, dict[str, bool]]:
    """Request → identity → whether AWS answers it, according to docs/security.md."""
    header, *rows = documented_table("reach-aws")
    assert {cell for row in rows for cell in row[1:]} == {"yes", "no"}
    return {row[0]: dict(zip(header[1:], (cell == "yes" for cell in row[1:]), strict=True)) for row in rows}


def documented_for(identity: str) -> dict[str, bool]:
    """Request → whether AWS answers it to that identity."""
    return {request: cells[identity] for request, cells in table().items()}


def try_requests(identity: Identity, requests: Iterable[str]) -> dict[str, bool]:
    """Request → whether AWS answers it. Raises boto3's error if it is not a refusal."""
    found = {}
    for request in requests:
        try:
            identity.call(*REQUESTS[request])
            found[request] = True
        except ClientError as error:
            if error.response["Error"]["Code"] not in REFUSALS:
                raise
            found[request] = False
    return found


def with_files(environment: Environment) -> Iterator[None]:
    """Put two files into the bucket, so that a refusal is about rights and not about a missing file; they, and what
    was written over them, are deleted afterwards."""
    client, bucket = environment.aws("s3"), environment.outputs["backupBucket"]
    keys = [BACKUP.format(stack=environment.name), ELSEWHERE]
    for key in keys:
        client.put_object(Bucket=bucket, Key=key)
    yield
    for key in keys:
        client.delete_object(Bucket=bucket, Key=key)


def allowed_actions(environment: Environment, arn: str) -> set[str]:
    """Every action that is allowed by the policies of a user's groups, or of a role."""
    iam, name = environment.aws("iam"), arn.split("/")[1]
    if ":assumed-role/" in arn:
        documents = [
            iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
            for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]
        ]
        attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    else:
        assert not iam.list_user_policies(UserName=name)["PolicyNames"]
        assert not iam.list_attached_user_policies(UserName=name)["AttachedPolicies"]
        groups = [group["GroupName"] for group in iam.list_groups_for_user(UserName=name)["Groups"]]
        documents = []
        assert not [policy for group in groups for policy in iam.list_group_policies(GroupName=group)["PolicyNames"]]
        attached = [
            policy
            for group in groups
            for policy in iam.list_attached_group_policies(GroupName=group)["AttachedPolicies"]
        ]
    for policy in attached:
        arn = policy["PolicyArn"]
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        documents.append(iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"])
    actions: set[str] = set()
    for document in documents:
        read = json.loads(document) if isinstance(document, str) else document
        for statement in read["Statement"]:
            assert statement["Effect"] == "Allow"
            given = statement["Action"]
            actions |= {given} if isinstance(given, str) else set(given)
    return actions


def answered_actions(requests: dict[str, bool]) -> set[str]:
    """The actions of the requests that are answered."""
    return {request.split("`")[1] for request, yes in requests.items() if yes}
