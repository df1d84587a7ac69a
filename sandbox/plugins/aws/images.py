"""Lookups of images and instance types: aws.ec2.get_ami and aws.ec2.get_instance_type."""

from __future__ import annotations

import re

from botocore.exceptions import ClientError

from sandbox.plugins.aws.client import Aws, code
from sandbox.plugins.aws.filters import filters_of
from sandbox.plugins.aws.resource import present, tag_map
from sandbox.plugins.base import PluginError, Properties


def get_ami(aws: Aws, arguments: Properties) -> Properties:
    """The only image that matches, or with `mostRecent` the newest."""
    if arguments.get("mostRecent") and not arguments.get("owners") and not arguments.get("allowUnsafeFilter"):
        raise PluginError(
            "Most Recent Image Not Filtered: mostRecent is true, so `owners` or a filter on it is needed "
            "(anyone may publish an image under any name)"
        )
    ec2 = aws.client("ec2", arguments.get("region"))
    images = ec2.describe_images(
        **present(Owners=arguments.get("owners"), Filters=filters_of(arguments)),
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
    """An instance type's properties, such as its `supportedArchitectures`."""
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
