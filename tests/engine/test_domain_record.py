"""The record of `domain`: made, kept up to date and removed by the real engine, in the local Route 53."""

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


def test_the_record_follows_the_address_and_goes_with_the_stack(person: Callable[..., Product], aws: Cloud) -> None:
    mine = person()
    mine.configure(domain=DOMAIN, route53Zone="example.com")
    said = mine.refused()
    assert "monitoring:route53Zone = example.com: this account has no such public zone" in " ".join(said.split())
    assert "Traceback" not in said
    mine.configure(route53Zone="Z0123456789ABCDEFGHIJ")
    assert "route53Zone = Z0123456789ABCDEFGHIJ: this account has no such public zone" in mine.refused()
    mine.configure(route53Zone="example.com")
    id_ = zone(aws, "example.com")
    mine.up()
    (address,) = mine.resources("aws:ec2/eip:Eip")
    assert records(aws, id_) == {f"{DOMAIN}.": (address["outputs"]["publicIp"],)}
    # The address is lost, and with it the next `up` changes the record.
    ec2 = aws.client("ec2")
    ec2.disassociate_address(AssociationId=mine.resources("aws:ec2/eipAssociation:EipAssociation")[0]["id"])
    ec2.release_address(AllocationId=address["id"])
    ec2.allocate_address(Domain="vpc")  # somebody else has it now
    only = ("--target", "**eip:Eip**", "--target", "**eipAssociation:EipAssociation**")
    mine.run("refresh", "--yes", "--stack", "dev", *only)
    mine.up()
    (other,) = mine.resources("aws:ec2/eip:Eip")
    assert other["outputs"]["publicIp"] != address["outputs"]["publicIp"]
    assert records(aws, id_) == {f"{DOMAIN}.": (other["outputs"]["publicIp"],)}
    mine.destroy()
    assert records(aws, id_) == {}


def test_somebody_else_s_record_is_not_taken_over(person: Callable[..., Product], aws: Cloud) -> None:
    mine, id_ = person(), zone(aws, "example.net")
    record = {"Name": "a.example.net", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}
    batch = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
    aws.client("route53").change_resource_record_sets(HostedZoneId=id_, ChangeBatch=batch)
    mine.configure(domain="a.example.net", route53Zone=id_)
    assert "but it already exists" in mine.up(fails=True)
    mine.destroy()
    assert records(aws, id_) == {"a.example.net.": ("192.0.2.1",)}
