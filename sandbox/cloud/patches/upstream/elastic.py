"""Elastic IPs: when they move, when they are released, and that an interface keeps its own (API_AssociateAddress,
API_ReleaseAddress, API_DeleteNatGateway)."""

from __future__ import annotations

from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.elastic_ip_addresses import ElasticAddressBackend
from moto.ec2.models.elastic_network_interfaces import NetworkInterface
from moto.ec2.models.nat_gateways import NatGatewayBackend
from moto.ec2.responses.elastic_ip_addresses import ElasticIPAddresses
from moto.ec2.utils import random_eip_association_id

from sandbox.cloud.patches.registry import patch


@patch(ElasticAddressBackend, "associate_address", source="0ff55e84")
def associate_address(_: Any, self: Any, instance: Any = None, eni: Any = None, **named: Any) -> Any:
    """AWS: moves an address that is associated elsewhere unless AllowReassociation is false, and disassociates the
    instance's former elastic IP. moto: moves it only if AllowReassociation is true, and keeps the former one
    associated as well.
    """
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
            detach(other)
    found.instance, found.eni = interface.instance, interface
    found.association_id = random_eip_association_id()
    interface.public_ip = found.public_ip
    return found


@patch(ElasticAddressBackend, "release_address", source="08e87039")
def release_address(original: Any, self: Any, address: str | None = None, allocation_id: str | None = None) -> None:
    """AWS: refuses to release an address in use. moto: releases it."""
    wanted = self.address_by_ip([address]) if address else self.address_by_allocation([allocation_id])
    if wanted[0].association_id:
        raise EC2ClientError("InvalidIPAddress.InUse", f"Address {wanted[0].public_ip} is in use.")
    original(self, address=address, allocation_id=allocation_id)


@patch(NatGatewayBackend, "delete_nat_gateway", source="bae2427a")
def delete_nat_gateway(original: Any, self: Any, nat_gateway_id: str) -> Any:
    """AWS: frees the gateway's address and deletes its interface. moto: keeps both."""
    gateway = original(self, nat_gateway_id)
    for address in self.addresses:
        if address.eni is gateway._eni:
            self.disassociate_address(association_id=address.association_id)
    self.delete_network_interface(gateway._eni.id)
    return gateway


@patch(ElasticIPAddresses, "associate_address", source="96a8cac3")
def associate_address_response(original: Any, self: Any) -> Any:
    """AWS: a missing AllowReassociation is not the same as false. moto: its request parser makes it false."""
    if self._get_param("AllowReassociation") is None:
        self.params["AllowReassociation"] = True
    return original(self)


def detach(address: Any) -> None:
    """Disassociate an elastic IP. The interface gets its automatic public address again, if it had one."""
    interface = address.eni
    address.instance = address.eni = address.association_id = None
    if interface is not None:
        interface.public_ip = None
        if interface.instance is not None and interface.instance.state == "running":
            interface.check_auto_public_ip()


# AWS: a stopped instance keeps its elastic IP. moto: gives it another public address at its start.
# docs.aws.amazon.com/AWSEC2/latest/UserGuide/elastic-ip-addresses-eip.html


@patch(NetworkInterface, "stop", source="ec71472b")
def stop(original: Any, self: Any) -> None:
    if not _has_elastic_address(self):
        original(self)


@patch(NetworkInterface, "start", source="df425d56")
def start(original: Any, self: Any) -> None:
    if not _has_elastic_address(self):
        original(self)


def _has_elastic_address(interface: Any) -> bool:
    return any(address.eni is interface for address in getattr(interface.ec2_backend, "addresses", []))
