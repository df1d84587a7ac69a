"""Where the server stands, and who reaches it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from urllib.parse import urlsplit

import pulumi
import pulumi_aws as aws
from pulumi_aws.ec2 import GetInstanceTypeOfferingsFilterArgs, GetSubnetsFilterArgs

from components.lookups import RefusedError, look_up
from settings import Settings

GRAFANA_PORT = 3000
INFLUXDB_PORT = 8086
SSH_PORT = 22
EVERYWHERE = IPv4Network("0.0.0.0/0")


@dataclass(frozen=True)
class Site:
    """The subnet the server stands in, as looked up before anything is made."""

    vpc_id: str
    vpc_cidr: str
    subnet_id: str
    availability_zone: str


def find_site(settings: Settings, opts: pulumi.InvokeOptions) -> Site:
    """The given subnet, or the default VPC's default subnet whose id sorts first among those in zones with the
    instance type. A server that is there stays where it is, whatever is found.

    Raises pulumi.RunError when the given subnet is not in the given VPC or its zone lacks the instance type, when
    there is no default VPC, and when that has no subnet that fits.
    """
    subnet_id = settings.subnet_id or min(_default_subnets(settings, opts))
    subnet = look_up(aws.ec2.get_subnet, opts, id=subnet_id)
    if settings.vpc_id and subnet.vpc_id != settings.vpc_id:
        raise pulumi.RunError(
            f"monitoring:subnetId = {subnet_id}: lies in {subnet.vpc_id}, not in monitoring:vpcId = "
            f"{settings.vpc_id}; name a subnet of that VPC"
        )
    zones = _zones_with(settings, opts)
    if subnet.availability_zone not in zones:
        raise pulumi.RunError(
            f"monitoring:subnetId = {subnet_id}: lies in {subnet.availability_zone}, which has no "
            f"{settings.instance_type}; name a subnet in {' or '.join(zones)}, or write another instanceType"
        )
    network = look_up(aws.ec2.get_vpc, opts, id=subnet.vpc_id)
    return Site(subnet.vpc_id, network.cidr_block, subnet_id, subnet.availability_zone)


def _default_subnets(settings: Settings, opts: pulumi.InvokeOptions) -> Sequence[str]:
    """The default VPC's default subnets in zones that have the instance type."""
    try:
        vpc = look_up(aws.ec2.get_vpc, opts, default=True)
    except RefusedError as error:
        if "no matching EC2 VPC found" not in error.said:
            raise
        raise pulumi.RunError(
            f"monitoring:subnetId: is missing, and {settings.region} has no default VPC to take a subnet of; name a "
            f"public subnet, or make the default VPC: aws ec2 create-default-vpc --region {settings.region}"
        ) from None

    def subnets(*filters: GetSubnetsFilterArgs) -> Sequence[str]:
        own = [
            GetSubnetsFilterArgs(name="vpc-id", values=[vpc.id]),
            GetSubnetsFilterArgs(name="default-for-az", values=["true"]),
        ]
        return look_up(aws.ec2.get_subnets, opts, filters=[*own, *filters]).ids

    zones = _zones_with(settings, opts)
    found = subnets(GetSubnetsFilterArgs(name="availability-zone", values=zones))
    if not found and subnets():
        raise pulumi.RunError(
            f"monitoring:instanceType = {settings.instance_type}: is only to be had in {' or '.join(zones)}, where the "
            "default VPC has no default subnet; write another, or name a public subnet there as subnetId"
        )
    if not found:
        raise pulumi.RunError("monitoring:subnetId: the default VPC has no default subnet; name a public one")
    return found


def _zones_with(settings: Settings, opts: pulumi.InvokeOptions) -> list[str]:
    """The region's availability zones that have the instance type."""
    only = GetInstanceTypeOfferingsFilterArgs(name="instance-type", values=[settings.instance_type])
    offered = look_up(
        aws.ec2.get_instance_type_offerings, opts, location_type="availability-zone", filters=[only]
    ).locations
    if not offered:
        raise pulumi.RunError(
            f"monitoring:instanceType = {settings.instance_type}: no zone of {settings.region} has it; write another, "
            "such as t4g.small"
        )
    return sorted(offered)


class Network(pulumi.ComponentResource):
    """The server's address and its firewall.

    Produces:
    - a security group that lets in Grafana's port from `operatorCidrs`, InfluxDB's from `agentCidrs` (unless
      another InfluxDB is used), SSH from `sshCidrs` (none by default), each range a rule of its own;
    - an elastic IP, which stays when the server is replaced (protected with `protect`).

    Outgoing: HTTPS and HTTP (packages, AWS's services), the VPC's DNS, the ports of the other InfluxDB and of the
    mail server if there are any. Metadata, time and Amazon's own DNS server are link-local: security groups do not see
    them. IPv4 only.

    Attributes: group, address (the elastic IP), public_ip, rules (whoever needs to get through waits for
    them).
    """

    def __init__(self, name: str, settings: Settings, site: Site, opts: pulumi.ResourceOptions) -> None:
        super().__init__("monitoring:index:Network", name, None, opts)
        self.rules: list[pulumi.Resource] = []
        child = pulumi.ResourceOptions(parent=self)
        self.group = aws.ec2.SecurityGroup(
            name,
            description="Monitoring server: Grafana, InfluxDB",
            vpc_id=site.vpc_id,
            tags={"Name": f"monitoring-{pulumi.get_stack()}"},
            opts=child,
        )
        self._let_in("grafana", GRAFANA_PORT, settings.operator_cidrs)
        if not settings.influxdb:
            self._let_in("influxdb", INFLUXDB_PORT, settings.agent_cidrs)
        self._let_in("ssh", SSH_PORT, settings.ssh_cidrs)
        self._let_out("https", "tcp", 443, EVERYWHERE)
        self._let_out("http", "tcp", 80, EVERYWHERE)
        for protocol in ("udp", "tcp"):
            self._let_out(f"dns-{protocol}", protocol, 53, IPv4Network(site.vpc_cidr))
        if settings.influxdb:
            port = urlsplit(settings.influxdb.url).port or 443
            if port not in (80, 443):
                self._let_out("influxdb", "tcp", port, EVERYWHERE)
        if settings.smtp:
            self._let_out("smtp", "tcp", settings.smtp.port, EVERYWHERE)
        self.address = aws.ec2.Eip(
            name,
            domain="vpc",
            tags={"Name": f"monitoring-{pulumi.get_stack()}"},
            opts=pulumi.ResourceOptions(parent=self, protect=settings.protect),
        )
        self.public_ip: pulumi.Output[str] = self.address.public_ip
        self.register_outputs({"securityGroupId": self.group.id, "address": self.public_ip})

    def _let_in(self, what: str, port: int, cidrs: Iterable[IPv4Network]) -> None:
        for cidr in cidrs:
            rule = aws.vpc.SecurityGroupIngressRule(
                f"{what}-from-{cidr}",
                security_group_id=self.group.id,
                description=f"{what} from {cidr}",
                ip_protocol="tcp",
                from_port=port,
                to_port=port,
                cidr_ipv4=str(cidr),
                opts=pulumi.ResourceOptions(parent=self),
            )
            self.rules.append(rule)

    def _let_out(self, what: str, protocol: str, port: int, cidr: IPv4Network) -> None:
        rule = aws.vpc.SecurityGroupEgressRule(
            f"{what}-out",
            security_group_id=self.group.id,
            description=f"{what} to {cidr}",
            ip_protocol=protocol,
            from_port=port,
            to_port=port,
            cidr_ipv4=str(cidr),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.rules.append(rule)
