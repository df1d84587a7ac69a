"""Elastic IPs: aws.ec2.Eip and aws.ec2.EipAssociation."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sandbox.plugins.aws.resource import (
    REGIONAL,
    TAGGED,
    TAGS,
    AwsResource,
    Ec2Resource,
    or_gone,
    present,
)
from sandbox.plugins.base import BOOLEAN, TEXT, Input, Output, Properties, fields

_ADDRESS_GONE = ("InvalidAllocationID.NotFound", "InvalidAddress.NotFound", "AuthFailure")
_ASSOCIATION_GONE = ("InvalidAssociationID.NotFound",)


def public_dns(address: str, region: str) -> str:
    """The name of a public address in AWS's DNS."""
    zone = "compute-1" if region == "us-east-1" else f"{region}.compute"
    return f"ec2-{address.replace('.', '-')}.{zone}.amazonaws.com"


class Eip(Ec2Resource):
    """An elastic IP."""

    token = "aws:ec2/eip:Eip"
    title = "EC2 EIP"
    inputs = fields(
        address=Input(TEXT, replaces=True, computed=True),
        domain=Input(TEXT, computed=True, replaces=True),
        instance=Input(TEXT, computed=True),
        **TAGS,
        **REGIONAL,
    )
    outputs = fields(
        allocationId=Output(),
        associationId=Output(),
        privateIp=Output(),
        publicIp=Output(),
        publicDns=Output(),
        **TAGGED,
    )

    def create(self, inputs: Properties) -> tuple[str, Properties]:
        ec2 = self.ec2(inputs)
        id_ = ec2.allocate_address(
            Domain=inputs.get("domain", "vpc"),
            **present(Address=inputs.get("address"), TagSpecifications=self.tag_specification("elastic-ip", inputs)),
        )["AllocationId"]
        if inputs.get("instance"):
            ec2.associate_address(AllocationId=id_, InstanceId=inputs["instance"], AllowReassociation=True)
        return id_, self.read(id_, inputs) or {}

    def read(self, id_: str, state: Properties) -> Properties | None:
        ec2 = self.ec2(state)
        answer = or_gone(lambda: ec2.describe_addresses(AllocationIds=[id_]), *_ADDRESS_GONE)
        if not answer or not answer["Addresses"]:
            return None
        found = answer["Addresses"][0]
        region = self.region(state)
        return {
            "allocationId": id_,
            "arn": self.client.arn("ec2", f"elastic-ip/{id_}", region),
            "associationId": found.get("AssociationId", ""),
            "domain": found.get("Domain", "vpc"),
            "instance": found.get("InstanceId", ""),
            "privateIp": found.get("PrivateIpAddress", ""),
            "publicIp": found["PublicIp"],
            "publicDns": public_dns(found["PublicIp"], region),
            "region": region,
            **self.tags_out(found.get("Tags"), state),
        }

    def update(self, id_: str, old: Properties, new: Properties) -> Properties:
        ec2 = self.ec2(new)
        if new.get("instance") and old.get("instance") != new["instance"]:
            ec2.associate_address(AllocationId=id_, InstanceId=new["instance"], AllowReassociation=True)
        self.retag(id_, old, new)
        return self.read(id_, new) or {}

    def volatile(self, changed: frozenset[str], old: Properties, new: Properties) -> Iterable[str]:
        return ("associationId", "privateIp") if "instance" in changed else ()

    def delete(self, id_: str, state: Properties) -> None:
        ec2 = self.ec2(state)
        current = self.read(id_, state)
        if current is None:
            return
        if current["associationId"]:
            or_gone(lambda: ec2.disassociate_address(AssociationId=current["associationId"]), *_ASSOCIATION_GONE)
        or_gone(lambda: ec2.release_address(AllocationId=id_), *_ADDRESS_GONE)


class EipAssociation(AwsResource):
    """The association of an elastic IP with an instance."""

    token = "aws:ec2/eipAssociation:EipAssociation"
    title = "EC2 EIP Association"
    inputs = fields(
        allocationId=Input(TEXT, computed=True, replaces=True),
        allowReassociation=Input(BOOLEAN, replaces=True),
        instanceId=Input(TEXT, computed=True, replaces=True),
        networkInterfaceId=Input(TEXT, computed=True, replaces=True),
        privateIpAddress=Input(TEXT, computed=True, replaces=True),
        publicIp=Input(TEXT, computed=True, replaces=True),
        **REGIONAL,
    )

    def create(self, inputs: Properties) -> tuple[str, Properties]:
        answer = self.api("ec2", inputs).associate_address(
            # AWS's default, and therefore the real provider's.
            AllowReassociation=True,
            **present(
                AllocationId=inputs.get("allocationId"),
                PublicIp=None if inputs.get("allocationId") else inputs.get("publicIp"),
                InstanceId=inputs.get("instanceId"),
                NetworkInterfaceId=inputs.get("networkInterfaceId"),
                PrivateIpAddress=inputs.get("privateIpAddress"),
            ),
        )
        return answer["AssociationId"], self.read(answer["AssociationId"], inputs) or {}

    def read(self, id_: str, state: Properties) -> Properties | None:
        found = self._address(id_, state)
        if found is None:
            return None
        return {
            "allocationId": found["AllocationId"],
            "instanceId": found.get("InstanceId", ""),
            "networkInterfaceId": found.get("NetworkInterfaceId", ""),
            "privateIpAddress": found.get("PrivateIpAddress", ""),
            "publicIp": found["PublicIp"],
            "region": self.region(state),
        }

    def _address(self, id_: str, state: Properties) -> dict[str, Any] | None:
        filters = [{"Name": "association-id", "Values": [id_]}]
        addresses = self.api("ec2", state).describe_addresses(Filters=filters)["Addresses"]
        return addresses[0] if addresses else None

    def update(self, id_: str, old: Properties, new: Properties) -> Properties:
        return self.read(id_, new) or {}

    def delete(self, id_: str, state: Properties) -> None:
        # If the address has moved to another instance, this association is gone already.
        if self._address(id_, state) is not None:
            ec2 = self.api("ec2", state)
            or_gone(lambda: ec2.disassociate_address(AssociationId=id_), *_ASSOCIATION_GONE)
