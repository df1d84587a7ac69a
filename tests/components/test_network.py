"""The server's security group. Where the server is placed is in test_site.py."""

from __future__ import annotations

import pytest

from tests.components.conftest import Run, run_once, run_program
from tests.components.examples import ELSEWHERE

GROUP = "SecurityGroup-network"


def test_only_the_configured_ranges_reach_grafana_and_influxdb(prod: Run) -> None:
    rules = {
        (r.inputs["fromPort"], r.inputs["toPort"], r.inputs["ipProtocol"], r.inputs["cidrIpv4"])
        for r in prod.all("SecurityGroupIngressRule")
        if r.inputs["securityGroupId"] == GROUP
    }
    assert rules == {
        (3000, 3000, "tcp", "203.0.113.0/24"),
        (8086, 8086, "tcp", "203.0.113.0/24"),
        (8086, 8086, "tcp", "198.51.100.0/24"),
    }


def test_ssh_is_open_only_on_request() -> None:
    run = run_once({"sshCidrs": ["203.0.113.9/32"], "sshKeyName": "me"})
    ssh = [r.inputs["cidrIpv4"] for r in run.all("SecurityGroupIngressRule") if r.inputs["fromPort"] == 22]
    assert ssh == ["203.0.113.9/32"]
    assert run.one("Instance")["keyName"] == "me"


def test_the_group_has_no_inline_rules(prod: Run) -> None:
    """Inline rules and separate ones overwrite each other (documentation of aws.ec2.SecurityGroup)."""
    assert not {"ingress", "egress"} & set(prod.one("SecurityGroup"))


def test_the_server_may_only_use_the_web_and_the_vpc_s_dns(prod: Run) -> None:
    rules = {
        (r.inputs["ipProtocol"], r.inputs["fromPort"], r.inputs["toPort"], r.inputs["cidrIpv4"])
        for r in prod.all("SecurityGroupEgressRule")
        if r.inputs["securityGroupId"] == GROUP
    }
    assert rules == {
        ("tcp", 443, 443, "0.0.0.0/0"),
        ("tcp", 80, 80, "0.0.0.0/0"),
        ("udp", 53, 53, "10.0.0.0/16"),
        ("tcp", 53, 53, "10.0.0.0/16"),
    }


@pytest.mark.parametrize(
    ("url", "ports"),
    [("https://influx.example.com:9086", [9086]), ("https://influx.example.com", [])],
    ids=["its own port", "the port of HTTPS"],
)
def test_the_server_may_use_the_port_of_another_influxdb(prod: Run, url: str, ports: list[int]) -> None:
    changes = {"influxdb": ELSEWHERE | {"url": url}, "agentCidrs": [], "retention": "30d"}
    run = run_program(changes, secret=("influxdb",))

    def outgoing(of: Run) -> list[int]:
        return sorted(int(r.inputs["fromPort"]) for r in of.all("SecurityGroupEgressRule"))

    assert outgoing(run) == sorted([*outgoing(prod), *ports])
