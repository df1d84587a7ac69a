"""The record of `domain` is created, updated and deleted by the real engine, in the local Route 53."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest

from tests.engine.product import Product
from tests.sandbox.cloud.conftest import Cloud

pytestmark = pytest.mark.slow

DOMAIN = "monitoring.example.com"


def zone(aws: Cloud, name: str, **private: object) -> str:
    made = aws.client("route53").create_hosted_zone(Name=name, CallerReference=str(uuid.uuid4()), **private)
    return str(made["HostedZone"]["Id"].rpartition("/")[2])


def records(aws: Cloud, id_: str) -> dict[str, tuple[str, ...]]:
    """The addresses in a zone, by name."""
    found = aws.client("route53").list_resource_record_sets(HostedZoneId=id_)["ResourceRecordSets"]
    return {
        each["Name"]: tuple(value["Value"] for value in each["ResourceRecords"])
        for each in found
        if each["Type"] == "A"
    }


def test_the_record_follows_the_address_and_goes_with_the_stack(
    make_product: Callable[..., Product], aws: Cloud
) -> None:
    product = make_product()
    product.configure(domain=DOMAIN, route53Zone="example.com")
    said = product.refused()
    assert "monitoring:route53Zone = example.com: this account has no such public zone" in " ".join(said.split())
    assert "Traceback" not in said
    product.configure(route53Zone="Z0123456789ABCDEFGHIJ")
    assert "route53Zone = Z0123456789ABCDEFGHIJ: this account has no such public zone" in product.refused()
    product.configure(route53Zone="example.com")
    id_ = zone(aws, "example.com")
    product.up()
    (address,) = product.resources("aws:ec2/eip:Eip")
    assert records(aws, id_) == {f"{DOMAIN}.": (address["outputs"]["publicIp"],)}
    # The address is lost, so the next `up` creates another one and changes the record.
    ec2 = aws.client("ec2")
    ec2.disassociate_address(AssociationId=product.resources("aws:ec2/eipAssociation:EipAssociation")[0]["id"])
    ec2.release_address(AllocationId=address["id"])
    ec2.allocate_address(Domain="vpc")  # now somebody else has it
    only = ("--target", "**eip:Eip**", "--target", "**eipAssociation:EipAssociation**")
    product.run("refresh", "--yes", "--stack", "dev", *only)
    product.up()
    (other,) = product.resources("aws:ec2/eip:Eip")
    assert other["outputs"]["publicIp"] != address["outputs"]["publicIp"]
    assert records(aws, id_) == {f"{DOMAIN}.": (other["outputs"]["publicIp"],)}
    product.destroy()
    assert records(aws, id_) == {}


def test_an_existing_record_is_not_taken_over(make_product: Callable[..., Product], aws: Cloud) -> None:
    product, id_ = make_product(), zone(aws, "example.net")
    record = {"Name": "a.example.net", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}
    batch = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
    aws.client("route53").change_resource_record_sets(HostedZoneId=id_, ChangeBatch=batch)
    product.configure(domain="a.example.net", route53Zone=id_)
    assert "but it already exists" in product.up(fails=True)
    product.destroy()
    assert records(aws, id_) == {"a.example.net.": ("192.0.2.1",)}
