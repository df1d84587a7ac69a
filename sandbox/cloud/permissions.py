"""The permissions that a request needs: actions, and the resources as policies name them.

docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from sandbox.cloud import (
    alarm_resources,
    database_resources,
    dns_resources,
    ec2_resources,
    iam_resources,
    kms_resources,
    ssm_resources,
)
from sandbox.cloud.permission import Permission

PREFIXES = {"tagging": "tag"}
"""Prefixes of actions, by the service's signing name, where the two differ (service authorization reference)."""


def needed(response: Any, service: str) -> list[Permission]:
    """The permissions that a request needs. response: moto's, which holds the request. service: its signing name."""
    name = str(response._get_action())
    if service in _BY_SERVICE:
        return list(_BY_SERVICE[service](response, name))
    role = response._get_param("RoleArn") if service == "sts" else None
    return [Permission(f"{PREFIXES.get(service, service)}:{name}", role or "*")]


_BY_SERVICE: dict[str, Callable[[Any, str], Iterable[Permission]]] = {
    "ec2": ec2_resources.needed,
    "iam": iam_resources.needed,
    "kms": kms_resources.needed,
    "monitoring": alarm_resources.of_cloudwatch,
    "route53": dns_resources.needed,
    "secretsmanager": database_resources.of_secrets,
    "sns": alarm_resources.of_sns,
    "ssm": ssm_resources.needed,
    "timestream-influxdb": database_resources.of_timestream,
}
"""By the service's signing name. The actions of `tagging`, which read tags, have no resources."""
