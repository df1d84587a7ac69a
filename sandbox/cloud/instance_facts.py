"""What the metadata service says about an instance, as a tree below /latest."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

from moto.iam.models import iam_backends

from sandbox.cloud import ACCOUNT
from sandbox.cloud.regions import backends

SCALING_GROUP_TAG = "aws:autoscaling:groupName"
"""The tag that an Auto Scaling group puts on its instances."""

Credentials = Callable[[Any, Any], dict[str, str]]
"""Returns the credentials document of an instance and its role."""


def find(address: str | None) -> Any:
    """The running instance with this private address, or None."""
    for backend in backends():
        for reservation in list(backend.reservations.values()):
            for instance in reservation.instances:
                if instance.state == "running" and instance.private_ip == address:
                    return instance
    return None


def tree(instance: Any, credentials: Credentials) -> dict[str, Any]:
    """Folders as dictionaries; files as text or bytes, or as functions without parameters that produce them on request.

    docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-metadata.html
    """
    zone = instance.placement.zone
    facts: dict[str, Any] = {
        "ami-id": instance.image_id,
        "ami-launch-index": str(instance.ami_launch_index),
        "hostname": instance.private_dns_name,
        "instance-id": instance.id,
        "instance-type": instance.instance_type,
        "local-hostname": instance.private_dns_name,
        "local-ipv4": instance.private_ip,
        "mac": instance.nics[0].mac_address,
        "placement": {"availability-zone": zone, "region": instance.region_name},
        "reservation-id": _reservation(instance),
        "security-groups": "\n".join(sorted(group.name for group in instance.nics[0].group_set)),
        "services": {"domain": "amazonaws.com", "partition": "aws"},
    }
    if instance.public_ip:
        facts |= {"public-hostname": instance.public_dns_name, "public-ipv4": instance.public_ip}
    tags = instance.ec2_backend.tags.get(instance.id, {})
    if instance.metadata_options.instance_metadata_tags == "enabled":
        facts["tags"] = {"instance": dict(tags)}
    if SCALING_GROUP_TAG in tags:
        facts["autoscaling"] = {"target-lifecycle-state": "InService"}
    profile = profile_of(instance)
    if profile is not None:
        information = {"Code": "Success", "InstanceProfileArn": profile.arn, "InstanceProfileId": profile.id}
        facts["iam"] = {"info": json.dumps(information, indent=2)}
        if profile.roles:
            role = profile.roles[0]
            facts["iam"]["security-credentials"] = {
                role.name: lambda: json.dumps(credentials(instance, role), indent=2)
            }
    found: dict[str, Any] = {
        "dynamic": {"instance-identity": {"document": json.dumps(_identity(instance), indent=2)}},
        "meta-data": dict(sorted(facts.items())),
    }
    if instance.user_data:
        # As bytes: user data may be compressed.
        found["user-data"] = base64.b64decode(str(instance.user_data))
    return found


def _reservation(instance: Any) -> str:
    for reservation in instance.ec2_backend.reservations.values():
        if instance in reservation.instances:
            return str(reservation.id)
    return ""


def _identity(instance: Any) -> dict[str, Any]:
    return {
        "accountId": ACCOUNT,
        "architecture": instance.architecture,
        "availabilityZone": instance.placement.zone,
        "imageId": instance.image_id,
        "instanceId": instance.id,
        "instanceType": instance.instance_type,
        "pendingTime": f"{instance.launch_time:%Y-%m-%dT%H:%M:%SZ}",
        "privateIp": instance.private_ip,
        "region": instance.region_name,
        "version": "2017-09-30",
    }


def profile_of(instance: Any) -> Any:
    """The instance's current profile in the local IAM, or None."""
    association = instance.ec2_backend.iam_instance_profile_associations.get(instance.id)
    if association is None:
        return None
    wanted = association.iam_instance_profile.arn
    profiles = iam_backends[ACCOUNT]["aws"].instance_profiles.values()
    return next((profile for profile in profiles if profile.arn == wanted), None)


def lookup(facts: dict[str, Any], path: list[str]) -> bytes | None:
    """The value at a path, None if there is none; for a folder, its entries, one per line.

    As in EC2, the names of folders end in a slash.
    """
    found: Any = facts
    for part in path:
        if not isinstance(found, dict) or part not in found:
            return None
        found = found[part]
    if isinstance(found, dict):
        return "\n".join(f"{name}/" if isinstance(below, dict) else name for name, below in found.items()).encode()
    value = found() if callable(found) else found
    return value if isinstance(value, bytes) else str(value).encode()
