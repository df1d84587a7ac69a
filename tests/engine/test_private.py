"""A stack without a public address, and one that gives its public address up: the engine and the plugins are real."""

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
def mine(person: Callable[..., Product]) -> Iterator[Product]:
    made = person()
    made.configure(aws__region=REGION, instanceType="t4g.micro")
    yield made
    made.destroy()


def test_a_subnet_that_does_not_let_the_server_out(mine: Product, aws: Cloud) -> None:
    place = subnet(aws.client("ec2", region=REGION), f"{REGION}b")
    mine.configure(publicAddress=False, subnetId=place.id)
    said = " ".join(mine.run("preview", "--stack", "dev").split())
    assert f"its route table {place.route_table} has no default route" in said
    assert "no endpoint for ssm, monitoring, ec2, s3;" in said
    (gateway,) = place.ec2.describe_internet_gateways()["InternetGateways"]
    place.route(GatewayId=gateway["InternetGatewayId"])
    said = mine.refused()
    assert f"sends everything to the internet gateway {gateway['InternetGatewayId']}, which serves only" in said
    assert "Traceback" not in said
    mine.configure(subnetId=None)
    assert "monitoring:subnetId: is required with publicAddress: false" in " ".join(mine.refused().split())


def test_a_public_stack_becomes_private_and_keeps_its_data(mine: Product, aws: Cloud) -> None:
    """And back. The address is another one, so the server is, too; the data volume and the backups stay."""
    mine.configure(protect=True)
    mine.up()
    (volume,) = mine.resources("aws:ebs/volume:Volume")
    place = subnet(aws.client("ec2", region=REGION), volume["outputs"]["availabilityZone"])
    nat = place.nat_gateway()
    mine.configure(subnetId=place.id)
    assert f"sends everything to the NAT gateway {nat}, through which no one can reach" in mine.refused()
    mine.configure(publicAddress=False)
    assert "Eip::network" in (said := mine.refused()) and "protected" in said
    mine.configure(publicAddress=None, subnetId=None, protect=False)
    mine.up()
    mine.configure(publicAddress=False, subnetId=place.id)
    changes = mine.preview()
    assert {name: op for name, op in changes.items() if name.startswith(SEEN)} == {
        "Instance::server-arm64": "replace",
        "VolumeAttachment::server-data": "replace",
        "NetworkInterface::network": "create",
        "Eip::network": "delete",
    }
    mine.up()
    (interface,) = mine.resources("aws:ec2/networkInterface:NetworkInterface")
    (server,) = mine.resources("aws:ec2/instance:Instance")
    assert server["outputs"]["privateIp"] == interface["outputs"]["privateIp"]
    assert not server["outputs"]["publicIp"]
    assert server["outputs"]["subnetId"] == place.id
    assert mine.resources("aws:ec2/eip:Eip") == mine.resources("aws:ec2/eipAssociation:EipAssociation") == []
    assert [each["id"] for each in mine.resources("aws:ebs/volume:Volume")] == [volume["id"]]
    # Another server takes the interface, and with it the address, over.
    mine.configure(grafanaVersion="13.2.2")
    mine.up()
    (second,) = mine.resources("aws:ec2/instance:Instance")
    assert second["id"] != server["id"]
    assert second["outputs"]["privateIp"] == interface["outputs"]["privateIp"]
    mine.run("refresh", "--yes", "--expect-no-changes", "--stack", "dev", "--exclude", "**Command::**")
    mine.configure(publicAddress=None, subnetId=None)
    mine.up()
    (public,) = mine.resources("aws:ec2/instance:Instance")
    assert public["outputs"]["publicIp"]
    assert [each["id"] for each in mine.resources("aws:ebs/volume:Volume")] == [volume["id"]]
