"""The resources that a request to IAM is authorized against.

docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from moto.core.exceptions import ServiceException

from sandbox.cloud.permission import Permission, tag_context

NAMES = (
    # In this order: adding a user to a group is an action on the group; attaching a policy to a role, on the role.
    ("GroupName", "group", "get_group"),
    ("InstanceProfileName", "instance-profile", "get_instance_profile"),
    ("RoleName", "role", "get_role"),
    ("UserName", "user", "get_user"),
)

TAGGING = {
    "CreateInstanceProfile": "TagInstanceProfile",
    "CreateOpenIDConnectProvider": "TagOpenIDConnectProvider",
    "CreatePolicy": "TagPolicy",
    "CreateRole": "TagRole",
    "CreateUser": "TagUser",
}
"""The further action that a request needs to tag what it creates
(docs.aws.amazon.com/IAM/latest/UserGuide/access_tags.html#access_tags_control-tags)."""


def needed(response: Any, action: str) -> Iterator[Permission]:
    """The permissions that a request needs. response: moto's, which holds the request. action: without `iam:`."""
    arn, entity = _about(response)
    tags = response._get_param("Tags") or ()
    context = tag_context(_tags(response.backend, entity), tags)
    boundary = response._get_param("PermissionsBoundary") or getattr(entity, "permissions_boundary_arn", None)
    if boundary:
        context["iam:PermissionsBoundary"] = boundary
    if response._get_param("PolicyArn"):
        context["iam:PolicyARN"] = response._get_param("PolicyArn")
    yield Permission(f"iam:{action}", arn, context)
    if tags and action in TAGGING:
        yield Permission(f"iam:{TAGGING[action]}", arn, context)
    if action == "AddRoleToInstanceProfile":
        # An instance profile passes its role to EC2 only.
        role = _arn(response, "role", "get_role", response._get_param("RoleName"))[0]
        yield Permission("iam:PassRole", role, {"iam:PassedToService": "ec2.amazonaws.com"})


def _about(response: Any) -> tuple[str, Any]:
    """The ARN of the request's resource, and moto's object for it, None if it does not exist (yet)."""
    for parameter, kind, getter in NAMES:
        name = response._get_param(parameter)
        if name:
            return _arn(response, kind, getter, name)
    path = response._get_param("Path") or "/"
    if response._get_param("PolicyName"):
        return f"arn:aws:iam::{response.current_account}:policy{path}{response._get_param('PolicyName')}", None
    if response._get_param("PolicyArn"):
        return response._get_param("PolicyArn"), _or_none(response.backend.get_policy, response._get_param("PolicyArn"))
    if response._get_param("OpenIDConnectProviderArn"):
        arn = response._get_param("OpenIDConnectProviderArn")
        return arn, _or_none(response.backend.get_open_id_connect_provider, arn)
    if response._get_param("Url"):
        provider = response._get_param("Url").removeprefix("https://")
        return f"arn:aws:iam::{response.current_account}:oidc-provider/{provider}", None
    return "*", None


def _arn(response: Any, kind: str, getter: str, name: str) -> tuple[str, Any]:
    entity = _or_none(getattr(response.backend, getter), name)
    if entity is not None:
        return str(entity.arn), entity
    # It does not exist (yet): the ARN that it would have.
    return f"arn:aws:iam::{response.current_account}:{kind}{response._get_param('Path') or '/'}{name}", None


def _or_none(getter: Any, name: str) -> Any:
    try:
        return getter(name)
    except ServiceException:
        return None


def _tags(backend: Any, entity: Any) -> dict[str, str]:
    """An entity's tags. moto keeps them as a list, as a dictionary with lowercase keys, and users' tags elsewhere."""
    if entity is None:
        return {}
    found: Iterable[Mapping[str, str]] = getattr(entity, "tags", None) or ()
    if isinstance(found, dict):
        found = found.values()
    tags = {tag["Key"]: tag["Value"] for tag in found}
    return tags or dict(backend.tagger.get_tag_dict_for_resource(entity.arn))
