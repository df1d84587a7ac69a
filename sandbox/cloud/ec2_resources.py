"""The resources that a request to EC2 is authorized against, with their tags.

docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html. Actions that only describe have no
resources, except for those listed here. Any other action is authorized against `*`, so a policy that names resources
may deny what AWS allows, but never the reverse.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from moto.iam.models import iam_backends

from sandbox.cloud import kms_resources
from sandbox.cloud.permission import Permission, tag_context

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
"""The resource types in ARNs, by the prefix of a resource's id."""

OWNERLESS = frozenset({"image"})
"""Types whose ARNs have no account."""

EXISTING: Mapping[str, tuple[str, ...]] = {
    "AssociateAddress": ("AllocationId", "InstanceId"),
    "AttachVolume": ("InstanceId", "VolumeId"),
    "AuthorizeSecurityGroupEgress": ("GroupId",),
    "AuthorizeSecurityGroupIngress": ("GroupId",),
    "CreateNetworkInterface": ("SubnetId", "Groups"),
    "CreateTags": ("Resources",),
    "DeleteNetworkInterface": ("NetworkInterfaceId",),
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
"""The parameters that name an action's existing resources."""

NEW: Mapping[str, tuple[str, ...]] = {
    "AllocateAddress": ("elastic-ip",),
    "CreateNetworkInterface": ("network-interface",),
    "CreateSecurityGroup": ("security-group",),
    "CreateVolume": ("volume",),
    "RunInstances": ("instance", "volume", "network-interface"),
}
"""The types of the resources that an action creates. If the request has tags, it also needs ec2:CreateTags
(docs.aws.amazon.com/AWSEC2/latest/UserGuide/supported-iam-actions-tagging.html)."""


def needed(response: Any, action: str) -> list[Permission]:
    """The permissions that a request needs. response: moto's, which holds the request. action: without `ec2:`."""
    found = [
        *_existing(response, action),
        *_new(response, action),
        *_passed_roles(response, action),
        *_volume_keys(response, action),
    ]
    return found or [Permission(f"ec2:{action}", "*", tag_context())]


def arn(response: Any, kind: str, id_: str) -> str:
    """The ARN of an EC2 resource. id_: `*` if it does not exist yet."""
    owner = "" if kind in OWNERLESS else response.current_account
    return f"arn:aws:ec2:{response.region}:{owner}:{kind}/{id_}"


def _existing(response: Any, action: str) -> Iterator[Permission]:
    tags = response._get_param("Tags") if action == "CreateTags" else None
    for id_ in _ids(response, action):
        kind = KINDS.get(id_.rpartition("-")[0])
        if kind is None:
            continue
        context = tag_context(response.ec2_backend.tags.get(id_), tags)
        yield Permission(f"ec2:{action}", arn(response, kind, id_), context)
    if action == "RunInstances" and response._get_param("KeyName"):
        yield Permission("ec2:RunInstances", arn(response, "key-pair", response._get_param("KeyName")), tag_context())


def _ids(response: Any, action: str) -> Iterator[str]:
    for name in EXISTING.get(action, ()):
        value = response._get_param(name)
        yield from [value] if isinstance(value, str) else value or ()
    if action == "RunInstances":
        named = (each.get("NetworkInterfaceId") for each in response._get_param("NetworkInterfaces") or ())
        yield from (id_ for id_ in named if id_)
    if action == "ModifySecurityGroupRules":
        yield from (rule["SecurityGroupRuleId"] for rule in response._get_param("SecurityGroupRules"))
    if action == "DisassociateAddress":
        for address in response.ec2_backend.addresses:
            if address.association_id == response._get_param("AssociationId"):
                yield address.allocation_id


def _new(response: Any, action: str) -> Iterator[Permission]:
    for kind in NEW.get(action, ()):
        tags = _specified(response, kind)
        resource = arn(response, kind, "*")
        yield Permission(f"ec2:{action}", resource, tag_context(None, tags))
        if tags:
            yield Permission("ec2:CreateTags", resource, tag_context(None, tags) | {"ec2:CreateAction": action})


def _specified(response: Any, kind: str) -> list[Mapping[str, str]]:
    specifications: Iterable[Mapping[str, Any]] = response._get_param("TagSpecifications") or ()
    return [tag for each in specifications if each["ResourceType"] == kind for tag in each.get("Tags", ())]


def _passed_roles(response: Any, action: str) -> Iterator[Permission]:
    """Permissions to pass an instance profile's role to EC2 (docs: "Grant permissions to pass a role to a service")."""
    profile = response._get_param("IamInstanceProfile") or {}
    if action not in ("RunInstances", "AssociateIamInstanceProfile", "ReplaceIamInstanceProfileAssociation"):
        return
    for known in iam_backends[response.current_account]["aws"].instance_profiles.values():
        if profile and profile.get("Name", profile.get("Arn")) in (known.name, known.arn):
            for role in known.roles:
                yield Permission("iam:PassRole", role.arn, {"iam:PassedToService": "ec2.amazonaws.com"})


def _volume_keys(response: Any, action: str) -> Iterator[Permission]:
    """Permissions for a volume's key, which EC2 uses for the caller, unless AWS manages the key.

    docs.aws.amazon.com/ebs/latest/userguide/ebs-encryption-requirements.html and how-ebs-encryption-works.html
    """
    named: list[str] = []
    if action == "CreateVolume":
        named = [response._get_param("KmsKeyId")]
    elif action == "RunInstances":
        named = [each.get("Ebs", {}).get("KmsKeyId") for each in response._get_param("BlockDeviceMappings") or ()]
    elif action == "AttachVolume":
        volume = response.ec2_backend.volumes.get(response._get_param("VolumeId"))
        named = [volume.kms_key_id] if volume else []
    uses = ["CreateGrant"]
    uses += ["GenerateDataKeyWithoutPlaintext"] if action != "AttachVolume" else []
    uses += ["Decrypt"] if action != "CreateVolume" else []
    for key in named:
        if key and not kms_resources.is_aws_managed(key, response.region):
            for use in uses:
                granted = {"kms:GrantIsForAWSResource": "true"}
                yield kms_resources.via_service(use, key, response.region, "ec2").within(granted)
