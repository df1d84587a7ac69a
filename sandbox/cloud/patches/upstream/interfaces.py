"""Network interfaces that are created before their instance and outlive it.

docs.aws.amazon.com/AWSEC2/latest/APIReference: API_CreateNetworkInterface, API_DeleteNetworkInterface,
API_InstanceNetworkInterfaceSpecification.
"""

from __future__ import annotations

import copy
from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.elastic_network_interfaces import NetworkInterfaceBackend
from moto.ec2.responses.elastic_network_interfaces import ElasticNetworkInterfaces

from sandbox.cloud.patches.registry import patch


@patch(NetworkInterfaceBackend, "create_network_interface", source="d6c69450")
def create_network_interface(
    original: Any, self: Any, subnet: Any, private_ip_address: Any, *arguments: Any, **named: Any
) -> Any:
    """AWS: chooses a free address of the subnet. moto: chooses any, even one in use."""
    if not private_ip_address and not (arguments and arguments[0]):
        private_ip_address = subnet.get_available_subnet_ip(instance=None)
    return original(self, subnet, private_ip_address, *arguments, **named)


@patch(ElasticNetworkInterfaces, "delete_network_interface", source="f8e33147")
def delete_network_interface(original: Any, self: Any) -> Any:
    """AWS: refuses to delete an interface in use. moto: deletes it, and keeps its address reserved."""
    interface = self.ec2_backend.get_network_interface(self._get_param("NetworkInterfaceId"))
    if interface.instance is not None:
        raise EC2ClientError("InvalidParameterValue", f"Network interface '{interface.id}' is currently in use.")
    answer = original(self)
    interface.subnet.del_subnet_ip(interface.private_ip_address)
    return answer


def use_existing(backend: Any, named: dict[str, Any]) -> bool:
    """Place an instance in the zone of the interface that RunInstances names. Returns whether it names one.

    AWS: refuses an interface in use, and a subnet, groups or a public address besides it.
    """
    given = [nic for nic in named.get("nics") or [] if "NetworkInterfaceId" in nic]
    if not given:
        return False
    if named.get("subnet_id") or named.get("security_group_ids"):
        raise EC2ClientError(
            "InvalidParameterCombination",
            "Network interfaces and an instance-level subnet ID or security groups may not be specified on the same "
            "request",
        )
    for nic in given:
        interface = backend.get_network_interface(nic["NetworkInterfaceId"])
        for name in ("SubnetId", "Groups", "PrivateIpAddress", "AssociatePublicIpAddress"):
            if name in nic:
                raise EC2ClientError(
                    "InvalidParameterCombination",
                    f"The parameter {name} may not be specified for the existing network interface {interface.id}",
                )
        if nic.get("DeleteOnTermination") is True:
            raise EC2ClientError(
                "InvalidParameterCombination",
                "A network interface may not specify both a network interface ID and delete on termination",
            )
        if interface.instance is not None:
            raise EC2ClientError("InvalidNetworkInterface.InUse", f"Interface: [{interface.id}] in use.")
        named["placement"] = interface.subnet.availability_zone
    return True


def take_groups(instance: Any) -> None:
    """AWS: an instance has its interface's groups. moto: it has those that RunInstances names."""
    if 0 in instance.nics and not instance.security_groups:
        instance.security_groups = list(instance.nics[0].group_set)


def detach_kept(instance: Any) -> None:
    """AWS: an interface created before its instance outlives it, with its address. moto: it stays attached."""
    for index, interface in instance.nics.items():
        if not interface.delete_on_termination:
            gone = instance.nics[index] = copy.copy(interface)
            interface.instance = interface.attachment_id = interface.attach_time = interface.device_index = None
            interface.status = "available"
            gone.private_ip_addresses = []
