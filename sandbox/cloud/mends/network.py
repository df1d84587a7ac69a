"""Mends of moto's VPCs and elastic IPs: the place's own addresses, with AWS's rules."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Any

from moto.ec2.exceptions import (
    DefaultSubnetAlreadyExistsInAvailabilityZoneError,
    DefaultVpcAlreadyExists,
    DefaultVpcDoesNotExistError,
    EC2ClientError,
)
from moto.ec2.models import elastic_ip_addresses, elastic_network_interfaces, subnets, vpcs
from moto.ec2.models.elastic_ip_addresses import ElasticAddressBackend
from moto.ec2.models.elastic_network_interfaces import NetworkInterface
from moto.ec2.utils import random_eip_association_id

from sandbox.cloud.mends.regions import backends
from sandbox.place import Place

SUBNET_PREFIX = 27
"""Eight default subnets in the place's /24: no region has more zones."""


def apply(place: Place) -> None:
    """Give moto the place's private and public addresses."""
    _default_vpc(place)
    _private_addresses()
    _public_addresses(place)
    _association()
    _interfaces_keep_elastic_addresses()


def _default_vpc(place: Place) -> None:
    """AWS: a default subnet a zone, an internet gateway, a route to it. moto: 172.31.0.0/16 and no gateway.

    Here the VPC is the place's own network, so that private addresses are those the machines really have.
    docs.aws.amazon.com/vpc/latest/userguide/default-vpc-components.html
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
        blocks = list(ipaddress.ip_network(vpc.cidr_block).subnets(new_prefix=SUBNET_PREFIX))
        return self.create_subnet(
            vpc_id=vpc.id, cidr_block=str(blocks[len(present)]), availability_zone=availability_zone
        )

    vpcs.VPCBackend.create_default_vpc = create_default_vpc  # type: ignore[method-assign]
    subnets.SubnetBackend.create_default_subnet = create_default_subnet  # type: ignore[method-assign]


def _private_addresses() -> None:
    """AWS: an address outside of the subnet, or taken, is refused. moto: fails with a 500.

    All regions' default VPCs share the place's one range here, so an address is given out in one region only.
    """
    original = subnets.Subnet.get_available_subnet_ip

    def taken() -> set[str | None]:
        return {interface.private_ip_address for backend in backends() for interface in backend.enis.values()}

    def get_available_subnet_ip(self: Any, instance: Any) -> str:
        used = taken()
        try:
            while (address := original(self, instance)) in used:
                pass
        except StopIteration:
            raise EC2ClientError(
                "InsufficientFreeAddressesInSubnet", f"Insufficient free addresses in subnet '{self.id}'."
            ) from None
        return address

    def request_ip(self: Any, ip: str, instance: Any) -> None:
        address = ipaddress.ip_address(ip)
        if address not in self.cidr or address in (*list(self.cidr)[:4], self.cidr.broadcast_address):
            raise EC2ClientError(
                "InvalidParameterValue", f"Address {ip} does not fall within the subnet's address range"
            )
        if ip in taken() or ip in self._subnet_ips:
            raise EC2ClientError("InvalidIPAddress.InUse", f"Address {ip} is in use.")
        self._unused_ips.discard(ip)
        self._subnet_ips[ip] = instance

    subnets.Subnet.get_available_subnet_ip = get_available_subnet_ip  # type: ignore[method-assign]
    subnets.Subnet.request_ip = request_ip  # type: ignore[method-assign]


def _public_addresses(place: Place) -> None:
    """AWS: from Amazon's pool. moto: any of 127.0.0.0/8 or 54.214.0.0/16. Here: the place's pool, for both kinds."""

    def next_address() -> str:
        used = {address.public_ip for backend in backends() for address in backend.addresses}
        used |= {interface.public_ip for backend in backends() for interface in backend.enis.values()}
        for address in place.elastic_addresses:
            if str(address) not in used:
                return str(address)
        raise EC2ClientError("AddressLimitExceeded", "The maximum number of addresses has been reached.")

    elastic_ip_addresses.random_ip = next_address  # type: ignore[attr-defined]
    elastic_network_interfaces.random_public_ip = next_address  # type: ignore[attr-defined]


def _association() -> None:
    """How elastic IPs move (API_AssociateAddress, API_ReleaseAddress).

    AWS: moves an address that points elsewhere unless AllowReassociation is false; an instance's other elastic IP
    loses it; an address in use is not released. moto: refuses to move it unless told to, leaves the other one
    pointing too, and releases what is in use.
    """
    release = ElasticAddressBackend.release_address

    def associate_address(self: Any, instance: Any = None, eni: Any = None, **named: Any) -> Any:
        address, allocation_id = named.get("address"), named.get("allocation_id")
        found = (self.address_by_ip([address]) if address else self.address_by_allocation([allocation_id]))[0]
        if instance is not None and instance.state == "terminated":
            raise EC2ClientError(
                "InvalidInstanceID", f"The instance '{instance.id}' is not in a valid state for this operation."
            )
        interface = eni or instance.nics[0]
        if found.eni is interface:
            return found
        if found.eni is not None and named.get("reassociate") is False:
            raise EC2ClientError(
                "Resource.AlreadyAssociated",
                f"resource {found.allocation_id} is already associated with associate-id {found.association_id}",
            )
        for other in self.addresses:
            if other is found or other.eni is interface:
                forget(other)
        found.instance, found.eni = interface.instance, interface
        found.association_id = random_eip_association_id()
        interface.public_ip = found.public_ip
        return found

    def release_address(self: Any, address: str | None = None, allocation_id: str | None = None) -> None:
        wanted = self.address_by_ip([address]) if address else self.address_by_allocation([allocation_id])
        if wanted[0].association_id:
            raise EC2ClientError("InvalidIPAddress.InUse", f"Address {wanted[0].public_ip} is in use.")
        release(self, address=address, allocation_id=allocation_id)

    ElasticAddressBackend.associate_address = associate_address  # type: ignore[method-assign, assignment]
    ElasticAddressBackend.release_address = release_address  # type: ignore[method-assign]
    _reassociation_as_asked()


def _reassociation_as_asked() -> None:
    """moto's reader of the request turns a missing AllowReassociation into false, which AWS tells apart."""
    from moto.ec2.responses.elastic_ip_addresses import ElasticIPAddresses  # noqa: PLC0415 - next to its use

    original: Callable[[Any], Any] = ElasticIPAddresses.associate_address

    def associate_address(self: Any) -> Any:
        if self._get_param("AllowReassociation") is None:
            self.params["AllowReassociation"] = True
        return original(self)

    ElasticIPAddresses.associate_address = associate_address  # type: ignore[method-assign]


def forget(address: Any) -> None:
    """Take an elastic IP from whatever it points to; the interface gets a public address of its own if it had one."""
    interface = address.eni
    address.instance = address.eni = address.association_id = None
    if interface is not None:
        interface.public_ip = None
        if interface.instance is not None and interface.instance.state == "running":
            interface.check_auto_public_ip()


def _interfaces_keep_elastic_addresses() -> None:
    """AWS: a stopped instance keeps its elastic IP. moto: its start gives it another public address.

    docs.aws.amazon.com/AWSEC2/latest/UserGuide/elastic-ip-addresses-eip.html
    """
    stop, start = NetworkInterface.stop, NetworkInterface.start

    def elastic(self: Any) -> bool:
        return any(address.eni is self for address in getattr(self.ec2_backend, "addresses", []))

    def mended_stop(self: Any) -> None:
        if not elastic(self):
            stop(self)

    def mended_start(self: Any) -> None:
        if not elastic(self):
            start(self)

    NetworkInterface.stop = mended_stop  # type: ignore[method-assign]
    NetworkInterface.start = mended_start  # type: ignore[method-assign]
