"""When AWS cannot place the server, the preview says so in a sentence, instead of an `up` failing halfway."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.engine.product import Product
from tests.sandbox.cloud.conftest import Cloud

pytestmark = pytest.mark.slow

ZONE = "us-east-1e"
"""AWS's oldest zone: it has no t4g.small, but new accounts have a default subnet there as in the others."""


@pytest.fixture
def product(make_product: Callable[..., Product]) -> Product:
    return make_product()


def test_a_region_without_a_default_vpc_is_refused(product: Product, aws: Cloud) -> None:
    ec2 = aws.client("ec2", region="eu-west-3")
    (vpc,) = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    for subnet in ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc["VpcId"]]}])["Subnets"]:
        ec2.delete_subnet(SubnetId=subnet["SubnetId"])
    for gateway in ec2.describe_internet_gateways()["InternetGateways"]:
        ec2.detach_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"], VpcId=vpc["VpcId"])
    ec2.delete_vpc(VpcId=vpc["VpcId"])
    product.configure(aws__region="eu-west-3")
    said = product.refused()
    assert (
        "monitoring:subnetId: is missing, and eu-west-3 has no default VPC to take a subnet from; name a public" in said
    )
    assert "Traceback" not in said


def test_a_subnet_in_a_zone_without_the_instance_type_is_refused(product: Product, aws: Cloud) -> None:
    ec2 = aws.client("ec2", region="us-east-1")
    zone = [{"Name": "availability-zone", "Values": [ZONE]}]
    subnet = ec2.describe_subnets(Filters=zone)["Subnets"][0]["SubnetId"]
    product.configure(aws__region="us-east-1", subnetId=subnet)
    said = product.refused()
    assert (
        f"monitoring:subnetId = {subnet}: is in {ZONE}, which has no t4g.small; name a subnet in us-east-1a or" in said
    )
    assert "Traceback" not in said


def test_a_default_subnet_in_a_zone_without_the_instance_type_is_not_taken(product: Product, aws: Cloud) -> None:
    """With no other default subnet, the preview fails; with another one, that one is used."""
    ec2 = aws.client("ec2", region="us-east-1")
    for subnet in ec2.describe_subnets()["Subnets"]:
        if subnet["AvailabilityZone"] != ZONE:
            ec2.delete_subnet(SubnetId=subnet["SubnetId"])
    product.configure(aws__region="us-east-1")
    said = product.refused()
    assert "monitoring:instanceType = t4g.small: is only available in us-east-1a or us-east-1b or" in said
    assert "Traceback" not in said
    other = ec2.create_default_subnet(AvailabilityZone="us-east-1b")["Subnet"]["SubnetId"]
    (server,) = [step for step in product.steps() if step["newState"]["type"] == "aws:ec2/instance:Instance"]
    assert server["newState"]["inputs"]["subnetId"] == other


def test_the_next_server_is_in_the_data_volume_s_zone(product: Product, aws: Cloud) -> None:
    """Although the default VPC has got a subnet in another zone, which would now be the first choice."""
    ec2 = aws.client("ec2", region="us-east-1")
    for subnet in ec2.describe_subnets()["Subnets"]:
        if subnet["AvailabilityZone"] != ZONE:
            ec2.delete_subnet(SubnetId=subnet["SubnetId"])
    product.configure(aws__region="us-east-1", instanceType="t2.micro")
    product.up()
    (old,) = product.resources("aws:ec2/instance:Instance")
    there = old["outputs"]["subnetId"]
    while (first := ec2.create_default_subnet(AvailabilityZone="us-east-1b")["Subnet"]["SubnetId"]) > there:
        ec2.delete_subnet(SubnetId=first)
    product.configure(instanceType="t4g.small")
    said = " ".join(product.refused().split())
    assert f"monitoring:instanceType = t4g.small: is not available in {ZONE}, where the data volume is" in said
    product.configure(instanceType="t2.micro", grafanaVersion="13.2.2")
    product.up()
    (new,) = product.resources("aws:ec2/instance:Instance")
    assert new["id"] != old["id"]
    assert new["outputs"]["subnetId"] == there
    product.destroy()
