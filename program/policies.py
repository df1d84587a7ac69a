"""IAM policies."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence


def document(*statements: Mapping[str, object]) -> str:
    """An IAM policy of these statements, as JSON."""
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def with_key(key: str, service: str, about: tuple[str, str | Sequence[str]], *actions: str) -> dict[str, object]:
    """A statement that lets one of AWS's services use a key for an identity, but only for what is named.

    key: ARN. service: the first part of its host name. about: the encryption context that the service sends, as its
    name and patterns of its values. actions: without `kms:`. docs.aws.amazon.com/kms/latest/developerguide/
    conditions-kms.html (kms:ViaService, kms:EncryptionContext:context-key)
    """
    name, patterns = about
    return {
        "Effect": "Allow",
        "Action": [f"kms:{action}" for action in actions],
        "Resource": key,
        "Condition": {
            "StringEquals": {"kms:ViaService": f"{service}.{key.split(':')[3]}.amazonaws.com"},
            "StringLike": {f"kms:EncryptionContext:{name}": patterns},
        },
    }


def reading_with(key: str | None, parameters: str | Sequence[str]) -> list[dict[str, object]]:
    """Lets the parameter store decrypt parameters (ARNs) with the stack's own key; nothing without one."""
    return [with_key(key, "ssm", ("PARAMETER_ARN", parameters), "Decrypt")] if key else []


_READING: tuple[Mapping[str, object], ...] = (
    {
        "Sid": "ReadMetricsAndAlarms",
        "Effect": "Allow",
        "Action": [
            "cloudwatch:DescribeAlarmsForMetric",
            "cloudwatch:DescribeAlarmHistory",
            "cloudwatch:DescribeAlarms",
            "cloudwatch:ListMetrics",
            "cloudwatch:GetMetricStatistics",
            "cloudwatch:GetMetricData",
        ],
        "Resource": "*",
    },
    {
        "Sid": "ReadInstancesAndRegions",
        "Effect": "Allow",
        "Action": ["ec2:DescribeTags", "ec2:DescribeInstances", "ec2:DescribeRegions"],
        "Resource": "*",
    },
    {"Sid": "ReadTags", "Effect": "Allow", "Action": "tag:GetResources", "Resource": "*"},
)
"""Read-only statements. Only DescribeAlarms and DescribeAlarmHistory could be restricted to resources (alarms), and
neither returns composite alarms unless allowed on all (CloudWatch's API reference)."""


def read_cloudwatch(roles: Sequence[str] = ()) -> str:
    """A policy that lets Grafana read CloudWatch, and assume these roles (ARNs) to read that of their accounts."""
    taking = {"Sid": "TakeRoles", "Effect": "Allow", "Action": "sts:AssumeRole", "Resource": list(roles)}
    return document(*_READING, *([taking] if roles else []))


def trusting(reader: str, external_id: str | None) -> str:
    """A role's trust policy that lets the identity with this ARN assume it, and only with the external ID if there is
    one (docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_common-scenarios_third-party.html)."""
    condition = {"Condition": {"StringEquals": {"sts:ExternalId": external_id}}} if external_id else {}
    return document({"Effect": "Allow", "Principal": {"AWS": reader}, "Action": "sts:AssumeRole", **condition})
