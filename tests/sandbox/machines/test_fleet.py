"""The fleet as read from an EC2 API (moto's, in this process)."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws

from sandbox.machines import fleet
from sandbox.machines.fleet import Disk, Fleet, Rule
from sandbox.place import Place

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import FilterTypeDef

REGION = "eu-north-1"


@pytest.fixture
def ec2(monkeypatch: pytest.MonkeyPatch) -> Iterator[EC2Client]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield boto3.client("ec2", region_name=REGION)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def launch(ec2: EC2Client, place: Place, user_data: str = "") -> tuple[str, str]:
    """Launch an instance in a VPC with the place's addresses; returns its id and its group's."""
    vpc = ec2.create_vpc(CidrBlock=str(place.vpc))["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock=str(place.vpc))["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName="server", Description="server", VpcId=vpc)["GroupId"]
    image = ec2.describe_images()["Images"][0]["ImageId"]
    instance = ec2.run_instances(
        ImageId=image,
        InstanceType="t3.small",
        MinCount=1,
        MaxCount=1,
        SubnetId=subnet,
        SecurityGroupIds=[group],
        PrivateIpAddress=str(place.vpc.network_address + 10),
        UserData=user_data,
        TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "server"}]}],
    )["Instances"][0]["InstanceId"]
    return instance, group


def test_an_unused_region_is_empty(ec2: EC2Client, place: Place) -> None:
    assert fleet.read(ec2, REGION, place, Fleet()) == Fleet()


def test_an_instance_with_its_addresses_disks_and_groups(ec2: EC2Client, place: Place) -> None:
    identity, group = launch(ec2, place)
    ec2.authorize_security_group_ingress(
        GroupId=group,
        IpPermissions=[
            {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "198.18.0.0/15"}]},
            {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 81, "UserIdGroupPairs": [{"GroupId": group}]},
        ],
    )
    volume = ec2.create_volume(Size=3, AvailabilityZone=f"{REGION}a")["VolumeId"]
    ec2.attach_volume(VolumeId=volume, InstanceId=identity, Device="/dev/sdf")
    public = place.elastic_addresses[0]
    allocation = ec2.allocate_address(Domain="vpc", Address=str(public))["AllocationId"]
    ec2.associate_address(AllocationId=allocation, InstanceId=identity)

    found = fleet.read(ec2, REGION, place, Fleet())

    (instance,) = found.instances
    assert (instance.id, instance.name, instance.kind, instance.state) == (
        identity,
        "server",
        "t3.small",
        "running",
    )
    assert instance.address == place.vpc.network_address + 10
    assert instance.public_address == public
    assert instance.disks == (Disk(volume, "/dev/sdf", 3),), "the root volume is not among them"
    assert instance.groups == (group,)
    assert set(found.groups[group].ingress) == {
        Rule("tcp", 22, 22, networks=(IPv4Network("198.18.0.0/15"),)),
        Rule("tcp", 80, 81, groups=(group,)),
    }
    assert found.groups[group].egress == (Rule("-1", None, None, (IPv4Network("0.0.0.0/0"),)),)
    assert volume in found.volumes


@pytest.mark.parametrize("own", [True, False], ids=["its own route table", "the main one"])
def test_the_route_table_determines_the_nat_gateway(ec2: EC2Client, place: Place, own: bool) -> None:
    launch(ec2, place)
    (instance,) = fleet.read(ec2, REGION, place, Fleet()).instances
    assert instance.nat_address is None
    (subnet,) = ec2.describe_subnets(Filters=[{"Name": "cidr-block", "Values": [str(place.vpc)]}])["Subnets"]
    vpc: list[FilterTypeDef] = [{"Name": "vpc-id", "Values": [subnet["VpcId"]]}]
    allocation = ec2.allocate_address(Domain="vpc", Address=str(place.elastic_addresses[0]))["AllocationId"]
    gateway = ec2.create_nat_gateway(SubnetId=subnet["SubnetId"], AllocationId=allocation)["NatGateway"]
    table = ec2.describe_route_tables(Filters=vpc)["RouteTables"][0]["RouteTableId"]
    if own:
        table = ec2.create_route_table(VpcId=subnet["VpcId"])["RouteTable"]["RouteTableId"]
        ec2.associate_route_table(RouteTableId=table, SubnetId=subnet["SubnetId"])
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=gateway["NatGatewayId"])
    (instance,) = fleet.read(ec2, REGION, place, Fleet()).instances
    assert (instance.public_address, instance.nat_address) == (None, place.elastic_addresses[0])


def test_addresses_outside_the_sandbox_are_never_used(ec2: EC2Client, place: Place) -> None:
    identity, _ = launch(ec2, place)
    allocation = ec2.allocate_address(Domain="vpc", Address="203.0.113.9")["AllocationId"]
    ec2.associate_address(AllocationId=allocation, InstanceId=identity)
    (instance,) = fleet.read(ec2, REGION, place, Fleet()).instances
    assert instance.public_address is None


def test_a_deleted_volume_is_noticed_even_without_instances(ec2: EC2Client, place: Place) -> None:
    volume = ec2.create_volume(Size=3, AvailabilityZone=f"{REGION}a")["VolumeId"]
    known = Fleet(volumes=frozenset({volume}))
    assert fleet.read(ec2, REGION, place, known).volumes == {volume}
    ec2.delete_volume(VolumeId=volume)
    assert fleet.read(ec2, REGION, place, known).volumes == frozenset()


def test_user_data_is_returned_byte_for_byte(ec2: EC2Client, place: Place) -> None:
    identity, _ = launch(ec2, place, "#!/bin/sh\necho 'grüß'  \n\n")
    assert fleet.user_data(ec2, identity) == "#!/bin/sh\necho 'grüß'  \n\n".encode()


def test_missing_user_data_is_empty(ec2: EC2Client, place: Place) -> None:
    identity, _ = launch(ec2, place)
    assert fleet.user_data(ec2, identity) == b""


def test_an_instance_without_a_group_is_in_its_vpc_s_default_group(ec2: EC2Client, place: Place) -> None:
    vpc = ec2.create_vpc(CidrBlock=str(place.vpc))["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock=str(place.vpc))["Subnet"]["SubnetId"]
    image = ec2.describe_images()["Images"][0]["ImageId"]
    ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, SubnetId=subnet)
    (default,) = ec2.describe_security_groups(
        Filters=[{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["default"]}]
    )["SecurityGroups"]
    (instance,) = fleet.read(ec2, REGION, place, Fleet()).instances
    assert instance.groups == (default["GroupId"],)
