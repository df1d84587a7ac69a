"""Reads what should exist from EC2's public API: instances, their groups, addresses and volumes."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING

from sandbox.place import Place

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import InstanceTypeDef, IpPermissionOutputTypeDef


@dataclass(frozen=True)
class Rule:
    """One permission of a security group.

    protocol: `tcp`, `udp`, `icmp`, a protocol's number, or `-1` for all traffic.
    first, last: the ports; for icmp the type and the code (-1: any); None: any.
    networks, groups: the other end; a group stands for the private addresses of its members.
    """

    protocol: str
    first: int | None = None
    last: int | None = None
    networks: tuple[IPv4Network, ...] = ()
    groups: tuple[str, ...] = ()


@dataclass(frozen=True)
class Group:
    """A security group."""

    id: str
    ingress: tuple[Rule, ...] = ()
    egress: tuple[Rule, ...] = ()


@dataclass(frozen=True)
class Disk:
    """An attached EBS volume other than the root volume. device: such as `/dev/sdf`. size: in GiB."""

    volume: str
    device: str
    size: int


@dataclass(frozen=True)
class Instance:
    """What the machine behind an EC2 instance needs to know about it.

    nat_address: the address of the NAT gateway through which it reaches the internet, if it has no public address.
    """

    id: str
    region: str
    state: str
    kind: str
    name: str
    address: IPv4Address | None
    public_address: IPv4Address | None = None
    nat_address: IPv4Address | None = None
    groups: tuple[str, ...] = ()
    disks: tuple[Disk, ...] = ()
    key_name: str | None = None


@dataclass(frozen=True)
class Fleet:
    """Everything that EC2 has in a region. volumes: the ids of all volumes, attached or not."""

    instances: tuple[Instance, ...] = ()
    groups: dict[str, Group] = field(default_factory=dict)
    volumes: frozenset[str] = frozenset()


def read(ec2: EC2Client, region: str, place: Place, known: Fleet, *, used: bool = False) -> Fleet:
    """The region's fleet now. known: what it was last time.

    used: whether the region has anything but instances. A region that is not used costs one request.
    Raises botocore's errors when EC2 does not answer.
    """
    found = [
        instance
        for page in ec2.get_paginator("describe_instances").paginate()
        for reservation in page["Reservations"]
        for instance in reservation["Instances"]
    ]
    if not found and not known.volumes and not used:
        return Fleet()
    volumes = {
        volume["VolumeId"]: volume["Size"]
        for page in ec2.get_paginator("describe_volumes").paginate()
        for volume in page["Volumes"]
    }
    public = {
        address["PrivateIpAddress"]: address["PublicIp"]
        for address in ec2.describe_addresses()["Addresses"]
        if address.get("PrivateIpAddress")
    }
    described = [
        group for page in ec2.get_paginator("describe_security_groups").paginate() for group in page["SecurityGroups"]
    ]
    groups = {
        group["GroupId"]: Group(
            group["GroupId"],
            tuple(_rule(permission) for permission in group.get("IpPermissions", [])),
            tuple(_rule(permission) for permission in group.get("IpPermissionsEgress", [])),
        )
        for group in described
    }
    defaults = {group.get("VpcId"): group["GroupId"] for group in described if group["GroupName"] == "default"}
    instances = [_instance(one, region, place, volumes=volumes, public=public, defaults=defaults) for one in found]
    if any(one.address and not one.public_address for one in instances):
        routes = _Routes(ec2, place)
        subnets = ((one.get("VpcId", ""), one.get("SubnetId", "")) for one in found)
        instances = [
            one if one.public_address else replace(one, nat_address=routes.nat_address(*subnet))
            for one, subnet in zip(instances, subnets, strict=True)
        ]
    return Fleet(tuple(instances), groups, frozenset(volumes))


class _Routes:
    """The default routes of a region's subnets."""

    def __init__(self, ec2: EC2Client, place: Place) -> None:
        self._public = {
            gateway["NatGatewayId"]: _ours(address.get("PublicIp"), place)
            for gateway in ec2.describe_nat_gateways()["NatGateways"]
            for address in gateway["NatGatewayAddresses"]
            if gateway["State"] == "available"
        }
        self._targets: dict[str, str] = {}
        for table in ec2.describe_route_tables()["RouteTables"]:
            default = (each for each in table["Routes"] if each.get("DestinationCidrBlock") == "0.0.0.0/0")
            target = next((each.get("NatGatewayId", "") for each in default), "")
            for each in table["Associations"]:
                self._targets[table["VpcId"] if each.get("Main") else each.get("SubnetId", "")] = target

    def nat_address(self, vpc: str, subnet: str) -> IPv4Address | None:
        """The NAT gateway's address. A subnet without its own route table uses its VPC's main one."""
        return self._public.get(self._targets.get(subnet, self._targets.get(vpc, "")))


def user_data(ec2: EC2Client, instance: str) -> bytes:
    """The instance's user data, byte for byte; empty if it has none."""
    answer = ec2.describe_instance_attribute(InstanceId=instance, Attribute="userData")
    return base64.b64decode(answer.get("UserData", {}).get("Value") or "")


def public_key(ec2: EC2Client, name: str) -> str:
    """The public half of a key pair, as one authorized_keys line."""
    pairs = ec2.describe_key_pairs(KeyNames=[name], IncludePublicKey=True)["KeyPairs"]
    return pairs[0].get("PublicKey", "").strip()


def _instance(
    found: InstanceTypeDef,
    region: str,
    place: Place,
    *,
    volumes: dict[str, int],
    public: dict[str, str],
    defaults: dict[str | None, str],
) -> Instance:
    root = found.get("RootDeviceName")
    address = found.get("PrivateIpAddress")
    elsewhere = public.get(address or "") or found.get("PublicIpAddress")
    # EC2 gives an instance that names no group its VPC's default one; moto gives it none.
    own = [group["GroupId"] for group in found.get("SecurityGroups", [])]
    default = defaults.get(found.get("VpcId"))
    disks = (
        Disk(volume, mapping["DeviceName"], volumes[volume])
        for mapping in found.get("BlockDeviceMappings", [])
        if mapping["DeviceName"] != root and (volume := mapping["Ebs"]["VolumeId"]) in volumes
    )
    return Instance(
        id=found["InstanceId"],
        region=region,
        state=found["State"]["Name"],
        kind=found["InstanceType"],
        name=next((tag["Value"] for tag in found.get("Tags", []) if tag["Key"] == "Name"), ""),
        address=IPv4Address(address) if address else None,
        public_address=_ours(elsewhere, place),
        groups=tuple(own or ([default] if default else [])),
        disks=tuple(sorted(disks, key=lambda disk: disk.device)),
        key_name=found.get("KeyName") or None,
    )


def _ours(text: str | None, place: Place) -> IPv4Address | None:
    """A public address if it is in the place's pool, else None: nothing outside the sandbox is ever a target."""
    return IPv4Address(text) if text and IPv4Address(text) in place.internet else None


def _rule(permission: IpPermissionOutputTypeDef) -> Rule:
    return Rule(
        protocol=str(permission["IpProtocol"]),
        first=permission.get("FromPort"),
        last=permission.get("ToPort"),
        networks=tuple(
            IPv4Network(entry["CidrIp"], strict=False) for entry in permission.get("IpRanges", []) if "CidrIp" in entry
        ),
        groups=tuple(pair["GroupId"] for pair in permission.get("UserIdGroupPairs", []) if "GroupId" in pair),
    )
