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
from tests.support.configuration import raw

SUBNET = "subnet-0123456789abcdef0"
PRIVATE = {"publicAddress": False, "subnetId": SUBNET}
ADDRESS = "10.0.0.7"


def table(**default: str) -> dict[str, Any]:
    """A route table, as the provider answers; default: the target of its default route."""
    empty = dict.fromkeys(("gatewayId", "natGatewayId", "transitGatewayId"), "")
    routes = [{**empty, "cidrBlock": "0.0.0.0/0", **default}] if default else []
    return {"id": "rtb-1", "vpcId": "vpc-1", "routes": routes}


def private(**settings: Any) -> Run:
    return run_once(PRIVATE | settings, {"getRouteTable": table(natGatewayId="nat-1")})


def test_the_address_is_that_of_an_interface_which_outlives_the_server() -> None:
    run = private()
    assert run.all("Eip") == run.all("EipAssociation") == []
    interface = run.one("NetworkInterface")
    assert interface["subnetId"] == SUBNET
    assert interface["securityGroups"] == ["SecurityGroup-network"]
    assert run.options["aws:ec2/networkInterface:NetworkInterface", "network"].protect
    server = run.one("Instance")
    assert server["primaryNetworkInterface"] == {"networkInterfaceId": "NetworkInterface-network"}
    assert not {"subnetId", "vpcSecurityGroupIds"} & set(server), "EC2 takes either these or an interface"


def test_everything_that_uses_the_address_uses_the_private_one() -> None:
    run = private()
    assert run.outputs["grafanaUrl"] == f"https://{ADDRESS}:3000"
    assert run.outputs["influxdbUrl"] == f"https://{ADDRESS}:8086"
    assert f"https://{ADDRESS}:8086" in run.outputs["agentInstallScript"]
    assert run.one("CertRequest")["ipAddresses"] == [ADDRESS, "127.0.0.1"]
    assert run.one("Command", "ready")["environment"]["READY_ADDRESS"] == ADDRESS
    assert f"ADDRESS={ADDRESS}" in run.one("Instance")["userData"]
    assert f"the address {ADDRESS} " in run.outputs["onDestroy"][0]
    files = [each.inputs.get("insecureValue", "") for each in run.all("Parameter")]
    assert any(f"\ndomain = {ADDRESS}\n" in text for text in files), "Grafana's root_url"


@pytest.fixture
def warned(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    said: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", said.append)
    return said


def endpoints(*names: str, **facts: Any) -> Callable[..., Any]:
    """Stands in for the lookup of endpoints: these exist."""

    def find(opts: object, **asked: Any) -> Any:
        service = asked["service_name"].removeprefix("com.amazonaws.eu-central-1.")
        if service not in names:
            raise Exception("invoke of aws:ec2/getVpcEndpoint failed: no matching EC2 VPC Endpoint found")
        assert asked["vpc_endpoint_type"] == ("Gateway" if service == "s3" else "Interface")
        known = {"private_dns_enabled": True, "route_table_ids": ["rtb-1"]} | facts
        return SimpleNamespace(**known)

    return find


def check(monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], **default: str) -> None:
    """What the program asks about the subnet and its VPC, and says about them; default: the default route's target."""
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
def test_what_a_subnet_without_a_default_route_lacks_is_said_in_one_line(
    warned: list[str], monkeypatch: pytest.MonkeyPatch, there: tuple[str, ...], facts: dict[str, Any], missing: str
) -> None:
    monkeypatch.setattr("pulumi_aws.ec2.get_vpc_endpoint", endpoints(*there, **facts))
    check(monkeypatch, PRIVATE)
    (line,) = warned
    assert line.startswith(f"monitoring:subnetId = {SUBNET}: its route table rtb-1 has no default route")
    assert missing in line
    assert ("endpoint" in line) == bool(missing)
    assert "docs/private.md" in line


def test_the_endpoints_that_are_needed_follow_from_the_settings(
    warned: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pulumi_aws.ec2.get_vpc_endpoint", endpoints())
    further = {"cloudwatchAuth": "role", "backups": {"enabled": False}, "database": {"kind": "timestream"}}
    run_program(PRIVATE | further, {"getRouteTable": table()})
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
def test_a_subnet_of_the_other_kind_is_refused(
    settings: dict[str, Any], default: dict[str, str], wrong: str, instead: str
) -> None:
    with pytest.raises(pulumi.RunError, match=f"{SUBNET}.*{wrong}.*{instead}"):
        run_program(settings, {"getRouteTable": table(**default)})


@pytest.mark.parametrize(
    ("settings", "default"),
    [(PRIVATE, {"transit_gateway_id": "tgw-1"}), (PRIVATE, {"gateway_id": "vgw-1"}), ({"subnetId": SUBNET}, {})],
    ids=["a transit gateway", "a VPN gateway", "a public server without a default route that can be seen"],
)
def test_subnets_that_may_work_are_accepted(
    warned: list[str], monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], default: dict[str, str]
) -> None:
    check(monkeypatch, settings, **default)
    assert warned == []


@pytest.mark.usefixtures("warned")
def test_a_subnet_without_a_route_table_of_its_own_has_the_main_one_of_its_vpc(monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_the_default_subnets_are_not_asked_about(prod: Run) -> None:
    assert "getRouteTable" not in {name for name, _ in prod.calls}
