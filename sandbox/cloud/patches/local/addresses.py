"""Private and public addresses: those of the place, with AWS's rules."""

from __future__ import annotations

import ipaddress
from typing import Any

from moto.ec2.exceptions import (
    DefaultSubnetAlreadyExistsInAvailabilityZoneError,
    DefaultVpcAlreadyExists,
    DefaultVpcDoesNotExistError,
    EC2ClientError,
)
from moto.ec2.models import elastic_ip_addresses, elastic_network_interfaces
from moto.ec2.models.subnets import Subnet, SubnetBackend
from moto.ec2.models.vpcs import VPCBackend

from sandbox.cloud.patches.registry import REGISTRY, patch
from sandbox.cloud.regions import backends

SUBNET_PREFIX = 27
"""Eight default subnets fit into the place's /24; no region has more zones."""


@patch(VPCBackend, "create_default_vpc", source="b0d66afd")
def create_default_vpc(_: Any, self: Any) -> Any:
    """AWS: a default subnet per zone, an internet gateway, a route to it. moto: 172.31.0.0/16 and no gateway.

    Here the VPC is the place's own network, so that private addresses are those that the machines really have.
    docs.aws.amazon.com/vpc/latest/userguide/default-vpc-components.html
    """
    if self.describe_vpcs(filters={"is-default": ["true"]}):
        raise DefaultVpcAlreadyExists
    vpc = self.create_vpc(cidr_block=str(REGISTRY.place.vpc), is_default=True)
    for zone in self.describe_availability_zones():
        self.create_default_subnet(zone.name)
    gateway = self.create_internet_gateway()
    self.attach_internet_gateway(gateway.id, vpc.id)
    table = self.describe_route_tables(filters={"vpc-id": [vpc.id]})[0]
    self.create_route(table.id, "0.0.0.0/0", gateway_id=gateway.id)
    return vpc


@patch(SubnetBackend, "create_default_subnet", source="58a347c7")
def create_default_subnet(_: Any, self: Any, availability_zone: str) -> Any:
    """A default subnet is the next /27 of the default VPC."""
    present = self.get_default_subnets()
    if availability_zone in present:
        raise DefaultSubnetAlreadyExistsInAvailabilityZoneError(present[availability_zone].id, availability_zone)
    vpc = self.get_default_vpc()
    if vpc is None:
        raise DefaultVpcDoesNotExistError()
    blocks = list(ipaddress.ip_network(vpc.cidr_block).subnets(new_prefix=SUBNET_PREFIX))
    return self.create_subnet(vpc_id=vpc.id, cidr_block=str(blocks[len(present)]), availability_zone=availability_zone)


@patch(Subnet, "get_available_subnet_ip", source="9d5b4709")
def get_available_subnet_ip(original: Any, self: Any, instance: Any) -> str:
    """AWS: a full subnet is a client error. moto: fails with a 500.

    Here the default VPCs of all regions share the place's range, so an address is used in one region only.
    """
    used = _taken()
    try:
        while (address := str(original(self, instance))) in used:
            pass
    except StopIteration:
        raise EC2ClientError(
            "InsufficientFreeAddressesInSubnet", f"Insufficient free addresses in subnet '{self.id}'."
        ) from None
    return address


@patch(Subnet, "request_ip", source="d229fa8f")
def request_ip(_: Any, self: Any, ip: str, instance: Any) -> None:
    """AWS: an address that is taken, or outside the subnet, is refused. moto: fails with a 500."""
    address = ipaddress.ip_address(ip)
    if address not in self.cidr or address in (*list(self.cidr)[:4], self.cidr.broadcast_address):
        raise EC2ClientError("InvalidParameterValue", f"Address {ip} does not fall within the subnet's address range")
    if ip in _taken() or ip in self._subnet_ips:
        raise EC2ClientError("InvalidIPAddress.InUse", f"Address {ip} is in use.")
    self._unused_ips.discard(ip)
    self._subnet_ips[ip] = instance


def _taken() -> set[str | None]:
    return {interface.private_ip_address for backend in backends() for interface in backend.enis.values()}


@patch(elastic_ip_addresses, "random_ip", source="98d1ae40")
@patch(elastic_network_interfaces, "random_public_ip", source="f547db08")
def next_public_address(_: Any) -> str:
    """AWS: from Amazon's pool. moto: any of 127.0.0.0/8 or 54.214.0.0/16. Here: the place's pool, for both kinds."""
    used = {address.public_ip for backend in backends() for address in backend.addresses}
    used |= {interface.public_ip for backend in backends() for interface in backend.enis.values()}
    for address in REGISTRY.place.elastic_addresses:
        if str(address) not in used:
            return str(address)
    raise EC2ClientError("AddressLimitExceeded", "The maximum number of addresses has been reached.")
