"""Where the server is placed: the lookups in AWS, and the errors about an unsuitable subnet, zone or type."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pulumi
import pytest

from program import site
from settings import load
from tests.components.conftest import run_once, run_program
from tests.support.configuration import REQUIRED

SUBNET, VPC = "subnet-0123456789abcdef0", "vpc-0123456789abcdef0"


@pytest.mark.parametrize(
    ("settings", "answers", "said"),
    [
        (
            {"subnetId": SUBNET, "vpcId": VPC},
            {},
            f"subnetId = {SUBNET}: is in vpc-1, not in monitoring:vpcId = {VPC}; name a subnet of that VPC",
        ),
        (
            {"subnetId": SUBNET},
            {"getInstanceTypeOfferings": {"locations": ["eu-central-1c", "eu-central-1b"]}},
            f"subnetId = {SUBNET}: is in eu-central-1a, which has no t4g.medium; name a subnet in eu-central-1b or "
            "eu-central-1c, or write another instanceType",
        ),
        (
            {},
            {"getInstanceTypeOfferings": {"locations": []}},
            "instanceType = t4g.medium: is not available in any zone of eu-central-1; write another",
        ),
        ({}, {"getSubnets": {"ids": []}}, "subnetId: the default VPC has no default subnet; name a public one"),
        (
            {},
            {"getSubnets": lambda asked: {"ids": ["subnet-1"] if len(asked["filters"]) == 2 else []}},
            "instanceType = t4g.medium: is only available in eu-central-1a or eu-central-1b, where the default VPC has "
            "no default subnet",
        ),
        (
            {},
            {"getVpc": "no matching EC2 VPC found"},
            "subnetId: is missing, and eu-central-1 has no default VPC to take a subnet from",
        ),
        (
            {},
            {"getInstanceType": "api error InvalidInstanceType: t4g.medium"},
            "instanceType = t4g.medium: eu-central-1 has no such instance type",
        ),
    ],
    ids=["another VPC", "another zone", "no zone", "no subnet", "no subnet there", "no VPC", "no type"],
)
def test_an_unsuitable_subnet_zone_or_type_is_reported(
    settings: dict[str, Any], answers: dict[str, Any], said: str
) -> None:
    with pytest.raises(pulumi.RunError) as error:
        run_program({"instanceType": "t4g.medium"} | settings, answers)
    assert f"monitoring:{said}" in str(error.value)


@pytest.mark.parametrize("lookup", ["getVpc", "getInstanceType", "getSubnets", "getAmi"])
def test_a_refusal_of_aws_is_quoted_without_anything_else(lookup: str) -> None:
    """Without the names of the SDK's functions around it, and as one line."""
    said = "api error UnauthorizedOperation: You are not authorized"
    with pytest.raises(pulumi.RunError) as error:
        run_program({}, {lookup: said})
    assert str(error.value) == f"Looking up what already exists in AWS failed, and nothing was changed: {said}"


def test_the_default_subnet_is_in_a_zone_that_has_the_instance_type() -> None:
    run = run_once({"instanceType": "t4g.medium"})
    asked: dict[str, list[Any]] = {}
    for kind, arguments in run.calls:
        asked.setdefault(kind, []).append(arguments)
    assert asked["getVpc"] == [{"default": True}, {"id": "vpc-1"}]
    for each in asked["getInstanceTypeOfferings"]:
        assert each["locationType"] == "availability-zone"
        assert each["filters"] == [{"name": "instance-type", "values": ["t4g.medium"]}]
    (subnets,) = asked["getSubnets"]
    assert {each["name"]: each["values"] for each in subnets["filters"]} == {
        "vpc-id": ["vpc-1"],
        "default-for-az": ["true"],
        "availability-zone": ["eu-central-1a", "eu-central-1b"],
    }
    assert asked["getSubnet"] == [{"id": "subnet-1"}]
    assert run.one("Instance")["subnetId"] == "subnet-1"


def subnet_near(zone: str, **settings: str) -> str:
    """The subnet for a server whose data volume is in that zone; the site's is subnet-1 in eu-central-1a."""
    zones = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
    there = site.Site("vpc-1", "10.0.0.0/16", "subnet-1", zones[0], zones)
    given = load(REQUIRED | {f"monitoring:{name}": value for name, value in settings.items()})

    async def ask() -> str:
        volume_zone = pulumi.Output.from_input(zone)
        return str(await site.subnet_near(volume_zone, given, there, pulumi.InvokeOptions()).future())

    return asyncio.run(ask())


def test_the_next_server_is_in_the_zone_of_the_data_volume(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, list[str]]] = []

    def default_subnets(_: object, __: object, *, filters: list[Any]) -> SimpleNamespace:
        asked.append({each.name: each.values for each in filters})
        return SimpleNamespace(ids=["subnet-2"] if asked[-1]["availability-zone"] == ["eu-central-1b"] else [])

    monkeypatch.setattr(site, "look_up", default_subnets)
    assert subnet_near("eu-central-1a") == subnet_near("eu-central-1b", subnetId=SUBNET) == "subnet-1"
    assert asked == []
    assert subnet_near("eu-central-1b") == "subnet-2"
    assert asked == [{"vpc-id": ["vpc-1"], "default-for-az": ["true"], "availability-zone": ["eu-central-1b"]}]
    with pytest.raises(
        pulumi.RunError, match=r"^monitoring:subnetId: the default VPC has no default subnet in \S+-1c,"
    ):
        subnet_near("eu-central-1c")
    with pytest.raises(pulumi.RunError, match=r"^monitoring:instanceType = t4g.small: is not .* in \S+-1d,"):
        subnet_near("eu-central-1d")
