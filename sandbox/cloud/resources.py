"""Which resources a request is about, as policies name them.

docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

from typing import Any

from moto.core.exceptions import ServiceException

from sandbox.cloud import ACCOUNT

IAM_NAMES = (
    # In this order: to put a user into a group is an action on the group, to give a policy to a role on the role.
    ("GroupName", "group", "get_group"),
    ("InstanceProfileName", "instance-profile", "get_instance_profile"),
    ("RoleName", "role", "get_role"),
    ("UserName", "user", "get_user"),
)


def of(response: Any, service: str) -> list[str]:
    """ARNs of what the request reads or changes, `*` where the local AWS tells resources not apart.

    A policy that names resources then denies where AWS may allow (EC2, CloudWatch and tags; the latter two have
    none in their reading actions): stricter than AWS, never softer.
    """
    if service == "ssm":
        return _ssm(response)
    if service == "iam":
        return [_iam(response)]
    if service == "sts":
        return [response._get_param("RoleArn") or "*"]
    return ["*"]


def _ssm(response: Any) -> list[str]:
    """Parameters by name, several for GetParameters; a path as it was written, with its slash at the end.

    docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-access.html
    """
    names = response._get_param("Names")
    if not names:
        one = response._get_param("Name") or response._get_param("Path") or response._get_param("ResourceId")
        names = [one] if one else []
    return [_parameter(str(name), response.region) for name in names] or [f"arn:aws:ssm:{response.region}:{ACCOUNT}:*"]


def _parameter(name: str, region: str) -> str:
    if name.startswith("arn:"):
        return name
    # `name:3` and `name:label` are versions of one parameter.
    return f"arn:aws:ssm:{region}:{ACCOUNT}:parameter/{name.partition(':')[0].removeprefix('/')}"


def _iam(response: Any) -> str:
    for parameter, kind, getter in IAM_NAMES:
        name = response._get_param(parameter)
        if name:
            try:
                return str(getattr(response.backend, getter)(name).arn)
            except ServiceException:  # not there (yet): the ARN it would have
                path = response._get_param("Path") or "/"
                return f"arn:aws:iam::{ACCOUNT}:{kind}{path}{name}"
    if response._get_param("PolicyName"):
        return f"arn:aws:iam::{ACCOUNT}:policy{response._get_param('Path') or '/'}{response._get_param('PolicyName')}"
    return response._get_param("PolicyArn") or "*"
