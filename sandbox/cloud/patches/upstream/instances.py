"""Instances after their launch: volumes, changes, stopping, termination."""

from __future__ import annotations

from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.elastic_block_store import EBSBackend
from moto.ec2.models.instances import Instance, InstanceBackend, MetadataOptions

from sandbox.cloud.patches.registry import patch
from sandbox.cloud.patches.upstream import interfaces
from sandbox.cloud.patches.upstream.elastic import detach
from sandbox.cloud.patches.upstream.launch import check_architecture

NEEDS_STOP = frozenset({"instance_type", "user_data", "kernel", "ramdisk"})
"""Attributes of an EBS-backed instance that can change only while it is stopped (API_ModifyInstanceAttribute)."""


@patch(EBSBackend, "attach_volume", source="f4e03c1e")
def attach_volume(
    original: Any, self: Any, volume_id: str, instance_id: str, device_path: str, *arguments: Any, **named: Any
) -> Any:
    """AWS: refuses a volume in use or in another zone, and a device in use (API_AttachVolume).

    moto: attaches a volume twice, and its first instance can then not be terminated.
    """
    volume, instance = self.get_volume(volume_id), self.get_instance(instance_id)
    if volume.attachment:
        raise EC2ClientError(
            "VolumeInUse", f"{volume_id} is already attached to an instance ({volume.attachment.instance.id})"
        )
    if instance.state not in ("running", "stopped"):
        raise EC2ClientError("IncorrectState", f"Instance '{instance_id}' is not 'running'.")
    if volume.zone is not None and volume.zone.name != instance.placement.zone:
        raise EC2ClientError(
            "InvalidVolume.ZoneMismatch",
            f"The volume '{volume_id}' is not in the same availability zone as instance '{instance_id}'",
        )
    if device_path in instance.block_device_mapping:
        raise EC2ClientError(
            "InvalidParameterValue",
            f"Invalid value '{device_path}' for unixDevice. Attachment point {device_path} is already in use",
        )
    return original(self, volume_id, instance_id, device_path, *arguments, **named)


@patch(InstanceBackend, "modify_instance_attribute", source="457ddf88")
def modify_instance_attribute(original: Any, self: Any, instance_id: str, key: str, value: Any) -> Any:
    """AWS: the type and user data of a running instance cannot be changed, nor its type to one that cannot run its
    image, or to an unknown one. moto: changes them."""
    instance = self.get_instance(instance_id)
    if key in NEEDS_STOP and instance.state != "stopped":
        raise EC2ClientError("IncorrectInstanceState", f"The instance '{instance_id}' is not in the 'stopped' state.")
    if key == "instance_type":
        check_architecture(self, instance, value)
    return original(self, instance_id, key, value)


# AWS: a terminated instance cannot be started, stopped or rebooted. moto: revives it.


@patch(InstanceBackend, "start_instances", source="d63bc0ad")
def start_instances(original: Any, self: Any, instance_ids: list[str]) -> Any:
    _refuse_terminated(self, instance_ids, "started")
    return original(self, instance_ids)


@patch(InstanceBackend, "stop_instances", source="122b7220")
def stop_instances(original: Any, self: Any, instance_ids: list[str]) -> Any:
    _refuse_terminated(self, instance_ids, "stopped")
    return original(self, instance_ids)


@patch(InstanceBackend, "reboot_instances", source="629c2f84")
def reboot_instances(original: Any, self: Any, instance_ids: list[str]) -> Any:
    _refuse_terminated(self, instance_ids, "rebooted")
    return original(self, instance_ids)


def _refuse_terminated(backend: Any, instance_ids: list[str], participle: str) -> None:
    for instance in backend.get_multi_instances_by_id(instance_ids):
        if instance.state == "terminated":
            raise EC2ClientError(
                "IncorrectInstanceState",
                f"The instance '{instance.id}' is not in a state from which it can be {participle}.",
            )


@patch(InstanceBackend, "terminate_instances", source="00c52272")
def terminate_instances(original: Any, self: Any, instance_ids: list[str]) -> Any:
    """AWS: termination frees elastic IPs, kept volumes and addresses. moto: leaves them associated."""
    # AWS terminates all or none.
    for instance in self.get_multi_instances_by_id(instance_ids):
        if instance.disable_api_termination:
            raise EC2ClientError(
                "OperationNotPermitted",
                f"The instance '{instance.id}' may not be terminated. Modify its 'disableApiTermination' instance "
                "attribute and try again.",
            )
    fresh = [each for each in self.get_multi_instances_by_id(instance_ids) if each.state != "terminated"]
    answer = original(self, [each.id for each in fresh]) if fresh else []
    for instance in fresh:
        own = list(instance.nics.values())
        for address in self.addresses:
            if address.eni in own:
                detach(address)
        interfaces.detach_kept(instance)
        for interface in instance.nics.values():
            interface.public_ip = interface.private_ip_address = None
            interface.private_ip_addresses = []
    before = [(each, each.instance_state) for each in self.get_multi_instances_by_id(instance_ids)]
    return answer + [pair for pair in before if pair[0] not in fresh]


@patch(Instance, "private_dns_name", source="3e583c93")
def private_dns_name(original: Any, self: Any) -> str:
    """AWS: empty once the instance has no private address. moto: fails."""
    return str(original(self)) if self.private_ip else ""


@patch(InstanceBackend, "modify_instance_metadata_options", source="75cea452")
def modify_instance_metadata_options(_: Any, self: Any, instance_id: str, **named: Any) -> MetadataOptions:
    """AWS: keeps options that are not given (API_ModifyInstanceMetadataOptions). moto: resets them."""
    options: MetadataOptions = self.get_instance(instance_id).metadata_options
    for given, attribute in (
        ("http_tokens", "http_tokens"),
        ("hop_limit", "http_put_response_hop_limit"),
        ("http_endpoint", "http_endpoint"),
        ("http_protocol", "http_protocol_ipv6"),
        ("metadata_tags", "instance_metadata_tags"),
    ):
        if named.get(given) is not None:
            setattr(options, attribute, named[given])
    return options
