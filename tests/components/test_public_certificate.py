"""`publicCertificate`: what the server may do in the zone, what it is given, and who reaches it."""

from __future__ import annotations

import configparser
import json
from typing import Any

import pytest

from tests.components.conftest import Run, run_once, statements
from tests.components.examples import DOMAIN, NAMED, ZONE
from tests.support.certificates import CERTIFICATE
from tests.support.configuration import DIRECTORY

GIVEN: dict[str, Any] = NAMED | {"publicCertificate": {"directory": DIRECTORY, "ca": CERTIFICATE}}


@pytest.fixture(scope="module")
def run() -> Run:
    return run_once(GIVEN, {"getZone": ZONE})


def rights(run: Run) -> list[dict[str, Any]]:
    policy = run.one("RolePolicy", "certificate")
    assert policy["role"] == "server"
    return statements(policy["policy"])


def test_the_server_may_change_one_record_of_one_zone(run: Run, prod: Run) -> None:
    actions = {each["Action"]: each["Resource"] for each in rights(run)}
    assert actions == {
        "route53:ListHostedZones": "*",
        "route53:ChangeResourceRecordSets": "arn:aws:route53:::hostedzone/Z0123",
        "route53:GetChange": "arn:aws:route53:::change/*",
    }
    # docs.aws.amazon.com/Route53/latest/DeveloperGuide/specifying-rrset-conditions.html
    (change,) = [each for each in rights(run) if each["Action"] == "route53:ChangeResourceRecordSets"]
    assert change["Condition"] == {
        "ForAllValues:StringEquals": {
            "route53:ChangeResourceRecordSetsNormalizedRecordNames": [f"_acme-challenge.{DOMAIN}"],
            "route53:ChangeResourceRecordSetsRecordTypes": ["TXT"],
            "route53:ChangeResourceRecordSetsActions": ["UPSERT", "DELETE"],
        }
    }
    for each in rights(run):
        assert set(each) <= {"Sid", "Effect", "Action", "Resource", "Condition"}
        assert each["Effect"] == "Allow"
    (server,) = [options for (kind, _), options in run.options.items() if kind == "aws:ec2/instance:Instance"]
    assert ("aws:iam/rolePolicy:RolePolicy", "certificate") in server.after
    assert not [each for each in prod.resources if each.name == "certificate"]


def test_operators_reach_port_443_and_no_other_port_is_opened(run: Run, prod: Run) -> None:
    def opened(of: Run) -> set[tuple[str, int]]:
        return {(each.inputs["cidrIpv4"], each.inputs["fromPort"]) for each in of.all("SecurityGroupIngressRule")}

    people = {cidr for cidr, port in opened(prod) if port == 3000}
    assert opened(run) - opened(prod) == {(cidr, 443) for cidr in people}
    assert opened(prod) <= opened(run)


def test_grafana_s_address_is_the_domain_and_everything_else_trusts_the_same_authority(run: Run, prod: Run) -> None:
    ini = configparser.RawConfigParser(comment_prefixes=("#", ";"))
    ini.read_string(run.one("Parameter", "grafana.ini")["insecureValue"])
    assert (ini["server"]["domain"], ini["server"]["root_url"]) == (DOMAIN, f"https://{DOMAIN}/")
    assert "root_url" not in prod.one("Parameter", "grafana.ini")["insecureValue"]
    assert run.outputs["grafanaUrl"] == f"https://{DOMAIN}"
    for name in ("caCertificate", "influxdbUrl"):
        assert run.outputs[name] == run_once(NAMED, {"getZone": ZONE}).outputs[name]
    gates = [run_.one("Command", "ready")["environment"] for run_ in (run, prod)]
    assert gates[0]["READY_CA"] == gates[1]["READY_CA"]
    assert gates[0]["READY_SERVER_NAME"] == gates[1]["READY_SERVER_NAME"]


def test_a_running_server_is_not_replaced(run: Run) -> None:
    """Turning it on changes parameters, which the server follows."""
    without = run_once(NAMED, {"getZone": ZONE})
    assert run.one("Instance")["userData"] == without.one("Instance")["userData"]


def test_its_private_key_never_passes_through_pulumi(run: Run) -> None:
    without = run_once(NAMED, {"getZone": ZONE})
    names = {each.name for each in run.all("Parameter")} - {each.name for each in without.all("Parameter")}
    assert names == {
        *("acme-ca-certificate", "public-certificate", "haproxy.cfg", "haproxy.conf"),
        *("monitoring-certificate.service", "monitoring-certificate.timer"),
    }
    assert "PRIVATE KEY" not in json.dumps([run.one("Parameter", name) for name in names])
