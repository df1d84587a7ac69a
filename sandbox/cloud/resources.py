"""What must be allowed before a request is answered: actions, and the resources as policies name them.

docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from sandbox.cloud import ACCOUNT, alarm_resources, database_resources, ec2_resources, iam_resources, kms_resources
from sandbox.cloud.needed import Needed

PREFIXES = {"tagging": "tag"}
"""Signing names that differ from the prefix of the service's actions (service authorization reference)."""


def needed(response: Any, service: str) -> list[Needed]:
    """All that the request needs, which moto's response object holds. service: its signing name.

    Tags' reading actions know no resources.
    """
    name = str(response._get_action())
    if service in _KNOWN:
        return list(_KNOWN[service](response, name))
    about = response._get_param("RoleArn") if service == "sts" else None
    return [Needed(f"{PREFIXES.get(service, service)}:{name}", about or "*")]


def _ssm(response: Any, action: str) -> list[Needed]:
    """Parameters by name, several for GetParameters; a path as it was written, with its slash at the end.

    docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-access.html
    """
    names = response._get_param("Names")
    if not names:
        one = response._get_param("Name") or response._get_param("Path") or response._get_param("ResourceId")
        names = [one] if one else []
    # A new parameter's tags need an action of their own (API_PutParameter, Tags).
    actions = [action, *(["AddTagsToResource"] if action == "PutParameter" and response._get_param("Tags") else [])]
    found = [_parameter(str(name), response.region) for name in names] or [f"arn:aws:ssm:{response.region}:{ACCOUNT}:*"]
    return [Needed(f"ssm:{each}", arn) for each in actions for arn in found]


def _parameter(name: str, region: str) -> str:
    if name.startswith("arn:"):
        return name
    # `name:3` and `name:label` are versions of one parameter.
    return f"arn:aws:ssm:{region}:{ACCOUNT}:parameter/{name.partition(':')[0].removeprefix('/')}"


_KNOWN: dict[str, Callable[[Any, str], Iterable[Needed]]] = {
    "ec2": ec2_resources.needed,
    "iam": iam_resources.needed,
    "kms": kms_resources.needed,
    "monitoring": alarm_resources.of_cloudwatch,
    "secretsmanager": database_resources.of_secrets,
    "sns": alarm_resources.of_sns,
    "ssm": _ssm,
    "timestream-influxdb": database_resources.of_timestream,
}
"""By the service's signing name."""
