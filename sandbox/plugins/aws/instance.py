"""EC2 instances: aws.ec2.Instance."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from botocore.exceptions import ClientError

from sandbox.plugins.aws import instance_request, instance_update
from sandbox.plugins.aws.address import public_dns
from sandbox.plugins.aws.client import explain
from sandbox.plugins.aws.instance_state import GONE, find, wait_for
from sandbox.plugins.aws.resource import REGIONAL, TAGGED, TAGS, Ec2Resource, or_gone, tag_map
from sandbox.plugins.base import (
    BOOLEAN,
    INTEGER,
    TEXT,
    Failure,
    IncompleteError,
    Input,
    ListOf,
    MapOf,
    ObjectOf,
    Output,
    Properties,
    fields,
)

USER_DATA_LIMIT = 16384
"""Bytes, before encoding."""

_ROOT_DEVICE = fields(
    deleteOnTermination=Input(BOOLEAN, default=True),
    encrypted=Input(BOOLEAN, computed=True, replaces=True),
    iops=Input(INTEGER, computed=True),
    kmsKeyId=Input(TEXT, computed=True, replaces=True),
    tags=Input(MapOf(TEXT)),
    throughput=Input(INTEGER, computed=True),
    volumeSize=Input(INTEGER, computed=True),
    volumeType=Input(TEXT, computed=True),
)
_METADATA = fields(
    httpEndpoint=Input(TEXT, computed=True),
    httpPutResponseHopLimit=Input(INTEGER, computed=True),
    httpTokens=Input(TEXT, computed=True),
    instanceMetadataTags=Input(TEXT, computed=True),
)
_PRIMARY = fields(
    deleteOnTermination=Input(BOOLEAN, computed=True),
    networkInterfaceId=Input(TEXT, required=True, replaces=True),
)
_EXCLUDED_BY_INTERFACE = ("associatePublicIpAddress", "privateIp", "subnetId", "vpcSecurityGroupIds")
"""Inputs that conflict with `primaryNetworkInterface` (terraform-provider-aws, ec2_instance.go)."""


class Instance(Ec2Resource):
    """An EC2 instance. It exists once it runs, and is gone once it is terminated."""

    token = "aws:ec2/instance:Instance"
    title = "EC2 Instance"
    inputs = fields(
        ami=Input(TEXT, computed=True, replaces=True),
        associatePublicIpAddress=Input(BOOLEAN, computed=True, replaces=True),
        availabilityZone=Input(TEXT, computed=True, replaces=True),
        creditSpecification=Input(ObjectOf(fields(cpuCredits=Input(TEXT, computed=True))), computed=True),
        disableApiStop=Input(BOOLEAN, computed=True),
        disableApiTermination=Input(BOOLEAN, computed=True),
        ebsOptimized=Input(BOOLEAN, computed=True, replaces=True),
        forceDestroy=Input(BOOLEAN, default=False),
        getPasswordData=Input(BOOLEAN, default=False),
        iamInstanceProfile=Input(TEXT, computed=True),
        instanceInitiatedShutdownBehavior=Input(TEXT, computed=True),
        instanceType=Input(TEXT, computed=True),
        keyName=Input(TEXT, computed=True, replaces=True),
        maintenanceOptions=Input(ObjectOf(fields(autoRecovery=Input(TEXT, computed=True))), computed=True),
        metadataOptions=Input(ObjectOf(_METADATA), computed=True),
        monitoring=Input(BOOLEAN, computed=True),
        primaryNetworkInterface=Input(ObjectOf(_PRIMARY), computed=True),
        privateIp=Input(TEXT, computed=True, replaces=True),
        rootBlockDevice=Input(ObjectOf(_ROOT_DEVICE), computed=True),
        sourceDestCheck=Input(BOOLEAN, default=True),
        subnetId=Input(TEXT, computed=True, replaces=True),
        userData=Input(TEXT, computed=True),
        userDataBase64=Input(TEXT, computed=True),
        userDataReplaceOnChange=Input(BOOLEAN, default=False),
        volumeTags=Input(MapOf(TEXT)),
        vpcSecurityGroupIds=Input(ListOf(TEXT, ordered=False), computed=True),
        **TAGS,
        **REGIONAL,
    )
    outputs = fields(
        instanceState=Output(),
        primaryNetworkInterfaceId=Output(),
        privateDns=Output(),
        publicDns=Output(),
        publicIp=Output(),
        **TAGGED,
    )

    def check(self, inputs: Properties) -> Iterable[Failure]:
        for name in ("ami", "instanceType"):
            if name not in inputs:
                yield Failure(name, f'Missing required argument. One of "{name}, launchTemplate" must be set')
        data = inputs.get("userData")
        if isinstance(data, str) and len(data.encode()) > USER_DATA_LIMIT:
            length = len(data.encode())
            reason = f"expected length of user_data to be in the range (0 - {USER_DATA_LIMIT}), got {length}"
            yield Failure("userData", reason)
        for name in _EXCLUDED_BY_INTERFACE if "primaryNetworkInterface" in inputs else ():
            if name in inputs:
                yield Failure(name, f'"{name}": conflicts with primary_network_interface')
        if "userData" in inputs and "userDataBase64" in inputs:
            yield Failure("userData", 'Conflicting configuration arguments: "userData", "userDataBase64"')

    def replaces(self, name: str, old: Properties, new: Properties, *, declared: bool) -> bool:
        if name in ("userData", "userDataBase64"):
            return bool(new.get("userDataReplaceOnChange"))
        if name == "instanceType":
            return self._other_architecture(old["instanceType"], new)
        return declared

    def _other_architecture(self, before: str, new: Properties) -> bool:
        """Whether the types have no architecture in common (terraform-provider-aws, ec2_instance.go)."""
        kinds = [before, new["instanceType"]]
        try:
            found = self.ec2(new).describe_instance_types(InstanceTypes=kinds)["InstanceTypes"]
        except ClientError:
            return False
        supported = [set(each["ProcessorInfo"]["SupportedArchitectures"]) for each in found]
        return not set.intersection(*supported)

    def volatile(self, changed: frozenset[str], old: Properties, new: Properties) -> Iterable[str]:
        # A stop and a start change the public address, unless it is an elastic IP.
        return ("publicIp", "publicDns") if changed & instance_update.STOPPING else ()

    def create(self, inputs: Properties) -> tuple[str, Properties]:
        ec2 = self.ec2(inputs)
        root = instance_request.root_device_of(ec2, inputs["ami"])
        request = instance_request.build(inputs, self.tag_list(inputs), self.client.default_tags, root)
        self.status("starting")
        id_ = str(ec2.run_instances(**request)["Instances"][0]["InstanceId"])
        try:
            wait_for(self, id_, inputs, "running", 10 * 60)
            instance_request.finish(ec2, id_, inputs)
        except Exception as error:
            known = self.read(id_, inputs) or {}
            raise IncompleteError(id_, known, f"waiting for EC2 Instance ({id_}) create: {explain(error)}") from error
        return id_, self.read(id_, inputs) or {}

    def read(self, id_: str, state: Properties) -> Properties | None:
        found = find(self, id_, state)
        if found is None or found["State"]["Name"] in ("terminated", "shutting-down"):
            return None
        region = self.region(state)
        address = found.get("PublicIpAddress", "")
        metadata = found.get("MetadataOptions", {})
        primary: dict[str, Any] = next(iter(found.get("NetworkInterfaces", [])), {})
        profile = found.get("IamInstanceProfile", {}).get("Arn", "")
        return {
            "ami": found["ImageId"],
            "arn": self.client.arn("ec2", f"instance/{id_}", region),
            "associatePublicIpAddress": bool(address) or bool(state.get("associatePublicIpAddress")),
            "availabilityZone": found["Placement"]["AvailabilityZone"],
            "ebsOptimized": found.get("EbsOptimized", False),
            "iamInstanceProfile": profile.rsplit("/", 1)[-1],
            "instanceState": found["State"]["Name"],
            "instanceType": found["InstanceType"],
            "keyName": found.get("KeyName", ""),
            "metadataOptions": {
                "httpEndpoint": metadata.get("HttpEndpoint", "enabled"),
                "httpPutResponseHopLimit": metadata.get("HttpPutResponseHopLimit", 1),
                "httpTokens": metadata.get("HttpTokens", "optional"),
                "instanceMetadataTags": metadata.get("InstanceMetadataTags", "disabled"),
            },
            "monitoring": found.get("Monitoring", {}).get("State") in ("enabled", "pending"),
            "primaryNetworkInterface": {
                "deleteOnTermination": primary.get("Attachment", {}).get("DeleteOnTermination", False),
                "networkInterfaceId": primary.get("NetworkInterfaceId", ""),
            },
            "primaryNetworkInterfaceId": primary.get("NetworkInterfaceId", ""),
            "privateDns": found.get("PrivateDnsName", ""),
            "privateIp": found.get("PrivateIpAddress", ""),
            "publicDns": public_dns(address, region) if address else "",
            "publicIp": address,
            "region": region,
            "sourceDestCheck": found.get("SourceDestCheck", True),
            "subnetId": found.get("SubnetId", ""),
            "vpcSecurityGroupIds": [group["GroupId"] for group in found.get("SecurityGroups", [])],
            **self.tags_out(found.get("Tags"), state),
            **self._root_device(found, state),
            **instance_request.attributes(self.ec2(state), id_, state),
        }

    def _root_device(self, found: dict[str, Any], state: Properties) -> Properties:
        for mapping in found.get("BlockDeviceMappings", []):
            if mapping["DeviceName"] != found.get("RootDeviceName"):
                continue
            volume = self.ec2(state).describe_volumes(VolumeIds=[mapping["Ebs"]["VolumeId"]])["Volumes"][0]
            tags = tag_map(volume.get("Tags"))
            own = state.get("rootBlockDevice", {}).get("tags")
            # The root volume's tags belong either to `volumeTags` or to the device, as in the real provider.
            device = {
                "deleteOnTermination": mapping["Ebs"].get("DeleteOnTermination", True),
                "deviceName": mapping["DeviceName"],
                "encrypted": volume.get("Encrypted", False),
                "iops": volume.get("Iops") or None,
                "kmsKeyId": volume.get("KmsKeyId") or None,
                "tags": {key: tags[key] for key in own if key in tags} if own else None,
                "throughput": volume.get("Throughput") or None,
                "volumeId": volume["VolumeId"],
                "volumeSize": volume["Size"],
                "volumeType": volume["VolumeType"],
            }
            device = {key: value for key, value in device.items() if value is not None}
            return {
                "rootBlockDevice": device,
                **({"volumeTags": tags} if state.get("volumeTags") else {}),
            }
        return {}

    def update(self, id_: str, old: Properties, new: Properties) -> Properties:
        instance_update.apply(self, id_, old, new)
        self.retag(id_, old, new)
        return self.read(id_, new) or {}

    def delete(self, id_: str, state: Properties) -> None:
        ec2 = self.ec2(state)
        found = find(self, id_, state)
        if found is None or found["State"]["Name"] == "terminated":
            return
        if state.get("forceDestroy"):
            ec2.modify_instance_attribute(InstanceId=id_, DisableApiTermination={"Value": False})
        self.status("terminating")
        or_gone(lambda: ec2.terminate_instances(InstanceIds=[id_]), *GONE)
        wait_for(self, id_, state, "terminated", 20 * 60)
