"""Network interfaces that are created before their instance: aws.ec2.NetworkInterface."""

from __future__ import annotations

from typing import Any

from sandbox.plugins.aws.resource import REGIONAL, TAGGED, TAGS, Ec2Resource, or_gone, present
from sandbox.plugins.base import BOOLEAN, TEXT, Input, ListOf, Output, Properties, fields

_GONE = ("InvalidNetworkInterfaceID.NotFound",)


class NetworkInterface(Ec2Resource):
    """A network interface with one address, which EC2 chooses.

    terraform-provider-aws, internal/service/ec2/vpc_network_interface.go: a change of the subnet replaces it, a change
    of groups or description does not. It is detached, if necessary, before it is deleted.
    """

    token = "aws:ec2/networkInterface:NetworkInterface"
    title = "EC2 Network Interface"
    inputs = fields(
        description=Input(TEXT),
        securityGroups=Input(ListOf(TEXT, ordered=False), computed=True),
        sourceDestCheck=Input(BOOLEAN, default=True),
        subnetId=Input(TEXT, required=True, replaces=True),
        **TAGS,
        **REGIONAL,
    )
    outputs = fields(
        macAddress=Output(),
        ownerId=Output(),
        privateDnsName=Output(),
        privateIp=Output(),
        privateIps=Output(),
        **TAGGED,
    )

    def create(self, inputs: Properties) -> tuple[str, Properties]:
        made = self.ec2(inputs).create_network_interface(
            SubnetId=inputs["subnetId"],
            **present(
                Description=inputs.get("description"),
                Groups=inputs.get("securityGroups"),
                TagSpecifications=self.tag_specification("network-interface", inputs),
            ),
        )["NetworkInterface"]
        id_ = str(made["NetworkInterfaceId"])
        return id_, self.read(id_, inputs) or {}

    def read(self, id_: str, state: Properties) -> Properties | None:
        found = self._find(id_, state)
        if found is None:
            return None
        region = self.region(state)
        return {
            "arn": self.client.arn("ec2", f"network-interface/{id_}", region),
            "description": found.get("Description", ""),
            "macAddress": found["MacAddress"],
            "ownerId": found["OwnerId"],
            "privateDnsName": found.get("PrivateDnsName", ""),
            "privateIp": found["PrivateIpAddress"],
            "privateIps": [each["PrivateIpAddress"] for each in found["PrivateIpAddresses"]],
            "region": region,
            "securityGroups": [group["GroupId"] for group in found["Groups"]],
            "sourceDestCheck": found["SourceDestCheck"],
            "subnetId": found["SubnetId"],
            **self.tags_out(found.get("TagSet"), state),
        }

    def _find(self, id_: str, state: Properties) -> dict[str, Any] | None:
        ec2 = self.ec2(state)
        answer = or_gone(lambda: ec2.describe_network_interfaces(NetworkInterfaceIds=[id_]), *_GONE)
        found: list[dict[str, Any]] = answer["NetworkInterfaces"] if answer else []
        return found[0] if found else None

    def update(self, id_: str, old: Properties, new: Properties) -> Properties:
        ec2 = self.ec2(new)
        if new.get("securityGroups") and set(new["securityGroups"]) != set(old["securityGroups"]):
            ec2.modify_network_interface_attribute(NetworkInterfaceId=id_, Groups=new["securityGroups"])
        if new.get("description", "") != old.get("description", ""):
            text = {"Value": new.get("description", "")}
            ec2.modify_network_interface_attribute(NetworkInterfaceId=id_, Description=text)
        self.retag(id_, old, new)
        return self.read(id_, new) or {}

    def delete(self, id_: str, state: Properties) -> None:
        found = self._find(id_, state)
        if found is None:
            return
        ec2 = self.ec2(state)
        if attached := found.get("Attachment"):
            ec2.detach_network_interface(AttachmentId=attached["AttachmentId"], Force=True)
        or_gone(lambda: ec2.delete_network_interface(NetworkInterfaceId=id_), *_GONE)
