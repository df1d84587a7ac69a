"""A server without a public address (`publicAddress: false`)."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pulumi
import pytest

from program import way_out
from settings import load
from tests.components.conftest import Run, run_once, run_program
from tests.components.examples import PRIVATE, PRIVATE_ADDRESS, SUBNET, route_table
from tests.support.configuration import raw


@pytest.fixture(scope="module")
def private() -> Run:
    """A stack in a private subnet with a NAT gateway."""
    return run_once(PRIVATE, {"getRouteTable": route_table(natGatewayId="nat-1")})


def test_the_address_belongs_to_an_interface_that_outlives_the_server(private: Run) -> None:
    assert private.all("Eip") == private.all("EipAssociation") == []
    interface = private.one("NetworkInterface")
    assert interface["subnetId"] == SUBNET
    assert interface["securityGroups"] == ["SecurityGroup-network"]
    assert private.options["aws:ec2/networkInterface:NetworkInterface", "network"].protect
    server = private.one("Instance")
    assert server["primaryNetworkInterface"] == {"networkInterfaceId": "NetworkInterface-network"}
    assert not {"subnetId", "vpcSecurityGroupIds"} & set(server), "EC2 takes either these or an interface"


def test_everything_uses_the_private_address(private: Run) -> None:
    assert private.outputs["grafanaUrl"] == f"https://{PRIVATE_ADDRESS}:3000"
    assert private.outputs["influxdbUrl"] == f"https://{PRIVATE_ADDRESS}:8086"
    assert f"https://{PRIVATE_ADDRESS}:8086" in private.outputs["agentInstallScript"]
    assert private.one("CertRequest")["ipAddresses"] == [PRIVATE_ADDRESS, "127.0.0.1"]
    assert private.one("Command", "ready")["environment"]["READY_ADDRESS"] == PRIVATE_ADDRESS
    assert f"ADDRESS={PRIVATE_ADDRESS}" in private.one("Instance")["userData"]
    assert f"the address {PRIVATE_ADDRESS} " in private.outputs["onDestroy"][0]
    files = [each.inputs.get("insecureValue", "") for each in private.all("Parameter")]
    assert any(f"\ndomain = {PRIVATE_ADDRESS}\n" in text for text in files), "Grafana's root_url"


@pytest.fixture
def warned(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    said: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", said.append)
    return said


def endpoints(*names: str, **facts: Any) -> Callable[..., Any]:
    """A stand-in for the lookup of VPC endpoints, where only these exist."""

    def find(opts: object, **asked: Any) -> Any:
        service = asked["service_name"].removeprefix("com.amazonaws.eu-central-1.")
        if service not in names:
            raise Exception("invoke of aws:ec2/getVpcEndpoint failed: no matching EC2 VPC Endpoint found")
        assert asked["vpc_endpoint_type"] == ("Gateway" if service == "s3" else "Interface")
        known = {"private_dns_enabled": True, "route_table_ids": ["rtb-1"]} | facts
        return SimpleNamespace(**known)

    return find


def check(monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], **default: str) -> None:
    """Run the program's check of the subnet and its VPC. default: the target of the default route."""
    empty = dict.fromkeys(("gateway_id", "nat_gateway_id", "transit_gateway_id"), "")
    route = SimpleNamespace(**empty, cidr_block="0.0.0.0/0")
    vars(route).update(default)

    def find(opts: object, **asked: Any) -> Any:
        assert asked == {"subnet_id": SUBNET}
        return SimpleNamespace(id="rtb-1", vpc_id="vpc-1", routes=[route] if default else [])

    monkeypatch.setattr("pulumi_aws.ec2.get_route_table", find)
    way_out.check(load(raw(**settings)), SUBNET, "vpc-1", pulumi.InvokeOptions())


@pytest.mark.parametrize(
    ("there", "facts", "missing"),
    [
        ((), {}, "no endpoint for ssm, monitoring, ec2, s3;"),
        (("ssm", "monitoring", "ec2"), {}, "no endpoint for s3;"),
        (("ssm", "monitoring", "ec2", "s3"), {"route_table_ids": ["rtb-2"]}, "no endpoint for s3;"),
        (("ssm", "s3"), {"private_dns_enabled": False}, "no endpoint for ssm, monitoring, ec2;"),
        (("ssm", "monitoring", "ec2", "s3"), {}, ""),
    ],
    ids=["none", "no gateway for S3", "a gateway of another route table", "names of their own", "all"],
)
def test_what_a_subnet_without_a_default_route_lacks_is_one_warning(
    warned: list[str], monkeypatch: pytest.MonkeyPatch, there: tuple[str, ...], facts: dict[str, Any], missing: str
) -> None:
    monkeypatch.setattr("pulumi_aws.ec2.get_vpc_endpoint", endpoints(*there, **facts))
    check(monkeypatch, PRIVATE)
    (line,) = warned
    assert line.startswith(f"monitoring:subnetId = {SUBNET}: its route table rtb-1 has no default route")
    assert missing in line
    assert ("endpoint" in line) == bool(missing)
    assert "docs/private.md" in line


def test_the_required_endpoints_depend_on_the_settings(warned: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pulumi_aws.ec2.get_vpc_endpoint", endpoints())
    further = {"cloudwatchAuth": "role", "backups": {"enabled": False}, "database": {"kind": "timestream"}}
    run_program(PRIVATE | further, {"getRouteTable": route_table()})
    assert any("no endpoint for ssm, monitoring, ec2, sts, secretsmanager;" in line for line in warned)


@pytest.mark.parametrize(
    ("settings", "default", "wrong", "instead"),
    [
        (PRIVATE, {"gatewayId": "igw-1"}, "serves only machines with a public address", "a route to a NAT gateway"),
        (
            {"subnetId": SUBNET},
            {"natGatewayId": "nat-1"},
            "no one can reach the server's public address",
            "public subnet",
        ),
    ],
    ids=["private in a public subnet", "public in a private subnet"],
)
def test_a_public_subnet_for_a_private_server_is_refused_and_vice_versa(
    settings: dict[str, Any], default: dict[str, str], wrong: str, instead: str
) -> None:
    with pytest.raises(pulumi.RunError, match=f"{SUBNET}.*{wrong}.*{instead}"):
        run_program(settings, {"getRouteTable": route_table(**default)})


@pytest.mark.parametrize(
    ("settings", "default"),
    [(PRIVATE, {"transit_gateway_id": "tgw-1"}), (PRIVATE, {"gateway_id": "vgw-1"}), ({"subnetId": SUBNET}, {})],
    ids=["a transit gateway", "a VPN gateway", "a public server without a default route that can be seen"],
)
def test_subnets_that_can_work_are_accepted_silently(
    warned: list[str], monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], default: dict[str, str]
) -> None:
    check(monkeypatch, settings, **default)
    assert warned == []


@pytest.mark.usefixtures("warned")
def test_a_subnet_without_its_own_route_table_uses_its_vpc_s_main_one(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []

    def find(opts: Any, **given: Any) -> Any:
        asked.append(given)
        if "subnet_id" in given:
            raise Exception("invoke of aws:ec2/getRouteTable:getRouteTable failed: query returned no results")
        route = SimpleNamespace(cidr_block="0.0.0.0/0", nat_gateway_id="nat-1", gateway_id="")
        return SimpleNamespace(id="rtb-main", vpc_id="vpc-1", routes=[route])

    monkeypatch.setattr("pulumi_aws.ec2.get_route_table", find)
    with pytest.raises(pulumi.RunError, match="its route table rtb-main sends everything to the NAT gateway nat-1"):
        run_program({"subnetId": SUBNET})
    own, main = asked
    assert own == {"subnet_id": SUBNET}
    (only,) = main.pop("filters")
    assert (main, only.name, only.values) == ({"vpc_id": "vpc-1"}, "association.main", ["true"])


def test_default_subnets_are_not_checked(prod: Run) -> None:
    assert "getRouteTable" not in {name for name, _ in prod.calls}
