"""A stack without a public address, and one that gives up its public address: the engine and the plugins are real."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.engine.private_subnet import subnet
from tests.engine.product import Product
from tests.sandbox.cloud.conftest import Cloud

pytestmark = pytest.mark.slow

REGION = "eu-north-1"
SEEN = ("Instance", "Volume", "Bucket:", "Eip:", "NetworkInterface")


@pytest.fixture
def product(make_product: Callable[..., Product]) -> Iterator[Product]:
    made = make_product()
    made.configure(aws__region=REGION, instanceType="t4g.micro")
    yield made
    made.destroy()


def test_a_subnet_without_a_way_out_is_reported(product: Product, aws: Cloud) -> None:
    place = subnet(aws.client("ec2", region=REGION), f"{REGION}b")
    product.configure(publicAddress=False, subnetId=place.id)
    said = " ".join(product.run("preview", "--stack", "dev").split())
    assert f"its route table {place.route_table} has no default route" in said
    assert "no endpoint for ssm, monitoring, ec2, s3;" in said
    (gateway,) = place.ec2.describe_internet_gateways()["InternetGateways"]
    place.route(GatewayId=gateway["InternetGatewayId"])
    said = product.refused()
    assert f"sends everything to the internet gateway {gateway['InternetGatewayId']}, which serves only" in said
    assert "Traceback" not in said
    product.configure(subnetId=None)
    assert "monitoring:subnetId: is required with publicAddress: false" in " ".join(product.refused().split())


def test_a_public_stack_becomes_private_and_keeps_its_data(product: Product, aws: Cloud) -> None:
    """And back. With another address it is another server, but the data volume and the backups stay."""
    product.configure(protect=True)
    product.up()
    (volume,) = product.resources("aws:ebs/volume:Volume")
    place = subnet(aws.client("ec2", region=REGION), volume["outputs"]["availabilityZone"])
    nat = place.nat_gateway()
    product.configure(subnetId=place.id)
    assert f"sends everything to the NAT gateway {nat}, through which no one can reach" in product.refused()
    product.configure(publicAddress=False)
    assert "Eip::network" in (said := product.refused()) and "protected" in said
    product.configure(publicAddress=None, subnetId=None, protect=False)
    product.up()
    product.configure(publicAddress=False, subnetId=place.id)
    changes = product.preview()
    assert {name: op for name, op in changes.items() if name.startswith(SEEN)} == {
        "Instance::server-arm64": "replace",
        "VolumeAttachment::server-data": "replace",
        "NetworkInterface::network": "create",
        "Eip::network": "delete",
    }
    product.up()
    (interface,) = product.resources("aws:ec2/networkInterface:NetworkInterface")
    (server,) = product.resources("aws:ec2/instance:Instance")
    assert server["outputs"]["privateIp"] == interface["outputs"]["privateIp"]
    assert not server["outputs"]["publicIp"]
    assert server["outputs"]["subnetId"] == place.id
    assert product.resources("aws:ec2/eip:Eip") == product.resources("aws:ec2/eipAssociation:EipAssociation") == []
    assert [each["id"] for each in product.resources("aws:ebs/volume:Volume")] == [volume["id"]]
    # A new server takes over the interface, and with it the address; one of another architecture has its own image.
    product.configure(instanceType="t3.micro")
    assert product.preview()["Instance::server-amd64"] == "replace"
    product.up()
    (second,) = product.resources("aws:ec2/instance:Instance")
    assert second["id"] != server["id"]
    assert second["outputs"]["ami"] != server["outputs"]["ami"]
    assert second["outputs"]["privateIp"] == interface["outputs"]["privateIp"]
    product.run("refresh", "--yes", "--expect-no-changes", "--stack", "dev", "--exclude", "**Command::**")
    product.configure(publicAddress=None, subnetId=None, instanceType="t4g.micro")
    product.up()
    (public,) = product.resources("aws:ec2/instance:Instance")
    assert public["outputs"]["ami"] == server["outputs"]["ami"]
    assert public["outputs"]["publicIp"]
    assert [each["id"] for each in product.resources("aws:ebs/volume:Volume")] == [volume["id"]]
