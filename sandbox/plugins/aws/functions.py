"""The functions: aws.ec2.get_ami, get_instance_type, get_vpc, get_subnet, get_subnets; aws.get_region, ..."""

from __future__ import annotations

import re
from typing import Any

from botocore.exceptions import ClientError

from sandbox.plugins.aws.client import Aws, code, known_regions
from sandbox.plugins.aws.resource import present, tag_map
from sandbox.plugins.base import (
    BOOLEAN,
    TEXT,
    Function,
    Input,
    ListOf,
    MapOf,
    ObjectOf,
    PluginError,
    Properties,
    fields,
)

_FILTERS = fields(
    filters=Input(
        ListOf(
            ObjectOf(fields(name=Input(TEXT, required=True), values=Input(ListOf(TEXT), required=True))),
            ordered=False,
        )
    ),
    region=Input(TEXT),
)
_TAGS = fields(tags=Input(MapOf(TEXT)))


def _filters(arguments: Properties, **more: Any) -> list[dict[str, Any]]:
    """AWS's filters from `filters`, `tags` and the arguments that are filters under another name."""
    given = [{"Name": each["name"], "Values": each["values"]} for each in arguments.get("filters", [])]
    tags = [{"Name": f"tag:{key}", "Values": [value]} for key, value in arguments.get("tags", {}).items()]
    named = [
        {"Name": name.replace("_", "-"), "Values": [_word(value)]}
        for name, value in more.items()
        if value is not None
    ]
    return given + tags + named


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def get_ami(aws: Aws, arguments: Properties) -> Properties:
    """The one image that fits, or the newest of them with `mostRecent`."""
    if arguments.get("mostRecent") and not arguments.get("owners") and not arguments.get("allowUnsafeFilter"):
        raise PluginError(
            "Most Recent Image Not Filtered: mostRecent is true, so `owners` or a filter on the owner is needed "
            "(anybody may publish an image under any name)"
        )
    ec2 = aws.client("ec2", arguments.get("region"))
    images = ec2.describe_images(
        **present(Owners=arguments.get("owners"), Filters=_filters(arguments)),
        IncludeDeprecated=bool(arguments.get("includeDeprecated")),
    )["Images"]
    if pattern := arguments.get("nameRegex"):
        images = [image for image in images if re.search(pattern, image.get("Name", ""))]
    if not images:
        raise PluginError("Your query returned no results. Please change your search criteria and try again.")
    if len(images) > 1 and not arguments.get("mostRecent"):
        raise PluginError(
            "Your query returned more than one result. Please try a more specific search criteria, or set "
            "`mostRecent` attribute to true."
        )
    image = max(images, key=lambda each: each["CreationDate"])
    region = arguments.get("region") or aws.region
    return {
        **arguments,
        "architecture": image["Architecture"],
        "arn": f"arn:aws:ec2:{region}::image/{image['ImageId']}",
        "creationDate": image["CreationDate"],
        "description": image.get("Description", ""),
        "enaSupport": image.get("EnaSupport", False),
        "hypervisor": image.get("Hypervisor", ""),
        "id": image["ImageId"],
        "imageId": image["ImageId"],
        "imageLocation": image.get("ImageLocation", ""),
        "imageType": image.get("ImageType", "machine"),
        "name": image["Name"],
        "ownerId": image["OwnerId"],
        "platform": image.get("Platform", ""),
        "platformDetails": image.get("PlatformDetails", ""),
        "public": image.get("Public", False),
        "region": region,
        "rootDeviceName": image.get("RootDeviceName", ""),
        "rootDeviceType": image.get("RootDeviceType", ""),
        "state": image.get("State", ""),
        "tags": tag_map(image.get("Tags")),
        "virtualizationType": image.get("VirtualizationType", ""),
    }


def get_instance_type(aws: Aws, arguments: Properties) -> Properties:
    """What an instance type can do, its `supportedArchitectures` above all."""
    name = arguments["instanceType"]
    ec2 = aws.client("ec2", arguments.get("region"))
    try:
        found = ec2.describe_instance_types(InstanceTypes=[name])["InstanceTypes"]
    except ClientError as error:
        if code(error) != "InvalidInstanceType":
            raise
        found = []
    if not found:
        raise PluginError(
            f"reading EC2 Instance Type ({name}): operation error: DescribeInstanceTypes, api error "
            f"InvalidInstanceType: The following supplied instance types do not exist: [{name}]"
        )
    kind = found[0]
    processor, network = kind.get("ProcessorInfo", {}), kind.get("NetworkInfo", {})
    return {
        "id": name,
        "instanceType": name,
        "region": arguments.get("region") or aws.region,
        "bareMetal": kind.get("BareMetal", False),
        "burstablePerformanceSupported": kind.get("BurstablePerformanceSupported", False),
        "currentGeneration": kind.get("CurrentGeneration", False),
        "defaultVcpus": kind.get("VCpuInfo", {}).get("DefaultVCpus"),
        "ebsEncryptionSupport": kind.get("EbsInfo", {}).get("EncryptionSupport", ""),
        "ebsNvmeSupport": kind.get("EbsInfo", {}).get("NvmeSupport", ""),
        "ebsOptimizedSupport": kind.get("EbsInfo", {}).get("EbsOptimizedSupport", ""),
        "enaSupport": network.get("EnaSupport", ""),
        "freeTierEligible": kind.get("FreeTierEligible", False),
        "hypervisor": kind.get("Hypervisor", ""),
        "memorySize": kind.get("MemoryInfo", {}).get("SizeInMiB"),
        "networkPerformance": network.get("NetworkPerformance", ""),
        "supportedArchitectures": processor.get("SupportedArchitectures", []),
        "supportedRootDeviceTypes": kind.get("SupportedRootDeviceTypes", []),
        "supportedUsagesClasses": kind.get("SupportedUsageClasses", []),
        "supportedVirtualizationTypes": kind.get("SupportedVirtualizationTypes", []),
        "sustainedClockSpeed": processor.get("SustainedClockSpeedInGhz"),
    }


def _single(found: list[dict[str, Any]], what: str) -> dict[str, Any]:
    if not found:
        raise PluginError(f"no matching {what} found")
    if len(found) > 1:
        raise PluginError(
            f"multiple {what}s matched; use additional constraints to reduce matches to a single {what}"
        )
    return found[0]


def get_vpc(aws: Aws, arguments: Properties) -> Properties:
    """The one VPC that fits."""
    ec2 = aws.client("ec2", arguments.get("region"))
    filters = _filters(
        arguments,
        is_default=arguments.get("default"),
        cidr=arguments.get("cidrBlock"),
        dhcp_options_id=arguments.get("dhcpOptionsId"),
        state=arguments.get("state"),
        vpc_id=arguments.get("id"),
    )
    vpc = _single(ec2.describe_vpcs(Filters=filters)["Vpcs"], "EC2 VPC")
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
    """The one subnet that fits."""
    ec2 = aws.client("ec2", arguments.get("region"))
    filters = _filters(
        arguments,
        availability_zone=arguments.get("availabilityZone"),
        availability_zone_id=arguments.get("availabilityZoneId"),
        cidr_block=arguments.get("cidrBlock"),
        default_for_az=arguments.get("defaultForAz"),
        state=arguments.get("state"),
        subnet_id=arguments.get("id"),
        vpc_id=arguments.get("vpcId"),
    )
    subnet = _single(ec2.describe_subnets(Filters=filters)["Subnets"], "EC2 Subnet")
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
    """The ids of all subnets that fit; none is no error."""
    region = arguments.get("region") or aws.region
    subnets = aws.client("ec2", region).describe_subnets(Filters=_filters(arguments))["Subnets"]
    return {**arguments, "id": region, "ids": [each["SubnetId"] for each in subnets], "region": region}


def get_region(aws: Aws, arguments: Properties) -> Properties:
    """The provider's region, or the one named."""
    name = arguments.get("region") or arguments.get("name") or arguments.get("id") or aws.region
    if name not in known_regions():
        raise PluginError(f"finding Region using name: region not found: {name}")
    partitions = aws.session._session.get_data("endpoints")["partitions"]
    regions = {key: data for each in partitions for key, data in each["regions"].items()}
    return {
        "id": name,
        "name": name,
        "region": name,
        "description": regions.get(name, {}).get("description", name),
        "endpoint": f"ec2.{name}.amazonaws.com",
    }


def get_caller_identity(aws: Aws, arguments: Properties) -> Properties:
    """Whose credentials these are."""
    answer = aws.client("sts").get_caller_identity()
    account = answer["Account"]
    return {"accountId": account, "arn": answer["Arn"], "id": account, "userId": answer["UserId"]}


_PLACE = fields(state=Input(TEXT), cidrBlock=Input(TEXT), id=Input(TEXT), **_TAGS, **_FILTERS)

FUNCTIONS = (
    Function(
        "aws:ec2/getAmi:getAmi",
        fields(
            allowUnsafeFilter=Input(BOOLEAN),
            includeDeprecated=Input(BOOLEAN),
            mostRecent=Input(BOOLEAN),
            nameRegex=Input(TEXT),
            owners=Input(ListOf(TEXT)),
            **_TAGS,
            **_FILTERS,
        ),
        get_ami,
    ),
    Function(
        "aws:ec2/getInstanceType:getInstanceType",
        fields(instanceType=Input(TEXT, required=True), region=Input(TEXT)),
        get_instance_type,
    ),
    Function(
        "aws:ec2/getVpc:getVpc", fields(default=Input(BOOLEAN), dhcpOptionsId=Input(TEXT), **_PLACE), get_vpc
    ),
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
    Function("aws:ec2/getSubnets:getSubnets", fields(**_TAGS, **_FILTERS), get_subnets),
    Function(
        "aws:index/getRegion:getRegion",
        fields(endpoint=Input(TEXT), id=Input(TEXT), name=Input(TEXT), region=Input(TEXT)),
        get_region,
    ),
    Function("aws:index/getCallerIdentity:getCallerIdentity", fields(id=Input(TEXT)), get_caller_identity),
)
