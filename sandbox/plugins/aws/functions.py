"""The lookups: aws.ec2.get_vpc, get_subnet, get_subnets; aws.get_caller_identity; and the list of all functions."""

from __future__ import annotations

from typing import Any

from sandbox.plugins.aws.client import Aws
from sandbox.plugins.aws.filters import FILTERS, TAGS, filters_of, single
from sandbox.plugins.aws.images import get_ami, get_instance_type
from sandbox.plugins.aws.resource import tag_map
from sandbox.plugins.base import BOOLEAN, TEXT, Function, Input, ListOf, Properties, fields


def get_vpc(aws: Aws, arguments: Properties) -> Properties:
    """The only VPC that matches."""
    ec2 = aws.client("ec2", arguments.get("region"))
    filters = filters_of(
        arguments,
        is_default=arguments.get("default"),
        cidr=arguments.get("cidrBlock"),
        dhcp_options_id=arguments.get("dhcpOptionsId"),
        state=arguments.get("state"),
        vpc_id=arguments.get("id"),
    )
    vpc = single(ec2.describe_vpcs(Filters=filters)["Vpcs"], "EC2 VPC")
    region = arguments.get("region") or aws.region
    return {
        **arguments,
        "arn": aws.arn("ec2", f"vpc/{vpc['VpcId']}", region),
        "cidrBlock": vpc["CidrBlock"],
        "default": vpc.get("IsDefault", False),
        "dhcpOptionsId": vpc.get("DhcpOptionsId", ""),
        "id": vpc["VpcId"],
        "instanceTenancy": vpc.get("InstanceTenancy", "default"),
        "ownerId": vpc.get("OwnerId", aws.account_id),
        "region": region,
        "state": vpc["State"],
        "tags": tag_map(vpc.get("Tags")),
    }


def get_subnet(aws: Aws, arguments: Properties) -> Properties:
    """The only subnet that matches."""
    ec2 = aws.client("ec2", arguments.get("region"))
    filters = filters_of(
        arguments,
        availability_zone=arguments.get("availabilityZone"),
        availability_zone_id=arguments.get("availabilityZoneId"),
        cidr_block=arguments.get("cidrBlock"),
        default_for_az=arguments.get("defaultForAz"),
        state=arguments.get("state"),
        subnet_id=arguments.get("id"),
        vpc_id=arguments.get("vpcId"),
    )
    subnet = single(ec2.describe_subnets(Filters=filters)["Subnets"], "EC2 Subnet")
    region = arguments.get("region") or aws.region
    return {
        **arguments,
        "arn": aws.arn("ec2", f"subnet/{subnet['SubnetId']}", region),
        "assignIpv6AddressOnCreation": subnet.get("AssignIpv6AddressOnCreation", False),
        "availabilityZone": subnet["AvailabilityZone"],
        "availabilityZoneId": subnet.get("AvailabilityZoneId", ""),
        "availableIpAddressCount": subnet.get("AvailableIpAddressCount", 0),
        "cidrBlock": subnet["CidrBlock"],
        "defaultForAz": subnet.get("DefaultForAz", False),
        "id": subnet["SubnetId"],
        "mapPublicIpOnLaunch": subnet.get("MapPublicIpOnLaunch", False),
        "ownerId": subnet.get("OwnerId", aws.account_id),
        "region": region,
        "state": subnet["State"],
        "tags": tag_map(subnet.get("Tags")),
        "vpcId": subnet["VpcId"],
    }


def get_subnets(aws: Aws, arguments: Properties) -> Properties:
    """The ids of all subnets that match. It is no error if none does."""
    region = arguments.get("region") or aws.region
    subnets = aws.client("ec2", region).describe_subnets(Filters=filters_of(arguments))["Subnets"]
    return {**arguments, "id": region, "ids": [each["SubnetId"] for each in subnets], "region": region}


def get_instance_type_offerings(aws: Aws, arguments: Properties) -> Properties:
    """Which instance types are offered where. It is no error if none is."""
    region = arguments.get("region") or aws.region
    kind = arguments.get("locationType", "region")
    request: dict[str, Any] = {"LocationType": kind, "Filters": filters_of(arguments)}
    pages = aws.client("ec2", region).get_paginator("describe_instance_type_offerings").paginate(**request)
    found = [each for page in pages for each in page["InstanceTypeOfferings"]]
    return {
        **arguments,
        "id": region,
        "instanceTypes": [each["InstanceType"] for each in found],
        "locationTypes": [each["LocationType"] for each in found],
        "locations": [each["Location"] for each in found],
        "region": region,
    }


def get_caller_identity(aws: Aws, arguments: Properties) -> Properties:
    """The identity that the credentials belong to."""
    answer = aws.client("sts").get_caller_identity()
    account = answer["Account"]
    return {"accountId": account, "arn": answer["Arn"], "id": account, "userId": answer["UserId"]}


_PLACE = fields(state=Input(TEXT), cidrBlock=Input(TEXT), id=Input(TEXT), **TAGS, **FILTERS)

FUNCTIONS = (
    Function(
        "aws:ec2/getAmi:getAmi",
        fields(
            allowUnsafeFilter=Input(BOOLEAN),
            includeDeprecated=Input(BOOLEAN),
            mostRecent=Input(BOOLEAN),
            nameRegex=Input(TEXT),
            owners=Input(ListOf(TEXT)),
            **TAGS,
            **FILTERS,
        ),
        get_ami,
    ),
    Function(
        "aws:ec2/getInstanceType:getInstanceType",
        fields(instanceType=Input(TEXT, required=True), region=Input(TEXT)),
        get_instance_type,
    ),
    Function(
        "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings",
        fields(locationType=Input(TEXT), **FILTERS),
        get_instance_type_offerings,
    ),
    Function("aws:ec2/getVpc:getVpc", fields(default=Input(BOOLEAN), dhcpOptionsId=Input(TEXT), **_PLACE), get_vpc),
    Function(
        "aws:ec2/getSubnet:getSubnet",
        fields(
            availabilityZone=Input(TEXT),
            availabilityZoneId=Input(TEXT),
            defaultForAz=Input(BOOLEAN),
            vpcId=Input(TEXT),
            **_PLACE,
        ),
        get_subnet,
    ),
    Function("aws:ec2/getSubnets:getSubnets", fields(**TAGS, **FILTERS), get_subnets),
    Function("aws:index/getCallerIdentity:getCallerIdentity", fields(id=Input(TEXT)), get_caller_identity),
)
