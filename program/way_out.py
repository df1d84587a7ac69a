"""Checks at each preview that the server can get out of its VPC, as far as its subnet's routes show: otherwise that is
only noticed once `bootTimeout` has passed.

docs.aws.amazon.com/vpc/latest/userguide: VPC_Internet_Gateway.html (an internet gateway serves only machines with a
public address), vpc-nat-gateway.html (a NAT gateway admits no connections from outside).
"""

from __future__ import annotations

from collections.abc import Iterator

import pulumi
import pulumi_aws as aws
from pulumi_aws.ec2 import GetRouteTableFilterArgs

from program.lookups import RefusedError, look_up
from settings import Settings
from userdata.templates import AWS_DOMAIN

EVERYWHERE = "0.0.0.0/0"


def check(settings: Settings, subnet_id: str, vpc_id: str, opts: pulumi.InvokeOptions) -> None:
    """Raise pulumi.RunError if the given subnet's default route does not suit the server's public or private address;
    without a default route, warn about missing endpoints. Default subnets are public.

    The provider does not show routes that a VPN gateway propagates (terraform-provider-aws,
    vpc_route_table_data_source.go), so a missing default route is not an error: it can be one of those.
    """
    if settings.subnet_id is None:
        return
    table = _table(subnet_id, vpc_id, opts)
    default = next((route for route in table.routes if route.cidr_block == EVERYWHERE), None)
    where = f"monitoring:subnetId = {subnet_id}: its route table {table.id}"
    if settings.public_address:
        if default and default.nat_gateway_id:
            raise pulumi.RunError(
                f"{where} sends everything to the NAT gateway {default.nat_gateway_id}, through which no one can reach "
                "the server's public address; name a public subnet, or write publicAddress: false"
            )
    elif default and default.gateway_id.startswith("igw-"):
        raise pulumi.RunError(
            f"{where} sends everything to the internet gateway {default.gateway_id}, which serves only machines with a "
            "public address; name a subnet with a route to a NAT gateway, or remove publicAddress: false"
        )
    elif default is None:
        missing = [name for name in _needed(settings) if not _has_endpoint(name, settings.region, table, opts)]
        endpoints = f", and its VPC has no endpoint for {', '.join(missing)}" if missing else ""
        pulumi.log.warn(
            f"{where} has no default route (to a NAT gateway, for example){endpoints}; without another way to AWS and "
            "to its package repositories, the server will not become ready: see docs/private.md"
        )


def _table(subnet_id: str, vpc_id: str, opts: pulumi.InvokeOptions) -> aws.ec2.GetRouteTableResult:
    """The subnet's own route table, or else its VPC's main one."""
    try:
        return look_up(aws.ec2.get_route_table, opts, subnet_id=subnet_id)
    except RefusedError as error:
        if "no results" not in error.said:
            raise
    main = GetRouteTableFilterArgs(name="association.main", values=["true"])
    return look_up(aws.ec2.get_route_table, opts, vpc_id=vpc_id, filters=[main])


def _needed(settings: Settings) -> Iterator[str]:
    """The AWS services that the server itself calls; docs/private.md says for what."""
    yield from ("ssm", "monitoring", "ec2")
    if settings.backups.enabled or settings.restore_from:
        yield "s3"
    if settings.cloudwatch_auth == "role" or settings.cloudwatch_accounts:
        yield "sts"
    if settings.database:
        yield "secretsmanager"


def _has_endpoint(service: str, region: str, table: aws.ec2.GetRouteTableResult, opts: pulumi.InvokeOptions) -> bool:
    """Whether the service has an endpoint: S3 a gateway, which is a route in the table; the others an interface under
    their usual name."""
    kind = "Gateway" if service == "s3" else "Interface"
    name = f"{'.'.join(reversed(AWS_DOMAIN.split('.')))}.{region}.{service}"
    try:
        found = look_up(
            aws.ec2.get_vpc_endpoint,
            opts,
            vpc_id=table.vpc_id,
            service_name=name,
            vpc_endpoint_type=kind,
            state="available",
        )
    except RefusedError as error:
        if "no matching" in error.said:
            return False
        raise
    return table.id in found.route_table_ids if service == "s3" else bool(found.private_dns_enabled)
