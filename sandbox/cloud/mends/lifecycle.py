"""Mends of what happens to an instance later: volumes, stopping, termination, its console."""

from __future__ import annotations

import base64
import time
from pathlib import Path
from threading import Thread
from typing import Any

from moto.core.responses import ActionResult
from moto.core.types import Base64EncodedString
from moto.core.utils import utcnow
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.elastic_block_store import EBSBackend
from moto.ec2.models.instances import Instance, InstanceBackend, MetadataOptions
from moto.ec2.responses.general import General

from sandbox.cloud.mends.network import forget
from sandbox.place import Place

CONSOLE_BYTES = 65536
"""GetConsoleOutput returns the newest 64 KB (API_GetConsoleOutput)."""

PENDING, RUNNING = 0, 16
"""Codes of an instance's states (API_InstanceState)."""

BOOT_SECONDS = 60
"""After which an instance counts as running though nobody booted its machine."""

NEEDS_STOP = frozenset({"instance_type", "user_data", "kernel", "ramdisk"})
"""Attributes of an EBS-backed instance that change only while it is stopped (API_ModifyInstanceAttribute)."""


def apply(place: Place) -> None:
    """Mend attachment, modification, start and stop, termination and console."""
    _one_attachment_a_volume()
    _changes_need_a_stop()
    _terminated_is_the_end()
    _started_is_booted(place)
    _reboots_its_machine(place)
    _orderly_termination()
    _metadata_options_stay()
    _console(place)


def _one_attachment_a_volume() -> None:
    """AWS: a volume in use or in another zone, or a device in use, is refused (API_AttachVolume).

    moto: attaches a volume twice, and its first instance then cannot be terminated.
    """
    original = EBSBackend.attach_volume

    def attach_volume(
        self: Any, volume_id: str, instance_id: str, device_path: str, *arguments: Any, **named: Any
    ) -> Any:
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

    EBSBackend.attach_volume = attach_volume  # type: ignore[method-assign]


def _changes_need_a_stop() -> None:
    """AWS: type and user data of a running instance cannot be changed. moto: changes them under it."""
    original = InstanceBackend.modify_instance_attribute

    def modify_instance_attribute(self: Any, instance_id: str, key: str, value: Any) -> Any:
        if key in NEEDS_STOP and self.get_instance(instance_id).state != "stopped":
            raise EC2ClientError(
                "IncorrectInstanceState", f"The instance '{instance_id}' is not in the 'stopped' state."
            )
        return original(self, instance_id, key, value)

    InstanceBackend.modify_instance_attribute = modify_instance_attribute  # type: ignore[method-assign]


def _terminated_is_the_end() -> None:
    """AWS: a terminated instance cannot be started or stopped. moto: brings it back."""
    for name, done in (("start", "started"), ("stop", "stopped"), ("reboot", "rebooted")):
        _refuse_for_terminated(f"{name}_instances", done)


def _refuse_for_terminated(name: str, done: str) -> None:
    original = getattr(InstanceBackend, name)

    def mended(self: Any, instance_ids: list[str]) -> Any:
        for instance in self.get_multi_instances_by_id(instance_ids):
            if instance.state == "terminated":
                raise EC2ClientError(
                    "IncorrectInstanceState",
                    f"The instance '{instance.id}' is not in a state from which it can be {done}.",
                )
        return original(self, instance_ids)

    setattr(InstanceBackend, name, mended)


def _started_is_booted(place: Place) -> None:
    """AWS: an instance that is started is pending until its machine boots. moto: was stopped and runs again before
    anybody who looks each second has seen it stopped, so the machine is asked for a boot, and waited for."""
    original = InstanceBackend.start_instances

    def start_instances(self: Any, instance_ids: list[str]) -> Any:
        stopped = [each for each in self.get_multi_instances_by_id(instance_ids) if each.state == "stopped"]
        answer = original(self, instance_ids)
        for instance in stopped:
            request = place.state / "machines" / instance.id / "reboot"
            if request.parent.is_dir():
                request.touch()
                instance._state.name, instance._state.code = "pending", PENDING
                Thread(target=_runs_once_booted, args=(instance, request), daemon=True).start()
        return answer

    InstanceBackend.start_instances = start_instances  # type: ignore[method-assign]


def _reboots_its_machine(place: Place) -> None:
    """AWS: an instance that is rebooted is `running` all the time (API_RebootInstances). moto: stays as it is."""
    original = InstanceBackend.reboot_instances

    def reboot_instances(self: Any, instance_ids: list[str]) -> Any:
        answer = original(self, instance_ids)
        for instance in answer:
            request = place.state / "machines" / instance.id / "reboot"
            if request.parent.is_dir():
                request.touch()
        return answer

    InstanceBackend.reboot_instances = reboot_instances  # type: ignore[method-assign]


def _runs_once_booted(instance: Instance, request: Path) -> None:
    """Whoever boots the machine takes the request away."""
    until = time.monotonic() + BOOT_SECONDS
    while request.exists() and time.monotonic() < until:
        time.sleep(0.1)
    if instance.state == "pending":
        instance._state.name, instance._state.code = "running", RUNNING


def _orderly_termination() -> None:
    """AWS: termination frees elastic IPs, kept volumes, and addresses. moto: leaves them pointing at the instance."""
    original = InstanceBackend.terminate_instances
    dns_name = vars(Instance)["private_dns_name"].fget

    def terminate_instances(self: Any, instance_ids: list[str]) -> Any:
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
            interfaces = list(instance.nics.values())
            for address in self.addresses:
                if address.eni in interfaces:
                    forget(address)
            for interface in interfaces:
                interface.public_ip = interface.private_ip_address = None
                interface.private_ip_addresses = []
        before = [(each, each.instance_state) for each in self.get_multi_instances_by_id(instance_ids)]
        return answer + [pair for pair in before if pair[0] not in fresh]

    InstanceBackend.terminate_instances = terminate_instances  # type: ignore[method-assign]
    Instance.private_dns_name = property(  # type: ignore[method-assign, assignment]
        lambda self: dns_name(self) if self.private_ip else ""
    )


def _metadata_options_stay() -> None:
    """AWS: options that are not named stay (API_ModifyInstanceMetadataOptions). moto: resets them."""

    def modify(self: Any, instance_id: str, **named: Any) -> MetadataOptions:
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

    InstanceBackend.modify_instance_metadata_options = modify  # type: ignore[method-assign, assignment]


def _console(place: Place) -> None:
    """AWS: what the instance wrote to its console. moto: the same ten lines for everybody."""

    def get_console_output(self: Any) -> ActionResult:
        instance = self.ec2_backend.get_instance(self._get_param("InstanceId"))
        log = place.state / "machines" / instance.id / "console.log"
        written = log.read_bytes()[-CONSOLE_BYTES:] if log.exists() else b""
        output = Base64EncodedString.from_encoded_bytes(base64.b64encode(written))
        return ActionResult({"InstanceId": instance.id, "Timestamp": utcnow(), "Output": output})

    General.get_console_output = get_console_output  # type: ignore[method-assign]
