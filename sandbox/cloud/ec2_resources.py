"""What a request to EC2 is judged about: the resources of each action, with their tags.

docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html. Actions that only describe know no
resources, but for those named here. Any other action is judged about `*`: a policy that names resources then denies
where AWS may allow, never the other way round.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from moto.iam.models import iam_backends

from sandbox.cloud.needed import Needed, tagged

KINDS = {
    "ami": "image",
    "eipalloc": "elastic-ip",
    "eni": "network-interface",
    "i": "instance",
    "sg": "security-group",
    "sgr": "security-group-rule",
    "subnet": "subnet",
    "vol": "volume",
    "vpc": "vpc",
}
"""Beginnings of ids, and the types that ARNs have for them."""

OWNERLESS = frozenset({"image"})
"""Types whose ARNs have no account."""

PRESENT: Mapping[str, tuple[str, ...]] = {
    "AssociateAddress": ("AllocationId", "InstanceId"),
    "AttachVolume": ("InstanceId", "VolumeId"),
    "AuthorizeSecurityGroupEgress": ("GroupId",),
    "AuthorizeSecurityGroupIngress": ("GroupId",),
    "CreateTags": ("Resources",),
    "DeleteSecurityGroup": ("GroupId",),
    "DeleteTags": ("Resources",),
    "DeleteVolume": ("VolumeId",),
    "DescribeInstanceAttribute": ("InstanceId",),
    "DetachVolume": ("InstanceId", "VolumeId"),
    "GetConsoleOutput": ("InstanceId",),
    "ModifyInstanceAttribute": ("InstanceId",),
    "ModifySecurityGroupRules": ("GroupId",),
    "ModifyVolume": ("VolumeId",),
    "MonitorInstances": ("InstanceIds",),
    "ReleaseAddress": ("AllocationId",),
    "RevokeSecurityGroupEgress": ("GroupId",),
    "RevokeSecurityGroupIngress": ("GroupId",),
    "RunInstances": ("ImageId", "SubnetId", "SecurityGroupIds"),
    "StartInstances": ("InstanceIds",),
    "StopInstances": ("InstanceIds",),
    "TerminateInstances": ("InstanceIds",),
    "CreateSecurityGroup": ("VpcId",),
}
"""Actions, and the parameters that name what they are about."""

NEW: Mapping[str, tuple[str, ...]] = {
    "AllocateAddress": ("elastic-ip",),
    "CreateSecurityGroup": ("security-group",),
    "CreateVolume": ("volume",),
    "RunInstances": ("instance", "volume", "network-interface"),
}
"""Actions, and the types of what they make. Tags given along need ec2:CreateTags as well
(docs.aws.amazon.com/AWSEC2/latest/UserGuide/supported-iam-actions-tagging.html)."""


def needed(response: Any, action: str) -> list[Needed]:
    """What must be allowed for the request that moto's response object holds. action: without `ec2:`."""
    found = [*_present(response, action), *_new(response, action), *_passed(response, action)]
    return found or [Needed(f"ec2:{action}", "*", tagged())]


def arn(response: Any, kind: str, id_: str) -> str:
    """The ARN of something of EC2's. id_: `*` for what does not exist yet."""
    owner = "" if kind in OWNERLESS else response.current_account
    return f"arn:aws:ec2:{response.region}:{owner}:{kind}/{id_}"


def _present(response: Any, action: str) -> Iterator[Needed]:
    tags = response._get_param("Tags") if action == "CreateTags" else None
    for id_ in _ids(response, action):
        kind = KINDS.get(id_.rpartition("-")[0])
        if kind is None:
            continue
        context = tagged(response.ec2_backend.tags.get(id_), tags)
        yield Needed(f"ec2:{action}", arn(response, kind, id_), context)
    if action == "RunInstances" and response._get_param("KeyName"):
        yield Needed("ec2:RunInstances", arn(response, "key-pair", response._get_param("KeyName")), tagged())


def _ids(response: Any, action: str) -> Iterator[str]:
    for name in PRESENT.get(action, ()):
        value = response._get_param(name)
        yield from [value] if isinstance(value, str) else value or ()
    if action == "ModifySecurityGroupRules":
        yield from (rule["SecurityGroupRuleId"] for rule in response._get_param("SecurityGroupRules"))
    if action == "DisassociateAddress":
        for address in response.ec2_backend.addresses:
            if address.association_id == response._get_param("AssociationId"):
                yield address.allocation_id


def _new(response: Any, action: str) -> Iterator[Needed]:
    for kind in NEW.get(action, ()):
        tags = _specified(response, kind)
        resource = arn(response, kind, "*")
        yield Needed(f"ec2:{action}", resource, tagged(None, tags))
        if tags:
            yield Needed("ec2:CreateTags", resource, tagged(None, tags) | {"ec2:CreateAction": action})


def _specified(response: Any, kind: str) -> list[Mapping[str, str]]:
    specifications: Iterable[Mapping[str, Any]] = response._get_param("TagSpecifications") or ()
    return [tag for each in specifications if each["ResourceType"] == kind for tag in each.get("Tags", ())]


def _passed(response: Any, action: str) -> Iterator[Needed]:
    """An instance profile hands its role to EC2 (docs: "Grant permissions to pass a role to a service")."""
    profile = response._get_param("IamInstanceProfile") or {}
    if action not in ("RunInstances", "AssociateIamInstanceProfile", "ReplaceIamInstanceProfileAssociation"):
        return
    for known in iam_backends[response.current_account]["aws"].instance_profiles.values():
        if profile and profile.get("Name", profile.get("Arn")) in (known.name, known.arn):
            for role in known.roles:
                yield Needed("iam:PassRole", role.arn, {"iam:PassedToService": "ec2.amazonaws.com"})
