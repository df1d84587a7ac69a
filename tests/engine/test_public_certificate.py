"""The rights of the server with `publicCertificate`, tried in the local AWS."""

from __future__ import annotations

import json

import pytest

from tests.components.conftest import run_once
from tests.components.examples import DOMAIN, ZONE
from tests.components.test_public_certificate import GIVEN, rights
from tests.sandbox.cloud.conftest import Cloud, refusal
from tests.sandbox.cloud.test_route53 import change, zone

pytestmark = pytest.mark.slow

PROOF = f"_acme-challenge.{DOMAIN}"
DENIED = (403, "AccessDenied")


def test_the_server_can_change_only_the_record_of_the_challenge(aws: Cloud) -> None:
    run = run_once(GIVEN, {"getZone": ZONE})
    mine, other = zone(aws), zone(aws)
    given = json.loads(json.dumps(rights(run)).replace("Z0123", mine))
    client = aws.client("route53", aws.user(*given))
    ask = client.change_resource_record_sets
    written = ask(HostedZoneId=mine, **change("UPSERT", PROOF, "TXT", '"a"'))
    client.get_change(Id=written["ChangeInfo"]["Id"])
    assert client.list_hosted_zones()["HostedZones"]
    for id_, refused in (
        (other, change("UPSERT", PROOF, "TXT", '"a"')),
        (mine, change("UPSERT", f"a.{PROOF}", "TXT", '"a"')),
        (mine, change("UPSERT", "_acme-challenge.example.com", "TXT", '"a"')),
        (mine, change("UPSERT", DOMAIN, "TXT", '"a"')),
        (mine, change("UPSERT", DOMAIN)),
        (mine, change("UPSERT", PROOF)),
        (mine, change("CREATE", PROOF, "TXT", '"b"')),
    ):
        assert refusal(ask, HostedZoneId=id_, **refused) == DENIED, refused
    assert refusal(client.list_resource_record_sets, HostedZoneId=mine) == DENIED
    ask(HostedZoneId=mine, **change("DELETE", PROOF, "TXT", '"a"'))
