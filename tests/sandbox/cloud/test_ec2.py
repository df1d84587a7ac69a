"""EC2: images, launches, addresses, volumes, termination, the console."""

from __future__ import annotations

import base64
import gzip
import json
import os
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network
from typing import Any

import pytest

from sandbox.cloud import changes
from tests.engine.private_subnet import subnet
from tests.sandbox.cloud.conftest import Cloud, refusal

NAME = {"Name": "name", "Values": ["debian-13-amd64-*"]}
DEBIAN = "136693071363"


def test_debian_images_can_be_looked_up(aws: Cloud) -> None:
    ec2 = aws.client("ec2")
    images = ec2.describe_images(Owners=[DEBIAN], Filters=[NAME])["Images"]
    assert len({image["CreationDate"] for image in images}) == len(images) >= 3
    assert {image["Architecture"] for image in images} == {"x86_64"}
    assert images[0]["BlockDeviceMappings"][0]["Ebs"]["DeleteOnTermination"]
    # Another account has a newer image with a similar name: a lookup without the owner finds it.
    of_all_owners = ec2.describe_images(Filters=[NAME])["Images"]
    assert max(of_all_owners, key=lambda image: image["CreationDate"])["OwnerId"] != DEBIAN
    assert ec2.describe_images(Owners=["amazon"])["Images"] == []


def test_the_newest_image_is_a_public_parameter(aws: Cloud) -> None:
    name = "/aws/service/debian/release/13/latest/arm64"
    assert aws.client("ssm").get_parameter(Name=name)["Parameter"]["Value"] == aws.image("arm64")


@pytest.mark.parametrize(
    ("named", "code"),
    [
        ({"ImageId": "ami-00000000000000000"}, "InvalidAMIID.NotFound"),
        ({"InstanceType": "t9.huge"}, "InvalidInstanceType"),
        ({"InstanceType": "t4g.small"}, "InvalidParameterValue"),
        ({"UserData": "x" * 16385}, "InvalidParameterValue"),
        ({"PrivateIpAddress": "10.0.0.1"}, "InvalidParameterValue"),
        (
            {"BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 2}}]},
            "InvalidBlockDeviceMapping",
        ),
    ],
)
def test_invalid_launches_are_refused(aws: Cloud, named: dict[str, Any], code: str) -> None:
    ec2 = aws.client("ec2")
    request = {"ImageId": aws.image(), "InstanceType": "t3.small", "MinCount": 1, "MaxCount": 1, **named}
    assert refusal(ec2.run_instances, **request) == (400, code)


def test_a_launch_is_refused_in_a_zone_without_the_instance_type(aws: Cloud) -> None:
    ec2 = aws.client("ec2", region="us-east-1")
    zone = [{"Name": "availability-zone", "Values": ["us-east-1e"]}]
    subnet = ec2.describe_subnets(Filters=zone)["Subnets"][0]["SubnetId"]
    request = {"ImageId": aws.image(region="us-east-1"), "MinCount": 1, "MaxCount": 1, "SubnetId": subnet}
    assert refusal(ec2.run_instances, InstanceType="t3.small", **request) == (400, "Unsupported")
    assert ec2.run_instances(InstanceType="t2.micro", **request)["Instances"]


def test_user_data_can_have_16_kib(aws: Cloud) -> None:
    assert aws.launch(UserData="x" * 16384)["State"]["Name"] == "running"


def test_private_addresses_are_the_place_s_and_unique_across_regions(aws: Cloud) -> None:
    instances = [aws.launch(region=region) for region in ("eu-central-1", "eu-central-1", "us-east-1")]
    addresses = {IPv4Address(instance["PrivateIpAddress"]) for instance in instances}
    assert len(addresses) == 3
    assert all(address in aws.place.vpc and address > aws.place.gateway for address in addresses)
    taken = str(addresses.pop())
    request = {"ImageId": aws.image(), "InstanceType": "t3.small", "MinCount": 1, "MaxCount": 1}
    named = {"PrivateIpAddress": taken, "SubnetId": instances[0]["SubnetId"]}
    assert refusal(aws.client("ec2").run_instances, **request, **named)[0] == 400


def test_the_default_vpc_has_a_route_to_the_internet(aws: Cloud) -> None:
    ec2 = aws.client("ec2")
    vpc = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]
    assert IPv4Network(vpc["CidrBlock"]) == aws.place.vpc
    attached = [{"Name": "attachment.vpc-id", "Values": [vpc["VpcId"]]}]
    gateway = ec2.describe_internet_gateways(Filters=attached)["InternetGateways"][0]["InternetGatewayId"]
    routes = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc["VpcId"]]}])["RouteTables"][0][
        "Routes"
    ]
    assert {route.get("GatewayId") for route in routes} == {"local", gateway}
    subnets = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc["VpcId"]]}])["Subnets"]
    assert all(IPv4Network(subnet["CidrBlock"]).subnet_of(aws.place.vpc) for subnet in subnets)


def test_regions_with_instances_are_listed_for_the_machines_daemon(aws: Cloud) -> None:
    aws.launch(region="eu-west-1")
    noted = json.loads((aws.place.state / "regions.json").read_text())
    assert "eu-west-1" in noted
    assert "ap-south-1" not in noted


def test_only_changes_are_signalled_to_the_machines_daemon(aws: Cloud) -> None:
    ec2, noted = aws.client("ec2"), changes.file(aws.place)

    def touched(ask: Callable[[], object]) -> bool:
        os.utime(noted, (0, 0))
        ask()
        return noted.stat().st_mtime > 0

    instance = aws.launch()["InstanceId"]
    assert touched(lambda: ec2.stop_instances(InstanceIds=[instance]))
    assert not touched(ec2.describe_instances)
    assert not touched(lambda: aws.client("ssm").put_parameter(Name="/a", Value="b", Type="String", Overwrite=True))


def test_a_deleted_nat_gateway_leaves_no_interface_and_frees_its_address(aws: Cloud) -> None:
    ec2 = aws.client("ec2")
    place = subnet(ec2, f"{ec2.meta.region_name}a")
    before = ec2.describe_network_interfaces()["NetworkInterfaces"]
    place.nat_gateway()
    place.remove_nat_gateway()
    assert ec2.describe_network_interfaces()["NetworkInterfaces"] == before


def test_an_elastic_ip_can_move_and_survives_a_stop(aws: Cloud) -> None:
    ec2, first, second = aws.client("ec2"), aws.launch(), aws.launch()
    address = ec2.allocate_address(Domain="vpc")
    assert IPv4Address(address["PublicIp"]) in aws.place.elastic_addresses
    named = {"AllocationId": address["AllocationId"]}
    ec2.associate_address(**named, InstanceId=first["InstanceId"])
    ec2.stop_instances(InstanceIds=[first["InstanceId"]])
    ec2.start_instances(InstanceIds=[first["InstanceId"]])
    assert aws.instance(first["InstanceId"])["PublicIpAddress"] == address["PublicIp"]
    moving = {**named, "InstanceId": second["InstanceId"]}
    assert refusal(ec2.associate_address, **moving, AllowReassociation=False)[1] == "Resource.AlreadyAssociated"
    ec2.associate_address(**moving)
    assert aws.instance(first["InstanceId"]).get("PublicIpAddress") != address["PublicIp"]
    assert aws.instance(second["InstanceId"])["PublicIpAddress"] == address["PublicIp"]
    assert refusal(ec2.release_address, **named)[1] == "InvalidIPAddress.InUse"
    other = ec2.allocate_address(Domain="vpc")
    ec2.associate_address(AllocationId=other["AllocationId"], InstanceId=second["InstanceId"])
    assert "AssociationId" not in ec2.describe_addresses(AllocationIds=[address["AllocationId"]])["Addresses"][0]
    ec2.release_address(**named)


def test_a_reboot_requests_a_boot_of_the_machine_and_stays_running(aws: Cloud) -> None:
    ec2, id_ = aws.client("ec2"), aws.launch()["InstanceId"]
    folder = aws.place.state / "machines" / id_
    folder.mkdir(parents=True)
    ec2.reboot_instances(InstanceIds=[id_])
    assert (folder / "reboot").exists()
    assert aws.instance(id_)["State"]["Name"] == "running"


def test_running_out_of_addresses_is_reported_as_by_aws(aws: Cloud) -> None:
    ec2, made = aws.client("ec2", region="sa-east-1"), []
    for _ in range(len(aws.place.elastic_addresses) + 1):
        try:
            made.append(ec2.allocate_address(Domain="vpc"))
        except ec2.exceptions.ClientError as error:
            assert error.response["Error"]["Code"] == "AddressLimitExceeded"
            break
    else:
        pytest.fail("more addresses than the place has")
    for address in made:
        ec2.release_address(AllocationId=address["AllocationId"])


def test_a_volume_can_only_be_attached_once_and_in_its_zone(aws: Cloud) -> None:
    ec2, instance, other = aws.client("ec2"), aws.launch(), aws.launch()
    zone = instance["Placement"]["AvailabilityZone"]
    volume = ec2.create_volume(AvailabilityZone=zone, Size=1, VolumeType="gp3")["VolumeId"]
    elsewhere = ec2.create_volume(AvailabilityZone="eu-central-1c", Size=1)["VolumeId"]
    attached = {"InstanceId": instance["InstanceId"], "Device": "/dev/sdf"}
    assert refusal(ec2.attach_volume, VolumeId=elsewhere, **attached)[1] == "InvalidVolume.ZoneMismatch"
    ec2.attach_volume(VolumeId=volume, **attached)
    again = {"VolumeId": volume, "InstanceId": other["InstanceId"], "Device": "/dev/sdf"}
    assert refusal(ec2.attach_volume, **again)[1] == "VolumeInUse"
    second = ec2.create_volume(AvailabilityZone=zone, Size=1)["VolumeId"]
    assert refusal(ec2.attach_volume, VolumeId=second, **attached)[1] == "InvalidParameterValue"
    assert refusal(ec2.delete_volume, VolumeId=volume)[1] == "VolumeInUse"


def test_termination_deletes_or_frees_an_instance_s_resources(aws: Cloud) -> None:
    ec2 = aws.client("ec2")
    root = {"DeviceName": "/dev/xvda", "Ebs": {"Encrypted": True, "VolumeType": "gp3", "Throughput": 200}}
    instance = aws.launch(BlockDeviceMappings=[root])
    id_, zone = instance["InstanceId"], instance["Placement"]["AvailabilityZone"]
    found = ec2.describe_volumes(Filters=[{"Name": "attachment.instance-id", "Values": [id_]}])["Volumes"][0]
    assert (found["Size"], found["Encrypted"], found["Throughput"]) == (8, True, 200)
    assert found["Attachments"][0]["Device"] == "/dev/xvda"
    data = ec2.create_volume(AvailabilityZone=zone, Size=1)["VolumeId"]
    ec2.attach_volume(VolumeId=data, InstanceId=id_, Device="/dev/sdf")
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    ec2.associate_address(AllocationId=address, InstanceId=id_)
    ec2.terminate_instances(InstanceIds=[id_])
    left = aws.instance(id_)
    assert left["State"]["Name"] == "terminated"
    assert "PrivateIpAddress" not in left
    assert "PublicIpAddress" not in left
    assert refusal(ec2.describe_volumes, VolumeIds=[found["VolumeId"]])[1] == "InvalidVolume.NotFound"
    assert ec2.describe_volumes(VolumeIds=[data])["Volumes"][0]["State"] == "available"
    assert "AssociationId" not in ec2.describe_addresses(AllocationIds=[address])["Addresses"][0]
    interfaces = ec2.describe_network_interfaces()["NetworkInterfaces"]
    assert id_ not in {each.get("Attachment", {}).get("InstanceId") for each in interfaces}
    assert refusal(ec2.start_instances, InstanceIds=[id_])[1] == "IncorrectInstanceState"
    ec2.terminate_instances(InstanceIds=[id_])  # not an error


def test_an_interface_created_before_its_instance_outlives_it(aws: Cloud) -> None:
    ec2 = aws.client("ec2")
    subnet = ec2.describe_subnets(Filters=[{"Name": "availability-zone", "Values": ["eu-central-1b"]}])["Subnets"][0]
    vpc, where = subnet["VpcId"], {"SubnetId": subnet["SubnetId"]}
    group = ec2.create_security_group(GroupName="interface", Description="i", VpcId=vpc)["GroupId"]
    made = ec2.create_network_interface(**where, Groups=[group])["NetworkInterface"]
    assert IPv4Address(made["PrivateIpAddress"]) in IPv4Network(subnet["CidrBlock"])
    other = ec2.create_network_interface(**where)["NetworkInterface"]
    assert other["PrivateIpAddress"] != made["PrivateIpAddress"]
    own: dict[str, Any] = {"NetworkInterfaces": [{"DeviceIndex": 0, "NetworkInterfaceId": made["NetworkInterfaceId"]}]}
    first = aws.launch(**own)
    assert first["PrivateIpAddress"] == made["PrivateIpAddress"]
    assert "PublicIpAddress" not in first
    assert first["Placement"]["AvailabilityZone"] == "eu-central-1b"
    assert [each["GroupId"] for each in first["SecurityGroups"]] == [group]
    assert refusal(aws.launch, **own)[1] == "InvalidNetworkInterface.InUse"
    named = {"NetworkInterfaceId": made["NetworkInterfaceId"]}
    assert refusal(ec2.delete_network_interface, **named)[1] == "InvalidParameterValue"
    ec2.terminate_instances(InstanceIds=[first["InstanceId"]])
    assert "PrivateIpAddress" not in aws.instance(first["InstanceId"])
    second = aws.launch(**own)
    assert second["PrivateIpAddress"] == made["PrivateIpAddress"]
    ec2.terminate_instances(InstanceIds=[second["InstanceId"]])
    for each in (made, other):
        ec2.delete_network_interface(NetworkInterfaceId=each["NetworkInterfaceId"])


@pytest.mark.parametrize("more", [{"SubnetId": ""}, {"Groups": []}, {"AssociatePublicIpAddress": True}], ids=str)
def test_an_existing_interface_excludes_subnet_groups_and_public_address(aws: Cloud, more: dict[str, Any]) -> None:
    ec2 = aws.client("ec2")
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    id_ = ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
    more = {name: subnet if name == "SubnetId" else value or ["sg-0123abcd"] for name, value in more.items()}
    interface = {"DeviceIndex": 0, "NetworkInterfaceId": id_, **more}
    assert refusal(aws.launch, NetworkInterfaces=[interface])[1] == "InvalidParameterCombination"
    ec2.delete_network_interface(NetworkInterfaceId=id_)


def test_termination_protection_can_be_set_at_the_launch(aws: Cloud) -> None:
    ec2, id_ = aws.client("ec2"), aws.launch(DisableApiTermination=True)["InstanceId"]
    assert refusal(ec2.terminate_instances, InstanceIds=[id_])[1] == "OperationNotPermitted"
    ec2.modify_instance_attribute(InstanceId=id_, DisableApiTermination={"Value": False})
    ec2.terminate_instances(InstanceIds=[id_])


def test_the_type_can_only_change_while_stopped(aws: Cloud) -> None:
    ec2, id_ = aws.client("ec2"), aws.launch()["InstanceId"]
    change = {"InstanceId": id_, "InstanceType": {"Value": "t3.medium"}}
    assert refusal(ec2.modify_instance_attribute, **change)[1] == "IncorrectInstanceState"
    ec2.stop_instances(InstanceIds=[id_])
    ec2.modify_instance_attribute(**change)
    assert aws.instance(id_)["InstanceType"] == "t3.medium"


def test_metadata_options_that_are_not_given_are_kept(aws: Cloud) -> None:
    id_ = aws.launch(MetadataOptions={"HttpTokens": "required", "HttpPutResponseHopLimit": 1})["InstanceId"]
    aws.client("ec2").modify_instance_metadata_options(InstanceId=id_, HttpPutResponseHopLimit=2)
    options = aws.instance(id_)["MetadataOptions"]
    assert (options["HttpTokens"], options["HttpPutResponseHopLimit"]) == ("required", 2)


def test_a_security_group_in_use_cannot_be_deleted(aws: Cloud) -> None:
    ec2 = aws.client("ec2")
    group = ec2.create_security_group(GroupName="mine", Description="mine")["GroupId"]
    other = ec2.create_security_group(GroupName="other", Description="other")["GroupId"]
    permission = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "UserIdGroupPairs": [{"GroupId": group}]}
    ec2.authorize_security_group_ingress(GroupId=other, IpPermissions=[permission])
    assert refusal(ec2.delete_security_group, GroupId=group)[1] == "DependencyViolation"
    ec2.delete_security_group(GroupId=other)
    id_ = aws.launch(SecurityGroupIds=[group])["InstanceId"]
    assert refusal(ec2.delete_security_group, GroupId=group)[1] == "DependencyViolation"
    ec2.terminate_instances(InstanceIds=[id_])
    ec2.delete_security_group(GroupId=group)


def test_the_console_output_is_the_end_of_what_the_machine_wrote(aws: Cloud) -> None:
    ec2, id_ = aws.client("ec2"), aws.launch()["InstanceId"]
    assert (
        "Output" not in ec2.get_console_output(InstanceId=id_) or not ec2.get_console_output(InstanceId=id_)["Output"]
    )
    log = aws.place.state / "machines" / id_ / "console.log"
    log.parent.mkdir(parents=True)
    log.write_text("old\n" + "ä" * 32768)
    output = ec2.get_console_output(InstanceId=id_)["Output"]
    assert output == "ä" * 32768


def test_user_data_is_kept_byte_for_byte(aws: Cloud) -> None:
    data = gzip.compress(b"#cloud-config\n")
    id_ = aws.launch(UserData=data)["InstanceId"]
    kept = aws.client("ec2").describe_instance_attribute(InstanceId=id_, Attribute="userData")["UserData"]["Value"]
    assert base64.b64decode(kept) == data


def test_a_large_standard_parameter_is_refused(aws: Cloud) -> None:
    ssm = aws.client("ssm")
    ssm.put_parameter(Name="/size/a", Value="x" * 4096, Type="SecureString")
    named = {"Name": "/size/b", "Type": "SecureString"}
    assert refusal(ssm.put_parameter, **named, Value="x" * 4097) == (400, "ValidationException")
    assert ssm.put_parameter(**named, Value="x" * 4097, Tier="Intelligent-Tiering")["Tier"] == "Advanced"
    assert refusal(ssm.put_parameter, **named, Value="x" * 8193, Tier="Advanced", Overwrite=True)[0] == 400
