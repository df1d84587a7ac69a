"""Subnets without a route out, or with one through a NAT gateway."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any

EVERYWHERE = "0.0.0.0/0"


@dataclass(frozen=True)
class Subnet:
    """A subnet of a VPC with a route table of its own."""

    ec2: Any
    id: str
    vpc: str
    zone: str
    route_table: str

    def route(self, **target: str) -> None:
        """Create its default route. target: as EC2's CreateRoute names it."""
        self.ec2.create_route(RouteTableId=self.route_table, DestinationCidrBlock=EVERYWHERE, **target)

    def nat_gateway(self) -> str:
        """Create a NAT gateway in another subnet of the VPC, and a default route to it; returns its id."""
        others = self.ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [self.vpc]}])["Subnets"]
        public = next(each["SubnetId"] for each in others if each["SubnetId"] != self.id)
        address = self.ec2.allocate_address(Domain="vpc")["AllocationId"]
        made = self.ec2.create_nat_gateway(SubnetId=public, AllocationId=address)["NatGateway"]["NatGatewayId"]
        self.route(NatGatewayId=made)
        return str(made)

    def _gateway(self) -> str:
        """The id of the NAT gateway in its default route."""
        (table,) = self.ec2.describe_route_tables(RouteTableIds=[self.route_table])["RouteTables"]
        (gateway,) = (each["NatGatewayId"] for each in table["Routes"] if "NatGatewayId" in each)
        return str(gateway)

    def remove_nat_gateway(self) -> None:
        """Delete the NAT gateway and the route to it, and release its address."""
        gateway = self._gateway()
        (made,) = self.ec2.describe_nat_gateways(NatGatewayIds=[gateway])["NatGateways"]
        self.ec2.delete_route(RouteTableId=self.route_table, DestinationCidrBlock=EVERYWHERE)
        self.ec2.delete_nat_gateway(NatGatewayId=gateway)
        for address in made["NatGatewayAddresses"]:
            self.ec2.release_address(AllocationId=address["AllocationId"])

    @contextmanager
    def cut_off(self) -> Iterator[None]:
        """Within this context, it has no default route to its NAT gateway."""
        gateway = self._gateway()
        self.ec2.delete_route(RouteTableId=self.route_table, DestinationCidrBlock=EVERYWHERE)
        try:
            yield
        finally:
            self.route(NatGatewayId=gateway)


def subnet(ec2: Any, zone: str) -> Subnet:
    """Create a subnet in the default VPC, with addresses that no other subnet has."""
    (found,) = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    vpc, network = str(found["VpcId"]), IPv4Network(found["CidrBlock"])
    taken = [
        IPv4Network(each["CidrBlock"])
        for each in ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]
    ]
    free = [block for block in network.subnets(new_prefix=27) if not any(block.overlaps(each) for each in taken)]
    made = ec2.create_subnet(VpcId=vpc, CidrBlock=str(free[-1]), AvailabilityZone=zone)["Subnet"]["SubnetId"]
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.associate_route_table(RouteTableId=table, SubnetId=made)
    return Subnet(ec2, str(made), vpc, zone, str(table))
