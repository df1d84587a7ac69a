"""Requests for an instance's inputs, and the attributes that must be read one by one."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from sandbox.plugins.aws.resource import present, tag_list
from sandbox.plugins.base import Properties

_ATTRIBUTES = {
    "disableApiTermination": ("disableApiTermination", "DisableApiTermination"),
    "instanceInitiatedShutdownBehavior": (
        "instanceInitiatedShutdownBehavior",
        "InstanceInitiatedShutdownBehavior",
    ),
}


def build(
    inputs: Properties, tags: list[dict[str, str]], default_tags: Mapping[str, str], root_device: str
) -> dict[str, Any]:
    """The arguments of RunInstances. tags: the instance's, as AWS's list; root_device: its name in the image."""
    device = inputs.get("rootBlockDevice")
    volume_tags = dict(inputs.get("volumeTags", {}))
    if device is not None and not volume_tags:
        # Default tags apply to a root volume that the inputs describe, as in the real provider.
        volume_tags = {**default_tags, **device.get("tags", {})}
    specifications = [
        {"ResourceType": kind, "Tags": each}
        for kind, each in (("instance", tags), ("volume", tag_list(volume_tags)))
        if each
    ]
    request = present(
        ImageId=inputs["ami"],
        InstanceType=inputs["instanceType"],
        MinCount=1,
        MaxCount=1,
        KeyName=inputs.get("keyName"),
        UserData=user_data(inputs),
        IamInstanceProfile=present(Name=inputs.get("iamInstanceProfile")),
        MetadataOptions=metadata(inputs.get("metadataOptions", {})),
        InstanceInitiatedShutdownBehavior=inputs.get("instanceInitiatedShutdownBehavior"),
        Placement=present(AvailabilityZone=inputs.get("availabilityZone")),
        TagSpecifications=specifications,
        CreditSpecification=present(CpuCredits=inputs.get("creditSpecification", {}).get("cpuCredits")),
        MaintenanceOptions=present(AutoRecovery=inputs.get("maintenanceOptions", {}).get("autoRecovery")),
        BlockDeviceMappings=[_root_mapping(device, root_device)] if device is not None else None,
    )
    if "monitoring" in inputs:
        request["Monitoring"] = {"Enabled": inputs["monitoring"]}
    if "ebsOptimized" in inputs:
        request["EbsOptimized"] = inputs["ebsOptimized"]
    if "disableApiTermination" in inputs:
        request["DisableApiTermination"] = inputs["disableApiTermination"]
    return {**request, **_network(inputs)}


def _network(inputs: Properties) -> dict[str, Any]:
    """Subnet, address and groups: as arguments, as those of a new network interface if `associatePublicIpAddress` is
    set, or as an existing interface, which has them all."""
    if primary := inputs.get("primaryNetworkInterface"):
        return {"NetworkInterfaces": [{"DeviceIndex": 0, "NetworkInterfaceId": primary["networkInterfaceId"]}]}
    plain = present(
        SubnetId=inputs.get("subnetId"),
        PrivateIpAddress=inputs.get("privateIp"),
        SecurityGroupIds=inputs.get("vpcSecurityGroupIds"),
    )
    if "associatePublicIpAddress" not in inputs or not inputs.get("subnetId"):
        return plain
    groups = present(Groups=plain.pop("SecurityGroupIds", None))
    public = {"AssociatePublicIpAddress": inputs["associatePublicIpAddress"]}
    return {"NetworkInterfaces": [{"DeviceIndex": 0, **public, **plain, **groups}]}


def _root_mapping(device: Properties, name: str) -> dict[str, Any]:
    """The root volume's mapping. What it leaves out is as in the image."""
    volume = present(
        DeleteOnTermination=device.get("deleteOnTermination"),
        Encrypted=device.get("encrypted"),
        Iops=device.get("iops"),
        KmsKeyId=device.get("kmsKeyId"),
        Throughput=device.get("throughput"),
        VolumeSize=device.get("volumeSize"),
        VolumeType=device.get("volumeType"),
    )
    return {"DeviceName": name, "Ebs": volume}


def user_data(inputs: Properties) -> str | None:
    """The user data as text, which boto3 encodes for RunInstances."""
    if "userDataBase64" in inputs:
        return base64.b64decode(inputs["userDataBase64"]).decode()
    return inputs.get("userData")


def metadata(options: Properties) -> dict[str, Any]:
    """The metadata options, with AWS's names. AWS accepts them only with the endpoint enabled."""
    return present(
        HttpEndpoint=options.get("httpEndpoint", "enabled" if options else None),
        HttpPutResponseHopLimit=options.get("httpPutResponseHopLimit"),
        HttpTokens=options.get("httpTokens"),
        InstanceMetadataTags=options.get("instanceMetadataTags"),
    )


def finish(ec2: Any, id_: str, inputs: Properties) -> None:
    """Set what RunInstances does not take."""
    if not inputs.get("sourceDestCheck", True):
        ec2.modify_instance_attribute(InstanceId=id_, SourceDestCheck={"Value": False})


def root_device_of(ec2: Any, ami: str) -> str:
    """The name of the image's root device."""
    images = ec2.describe_images(ImageIds=[ami])["Images"]
    return str(images[0].get("RootDeviceName") or "/dev/xvda") if images else "/dev/xvda"


def attributes(ec2: Any, id_: str, state: Properties) -> Properties:
    """User data and other attributes that DescribeInstances does not return. state: tells the form of user data."""
    found: Properties = {}
    for name, (attribute, key) in _ATTRIBUTES.items():
        answer = ec2.describe_instance_attribute(InstanceId=id_, Attribute=attribute)
        value = answer.get(key, {}).get("Value")
        if value is not None:
            found[name] = value == "true" if isinstance(value, str) and value in ("true", "false") else value
    encoded = ec2.describe_instance_attribute(InstanceId=id_, Attribute="userData").get("UserData", {}).get("Value")
    if encoded and "userDataBase64" in state:
        found["userDataBase64"] = encoded
    elif encoded:
        found["userData"] = base64.b64decode(encoded).decode(errors="replace")
    return found
