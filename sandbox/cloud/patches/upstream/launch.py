"""RunInstances: what AWS refuses, and the defaults it fills in."""

from __future__ import annotations

import base64
import copy
from typing import Any

from moto import settings
from moto.ec2.exceptions import EC2ClientError, MissingParameterError
from moto.ec2.models.instances import InstanceBackend
from moto.ec2.responses.instances import InstanceResponse

from sandbox.cloud.patches.registry import REGISTRY, patch
from sandbox.cloud.patches.upstream import interfaces

USER_DATA_BYTES = 16384
"""Before Base64 encoding (docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-add-user-data.html)."""


# With these, moto itself refuses unknown images and instance types.
REGISTRY.setting(settings, "ENABLE_AMI_VALIDATION", True)
REGISTRY.setting(settings, "EC2_ENABLE_INSTANCE_TYPE_VALIDATION", True)


@patch(InstanceBackend, "run_instances", source="4f521b28")
def run_instances(
    original: Any, self: Any, image_id: str, count: int, user_data: Any, *arguments: Any, **named: Any
) -> Any:
    """AWS: refuses user data over 16 KiB, images of another architecture, and instance types that the zone does not
    have. moto: starts them.

    AWS: chooses a default subnet if none is given; takes the root volume's properties from the image unless the request
    has them; deletes the root volume, and the network interface created for the instance, with the instance. moto:
    chooses an address outside every subnet; keeps the root volume, or creates none if another device is mapped; keeps
    the interface.
    """
    _check_user_data(user_data)
    image = self.describe_images(ami_ids=[image_id] if image_id else [])[0]
    check_architecture(self, image, named.get("instance_type") or "")
    mappings = named["block_device_mappings"] = _mappings(image, named.get("block_device_mappings") or [])
    own = interfaces.use_existing(self, named)
    if not own and not named.get("subnet_id") and not any("SubnetId" in nic for nic in named.get("nics", [])):
        _choose_subnet(self, named)
    _check_zone(self, named)
    reservation = original(self, image_id, count, user_data, *arguments, **named)
    for instance in reservation.instances:
        interfaces.take_groups(instance)
        _finish(self, instance, mappings, named.get("nics") or [])
    return reservation


@patch(InstanceResponse, "_parse_block_device_mapping", source="2fb130f4")
def parse_block_device_mapping(_: Any, self: Any) -> list[dict[str, Any]]:
    """The mappings as they were sent. moto: sets DeleteOnTermination to false and requires a size before its models can
    see the request."""
    return [dict(each) for each in self._get_param("BlockDeviceMappings", [])]


@patch(InstanceResponse, "run_instances", source="053f1ed0")
def run_instances_response(original: Any, self: Any) -> Any:
    """AWS: RunInstances takes DisableApiTermination. moto: it can only be set later, as an attribute."""
    answer = original(self)
    for instance in answer.result.instances:
        instance.disable_api_termination = bool(self._get_param("DisableApiTermination"))
    return answer


def _check_user_data(user_data: Any) -> None:
    size = len(base64.b64decode(str(user_data))) if user_data else 0
    if size > USER_DATA_BYTES:
        raise EC2ClientError(
            "InvalidParameterValue", f"User data is limited to {USER_DATA_BYTES} bytes, and this is {size}."
        )


def check_architecture(backend: Any, image: Any, kind: str) -> None:
    """Refuses an unknown instance type, and one that does not have the image's (or an instance's) architecture."""
    if not kind:
        return
    for found in backend.describe_instance_types([kind]):
        supported = found["ProcessorInfo"]["SupportedArchitectures"]
        if image.architecture not in supported:
            raise EC2ClientError(
                "InvalidParameterValue",
                f"The architecture '{','.join(supported)}' of the specified instance type does not match the "
                f"architecture '{image.architecture}' of the specified AMI. Specify an instance type and an AMI that "
                "have matching architectures, and try again.",
            )


def _check_zone(backend: Any, named: dict[str, Any]) -> None:
    """docs.aws.amazon.com/AWSEC2/latest/UserGuide/troubleshooting-launch.html#troubleshooting-instance-configuration"""
    subnet = named.get("subnet_id") or next((nic["SubnetId"] for nic in named.get("nics", []) if "SubnetId" in nic), "")
    kind = named.get("instance_type") or ""
    zone = backend.get_subnet(subnet).availability_zone if subnet else named.get("placement")
    if not zone or not kind:
        return
    offered = backend.describe_instance_type_offerings("availability-zone", {"instance-type": [kind]})
    zones = sorted(each["Location"] for each in offered)
    if zone not in zones:
        raise EC2ClientError(
            "Unsupported",
            f"Your requested instance type ({kind}) is not supported in your requested Availability Zone ({zone}). "
            f"Please retry your request by not specifying an Availability Zone or choosing {', '.join(zones)}.",
        )


def _mappings(image: Any, wanted: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The image's root device and the request's devices; what the request says about the root device wins."""
    devices = {each["DeviceName"]: copy.deepcopy(each) for each in wanted}
    root = devices.pop(image.root_device_name, {"DeviceName": image.root_device_name})
    own = image.block_device_mappings[0]["Ebs"]
    asked = {key: value for key, value in (root.get("Ebs") or {}).items() if value is not None}
    if int(asked.get("VolumeSize", own["VolumeSize"])) < own["VolumeSize"]:
        raise EC2ClientError(
            "InvalidBlockDeviceMapping",
            f"Volume of size {asked['VolumeSize']}GB is smaller than snapshot '{image.ebs_snapshot.id}', expect "
            f"size >= {own['VolumeSize']}GB",
        )
    kept = ("VolumeSize", "VolumeType", "DeleteOnTermination", "SnapshotId")
    root["Ebs"] = {key: own[key] for key in kept} | asked
    for device in devices.values():
        if device.get("NoDevice") is None and not {"VolumeSize", "SnapshotId"} & set(device.get("Ebs", {})):
            raise MissingParameterError("size or snapshotId")
    return [root, *devices.values()]


def _choose_subnet(backend: Any, named: dict[str, Any]) -> None:
    zones = backend.get_default_subnets()
    zone = named.get("placement") or min(zones, default=None)
    if zone not in zones:
        return  # moto reports what is missing
    if named.get("nics"):
        named["nics"] = [{**nic, "SubnetId": nic.get("SubnetId", zones[zone].id)} for nic in named["nics"]]
    else:
        named["subnet_id"] = zones[zone].id


def _finish(backend: Any, instance: Any, mappings: list[dict[str, Any]], nics: list[dict[str, Any]]) -> None:
    """Set what moto loses: volumes' performance, and that interfaces created for an instance are deleted with it."""
    for mapping in mappings:
        device = instance.block_device_mapping.get(mapping["DeviceName"])
        if device is not None:
            volume = backend.get_volume(device.volume_id)
            volume.iops = mapping["Ebs"].get("Iops") or volume.iops
            volume.throughput = mapping["Ebs"].get("Throughput") or volume.throughput
    given = {int(nic.get("DeviceIndex", 0)): nic for nic in nics}
    for index, interface in instance.nics.items():
        spec = given.get(index, {})
        if "NetworkInterfaceId" not in spec:
            interface.delete_on_termination = spec.get("DeleteOnTermination") is not False
