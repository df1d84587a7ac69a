"""Mends of moto's EC2."""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Iterator
from typing import Any

from moto.core.responses import ActionResult
from moto.core.types import Base64EncodedString
from moto.core.utils import utcnow
from moto.ec2 import models
from moto.ec2.exceptions import (
    DefaultSubnetAlreadyExistsInAvailabilityZoneError,
    DefaultVpcAlreadyExists,
    DefaultVpcDoesNotExistError,
    EC2ClientError,
)
from moto.ec2.models import elastic_ip_addresses, subnets, vpcs
from moto.ec2.responses.general import General

from sandbox.place import Place

USER_DATA_BYTES = 16384
"""docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-add-user-data.html: before encoding."""

CONSOLE_BYTES = 65536
"""GetConsoleOutput returns the newest 64 KB."""


def apply(place: Place) -> None:
    _default_vpc_of_the_place(place)
    _elastic_addresses_of_the_place(place)
    _strict_launch()
    _orderly_termination()
    _one_attachment_a_volume()
    _console(place)


def backends() -> Iterator[Any]:
    """EC2's backend of every region that was used so far."""
    for account in list(models.ec2_backends.values()):
        yield from list(account.values())


def _default_vpc_of_the_place(place: Place) -> None:
    """AWS: default subnets fill the default VPC, which has an internet gateway. moto: 172.31.0.0/16, no gateway.

    Here the VPC is the place's own network, so that private addresses are those the machines really have.
    """

    def create_default_vpc(self: Any) -> Any:
        if self.describe_vpcs(filters={"is-default": ["true"]}):
            raise DefaultVpcAlreadyExists
        vpc = self.create_vpc(cidr_block=str(place.vpc), is_default=True)
        for zone in self.describe_availability_zones():
            self.create_default_subnet(zone.name)
        gateway = self.create_internet_gateway()
        self.attach_internet_gateway(gateway.id, vpc.id)
        table = self.describe_route_tables(filters={"vpc-id": [vpc.id]})[0]
        self.create_route(table.id, "0.0.0.0/0", gateway_id=gateway.id)
        return vpc

    def create_default_subnet(self: Any, availability_zone: str) -> Any:
        present = self.get_default_subnets()
        if availability_zone in present:
            raise DefaultSubnetAlreadyExistsInAvailabilityZoneError(present[availability_zone].id, availability_zone)
        vpc = self.get_default_vpc()
        if vpc is None:
            raise DefaultVpcDoesNotExistError()
        blocks = list(ipaddress.ip_network(vpc.cidr_block).subnets(new_prefix=27))
        return self.create_subnet(
            vpc_id=vpc.id, cidr_block=str(blocks[len(present)]), availability_zone=availability_zone
        )

    vpcs.VPCBackend.create_default_vpc = create_default_vpc  # type: ignore[method-assign]
    subnets.SubnetBackend.create_default_subnet = create_default_subnet  # type: ignore[method-assign]


def _elastic_addresses_of_the_place(place: Place) -> None:
    """AWS: elastic IPs come from Amazon's pool. moto: any address of 127.0.0.0/8. Here: the place's pool."""

    def next_address() -> str:
        used = {address.public_ip for backend in backends() for address in backend.addresses}
        for address in place.elastic_addresses:
            if str(address) not in used:
                return str(address)
        raise EC2ClientError("AddressLimitExceeded", "The maximum number of addresses has been reached.")

    elastic_ip_addresses.random_ip = next_address  # type: ignore[attr-defined]
    release = elastic_ip_addresses.ElasticAddressBackend.release_address

    def release_address(self: Any, *arguments: Any, **named: Any) -> Any:
        wanted = {*arguments, *named.values()}
        for address in self.addresses:
            if address.association_id and ({address.public_ip, address.allocation_id} & wanted):
                raise EC2ClientError(
                    "InvalidIPAddress.InUse", f"Address {address.public_ip} is in use; disassociate it first."
                )
        return release(self, *arguments, **named)

    elastic_ip_addresses.ElasticAddressBackend.release_address = release_address  # type: ignore[method-assign]


def _strict_launch() -> None:
    """AWS refuses user data over 16 KiB and images of another architecture; moto takes both.

    AWS deletes the root volume with the instance unless told otherwise; moto keeps it once a mapping is given.
    """
    original = models.instances.InstanceBackend.run_instances

    def run_instances(self: Any, image_id: str, count: int, user_data: Any, *arguments: Any, **named: Any) -> Any:
        size = len(base64.b64decode(str(user_data))) if user_data else 0
        if size > USER_DATA_BYTES:
            raise EC2ClientError(
                "InvalidParameterValue",
                f"User data is limited to {USER_DATA_BYTES} bytes, and this is {size}.",
            )
        image = self.describe_images(ami_ids=[image_id])[0]
        wanted = named.get("instance_type") or ""
        for kind in self.describe_instance_types([wanted]) if wanted else []:
            architectures = kind["ProcessorInfo"]["SupportedArchitectures"]
            if image.architecture not in architectures:
                raise EC2ClientError(
                    "InvalidParameterValue",
                    f"The architecture '{','.join(architectures)}' of the specified instance type does not match "
                    f"the architecture '{image.architecture}' of the specified AMI. Specify an instance type and an "
                    "AMI that have matching architectures, and try again.",
                )
        mappings = named.get("block_device_mappings") or []
        root = next((each for each in mappings if each["DeviceName"] == image.root_device_name), None)
        if root is None:
            root = {"DeviceName": image.root_device_name, "Ebs": {}}
            mappings = [root, *mappings]
        root["Ebs"] = {"VolumeSize": 8, "VolumeType": "gp2", "DeleteOnTermination": True} | root.get("Ebs", {})
        named["block_device_mappings"] = mappings
        # AWS: without a subnet, a default one. moto: an address outside of every subnet.
        if not named.get("subnet_id") and not named.get("nics"):
            zones = self.get_default_subnets()
            zone = named.get("placement") or min(zones, default=None)
            if zone in zones:
                named["subnet_id"] = zones[zone].id
        return original(self, image_id, count, user_data, *arguments, **named)

    models.instances.InstanceBackend.run_instances = run_instances  # type: ignore[method-assign]


def _orderly_termination() -> None:
    """AWS: termination disassociates elastic IPs and detaches kept volumes. moto: leaves both pointing at it."""
    original = models.instances.InstanceBackend.terminate_instances

    def terminate_instances(self: Any, instance_ids: list[str]) -> Any:
        answer = original(self, instance_ids)
        for address in self.addresses:
            if address.instance_id in instance_ids:
                address.instance = address.eni = address.association_id = None
        for volume in self.volumes.values():
            if volume.attachment and volume.attachment.instance.id in instance_ids:
                volume.attachment.instance.block_device_mapping.pop(volume.attachment.device, None)
                volume.attachment = None
        return answer

    models.instances.InstanceBackend.terminate_instances = terminate_instances  # type: ignore[method-assign]


def _one_attachment_a_volume() -> None:
    """AWS: a volume in use, or in another zone, cannot be attached. moto: attaches it again, and breaks it."""
    original = models.elastic_block_store.EBSBackend.attach_volume

    def attach_volume(
        self: Any, volume_id: str, instance_id: str, device_path: str, *arguments: Any, **named: Any
    ) -> Any:
        volume, instance = self.get_volume(volume_id), self.get_instance(instance_id)
        if volume.attachment:
            raise EC2ClientError(
                "VolumeInUse",
                f"{volume_id} is already attached to an instance ({volume.attachment.instance.id})",
            )
        zone = volume.zone.name if hasattr(volume.zone, "name") else volume.zone
        if zone != instance.placement.zone:
            raise EC2ClientError(
                "InvalidVolume.ZoneMismatch",
                f"The volume '{volume_id}' is not in the same availability zone as instance '{instance_id}'",
            )
        if device_path in instance.block_device_mapping:
            raise EC2ClientError(
                "InvalidParameterValue",
                f"Invalid value '{device_path}' for unixDevice. Attachment point is in use",
            )
        return original(self, volume_id, instance_id, device_path, *arguments, **named)

    models.elastic_block_store.EBSBackend.attach_volume = attach_volume  # type: ignore[method-assign]


def _console(place: Place) -> None:
    """AWS: what the instance wrote to its console. moto: the same ten lines for everybody."""

    def get_console_output(self: Any) -> ActionResult:
        instance = self.ec2_backend.get_instance(self._get_param("InstanceId"))
        log = place.state / "machines" / instance.id / "console.log"
        written = log.read_bytes()[-CONSOLE_BYTES:] if log.exists() else b""
        output = Base64EncodedString.from_raw_string(written.decode(errors="replace"))
        return ActionResult({"InstanceId": instance.id, "Timestamp": utcnow(), "Output": output})

    General.get_console_output = get_console_output  # type: ignore[method-assign]
