"""The server's address, and who can reach it."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network
from urllib.parse import urlsplit

import pulumi
import pulumi_aws as aws

from program.naming import machine
from program.site import Site
from settings import Settings

GRAFANA_PORT = 3000
HTTPS_PORT = 443
INFLUXDB_PORT = 8086
SSH_PORT = 22
RECORD_SECONDS = 60
"""How long resolvers may cache the server's address: about as long as moving to another one takes."""

EVERYWHERE = IPv4Network("0.0.0.0/0")


class Network(pulumi.ComponentResource):
    """The server's address and its firewall.

    Produces:
    - a security group that lets in Grafana's port from `operatorCidrs` (and 443 with `publicCertificate`), InfluxDB's
      from `agentCidrs` (if it runs there), and SSH from `sshCidrs` (none by default), with one rule per range;
    - the server's address, which stays when the server is replaced (protected with `protect`): an elastic IP or, with
      `publicAddress: false`, a network interface with a private address in the server's subnet;
    - with `route53Zone`, the record that gives `domain` this address. An existing one is not taken over.

    Outgoing: HTTPS and HTTP (packages, AWS's services), the VPC's DNS, and the ports of the other InfluxDB and of the
    mail server, if any. Metadata, time and Amazon's own DNS server are link-local: security groups do not see them.
    IPv4 only.

    Attributes: group; elastic or interface, which has the address; address, the IP itself; rules, for which whatever
    has to get through waits.
    """

    def __init__(self, name: str, settings: Settings, site: Site, opts: pulumi.ResourceOptions) -> None:
        super().__init__("monitoring:index:Network", name, None, opts)
        self.rules: list[pulumi.Resource] = []
        child = pulumi.ResourceOptions(parent=self)
        self.group = aws.ec2.SecurityGroup(
            name,
            description="Monitoring server: Grafana, InfluxDB",
            vpc_id=site.vpc_id,
            tags={"Name": machine()},
            opts=child,
        )
        self._let_in("grafana", GRAFANA_PORT, settings.operator_cidrs)
        if settings.public_certificate:
            self._let_in("https", HTTPS_PORT, settings.operator_cidrs)
        if settings.own_influxdb:
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
        kept, tags = pulumi.ResourceOptions(parent=self, protect=settings.protect), {"Name": machine()}
        self.elastic: aws.ec2.Eip | None = None
        self.interface: aws.ec2.NetworkInterface | None = None
        self.address: pulumi.Output[str]
        if settings.public_address:
            self.elastic = aws.ec2.Eip(name, domain="vpc", tags=tags, opts=kept)
            self.address = self.elastic.public_ip
        else:
            self.interface = aws.ec2.NetworkInterface(
                name,
                description="Monitoring server",
                subnet_id=site.subnet_id,
                security_groups=[self.group.id],
                tags=tags,
                opts=kept,
            )
            self.address = self.interface.private_ip
        if site.dns_zone_id and settings.domain:
            record = aws.route53.Record(
                name,
                zone_id=site.dns_zone_id,
                name=settings.domain,
                type="A",
                ttl=RECORD_SECONDS,
                records=[self.address],
                opts=child,
            )
            self.rules.append(record)
        self.register_outputs({"securityGroupId": self.group.id, "address": self.address})

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
