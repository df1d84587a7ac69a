"""What must be allowed before a request is answered: actions, and the resources as policies name them.

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
from sandbox.cloud.needed import Needed

PREFIXES = {"tagging": "tag"}
"""Signing names that differ from the prefix of the service's actions (service authorization reference)."""


def needed(response: Any, service: str) -> list[Needed]:
    """All that the request needs, which moto's response object holds. service: its signing name.

    Actions that read tags have no resources.
    """
    name = str(response._get_action())
    if service in _KNOWN:
        return list(_KNOWN[service](response, name))
    about = response._get_param("RoleArn") if service == "sts" else None
    return [Needed(f"{PREFIXES.get(service, service)}:{name}", about or "*")]


_KNOWN: dict[str, Callable[[Any, str], Iterable[Needed]]] = {
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
"""By the service's signing name."""
