"""The server's subnet, looked up before anything is created."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi_aws.ec2 import GetInstanceTypeOfferingsFilterArgs, GetSubnetsFilterArgs

from program import way_out
from program.key import find_key
from program.lookups import RefusedError, look_up
from program.zone import find_zone
from settings import Settings

MULTI_AZ = 2
"""Zones that an instance and its standby need."""


@dataclass(frozen=True)
class Site:
    """The server's place in AWS, as looked up.

    zones: those with the instance type. standby_subnet_id: in another zone of the same VPC, for `database.multiAz`.
    dns_zone_id: of `route53Zone`. kms_key: ARN of `kmsKey`.
    """

    vpc_id: str
    vpc_cidr: str
    subnet_id: str
    availability_zone: str
    zones: Sequence[str]
    standby_subnet_id: str | None = None
    dns_zone_id: str | None = None
    kms_key: str | None = None


def find_site(settings: Settings, opts: pulumi.InvokeOptions) -> Site:
    """The given subnet, or of the default VPC's default subnets in zones with the instance type, the one whose id sorts
    first. An existing server stays where it is, whatever is found; for the next one, see `subnet_near`.

    Raises pulumi.RunError when the given subnet is not in the given VPC or its zone lacks the instance type, when there
    is no default VPC, when that has no suitable subnet for the server or for the database's standby, when the given
    subnet's default route does not suit the server's address, and when the DNS zone or the key cannot be used.
    """
    zones = _zones_with(settings, opts)
    defaults = [] if settings.subnet_id else sorted(_default_subnets(settings, zones, opts))
    subnet_id = settings.subnet_id or defaults[0]
    subnet = look_up(aws.ec2.get_subnet, opts, id=subnet_id)
    if settings.vpc_id and subnet.vpc_id != settings.vpc_id:
        raise pulumi.RunError(
            f"monitoring:subnetId = {subnet_id}: is in {subnet.vpc_id}, not in monitoring:vpcId = "
            f"{settings.vpc_id}; name a subnet of that VPC"
        )
    if subnet.availability_zone not in zones:
        raise pulumi.RunError(
            f"monitoring:subnetId = {subnet_id}: is in {subnet.availability_zone}, which has no "
            f"{settings.instance_type}; name a subnet in {' or '.join(zones)}, or write another instanceType"
        )
    way_out.check(settings, subnet_id, subnet.vpc_id, opts)
    network = look_up(aws.ec2.get_vpc, opts, id=subnet.vpc_id)
    standby = _standby(settings, subnet, defaults, opts)
    dns_zone, key = find_zone(settings, opts), find_key(settings, opts)
    zone = subnet.availability_zone
    return Site(subnet.vpc_id, network.cidr_block, subnet_id, zone, zones, standby, dns_zone, key)


def subnet_near(
    volume_zone: pulumi.Output[str], settings: Settings, site: Site, opts: pulumi.InvokeOptions
) -> pulumi.Output[str]:
    """The subnet for the next server, in the zone of the data volume, which never leaves it. Since it was created,
    the instance type or the default subnets, and so the looked-up site, can have changed.

    Raises pulumi.RunError, at the preview, if that zone has no default subnet or lacks the instance type.
    """

    def subnet(zone: str) -> str:
        if settings.subnet_id or zone == site.availability_zone:
            return site.subnet_id
        if zone not in site.zones:
            raise pulumi.RunError(
                f"monitoring:instanceType = {settings.instance_type}: is not available in {zone}, where the data "
                "volume is; write another"
            )
        found = _in_default_vpc(site.vpc_id, [zone], opts)
        if not found:
            raise pulumi.RunError(
                f"monitoring:subnetId: the default VPC has no default subnet in {zone}, where the data volume is; "
                "name a public subnet there"
            )
        return found[0]

    return volume_zone.apply(subnet)


def _standby(
    settings: Settings, first: aws.ec2.GetSubnetResult, defaults: Sequence[str], opts: pulumi.InvokeOptions
) -> str | None:
    """The subnet of the database's second instance: the given one, or the next default subnet (one per zone)."""
    database = settings.database
    if database is None or not database.multi_az:
        return None
    given = database.standby_subnet_id
    if given:
        found = look_up(aws.ec2.get_subnet, opts, id=given)
        if found.vpc_id != first.vpc_id or found.availability_zone == first.availability_zone:
            raise pulumi.RunError(
                f"monitoring:database.standbySubnetId = {given}: is in {found.vpc_id}, {found.availability_zone}; name "
                f"a subnet of {first.vpc_id} in another availability zone than {first.availability_zone}"
            )
        return given
    if len(defaults) < MULTI_AZ:
        raise pulumi.RunError(
            "monitoring:database.multiAz: the default VPC has default subnets in one availability zone only; name "
            "subnetId, and one in another zone as database.standbySubnetId"
        )
    return defaults[1]


def _default_subnets(settings: Settings, zones: Sequence[str], opts: pulumi.InvokeOptions) -> Sequence[str]:
    """The default VPC's default subnets in zones that have the instance type."""
    try:
        vpc = look_up(aws.ec2.get_vpc, opts, default=True)
    except RefusedError as error:
        if "no matching EC2 VPC found" not in error.said:
            raise
        raise pulumi.RunError(
            f"monitoring:subnetId: is missing, and {settings.region} has no default VPC to take a subnet from; name a "
            f"public subnet, or create the default VPC: aws ec2 create-default-vpc --region {settings.region}"
        ) from None
    found = _in_default_vpc(vpc.id, zones, opts)
    if not found and _in_default_vpc(vpc.id, (), opts):
        raise pulumi.RunError(
            f"monitoring:instanceType = {settings.instance_type}: is only available in {' or '.join(zones)}, where the "
            "default VPC has no default subnet; write another, or name a public subnet there as subnetId"
        )
    if not found:
        raise pulumi.RunError("monitoring:subnetId: the default VPC has no default subnet; name a public one")
    return found


def _in_default_vpc(vpc: str, zones: Sequence[str], opts: pulumi.InvokeOptions) -> Sequence[str]:
    """The default VPC's default subnets in these zones; in all of them if none is given."""
    filters = [
        GetSubnetsFilterArgs(name="vpc-id", values=[vpc]),
        GetSubnetsFilterArgs(name="default-for-az", values=["true"]),
        *([GetSubnetsFilterArgs(name="availability-zone", values=list(zones))] if zones else []),
    ]
    return look_up(aws.ec2.get_subnets, opts, filters=filters).ids


def _zones_with(settings: Settings, opts: pulumi.InvokeOptions) -> list[str]:
    """The region's availability zones that have the instance type."""
    only = GetInstanceTypeOfferingsFilterArgs(name="instance-type", values=[settings.instance_type])
    offered = look_up(
        aws.ec2.get_instance_type_offerings, opts, location_type="availability-zone", filters=[only]
    ).locations
    if not offered:
        raise pulumi.RunError(
            f"monitoring:instanceType = {settings.instance_type}: is not available in any zone of {settings.region}; "
            "write another, such as t4g.small"
        )
    return sorted(offered)
