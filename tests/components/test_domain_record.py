"""The DNS record of `domain` in a Route 53 zone (`route53Zone`)."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest

from tests.components.conftest import ADDRESS, run_once, run_program
from tests.components.examples import DOMAIN, NAMED, PRIVATE, PRIVATE_ADDRESS, ZONE, route_table


def test_the_record_has_the_server_s_address() -> None:
    run = run_once(NAMED, {"getZone": ZONE})
    record = run.one("Record")
    assert record == {"zoneId": "Z0123", "name": DOMAIN, "type": "A", "ttl": 60, "records": [ADDRESS]}
    assert not run.options["aws:route53/record:Record", "network"].protect
    assert ("aws:route53/record:Record", "network") in run.options["command:local:Command", "ready"].after
    assert ("getZone", {"name": "example.com"}) in run.calls


def test_a_private_server_s_record_has_its_private_address() -> None:
    run = run_once(PRIVATE | NAMED, {"getZone": ZONE, "getRouteTable": route_table(natGatewayId="nat-1")})
    assert run.one("Record")["records"] == [PRIVATE_ADDRESS]


def test_a_zone_can_be_named_by_its_id() -> None:
    run = run_once(NAMED | {"route53Zone": "Z0123"}, {"getZone": ZONE})
    assert ("getZone", {"zoneId": "Z0123"}) in run.calls


NO_SUCH_ZONE = "this account has no such public zone; write its ID or name as `aws route53 list-hosted-zones`"


@pytest.mark.parametrize(
    ("given", "answer", "said"),
    [
        ("example.com", "no matching Route 53 Hosted Zone found", NO_SUCH_ZONE),
        ("Z0123", "couldn't find resource", NO_SUCH_ZONE),
        (
            "example.com",
            "multiple Route 53 Hosted Zones matched; use additional constraints to reduce matches to a single one",
            "several public zones have that name; write the ID of one",
        ),
    ],
    ids=["no name", "no ID", "several"],
)
def test_a_zone_that_cannot_be_found_is_reported(
    monkeypatch: pytest.MonkeyPatch, given: str, answer: str, said: str
) -> None:
    """The messages are those of terraform-provider-aws: internal/tfresource (SingularDataSourceFindError) and
    internal/retry (NotFoundError), to which service/route53/zone.go converts NoSuchHostedZone."""

    def refuse(**_: Any) -> None:
        raise Exception(f"invoke of aws:route53/getZone:getZone failed: {answer}")

    monkeypatch.setattr("pulumi_aws.route53.get_zone", refuse)
    with pytest.raises(pulumi.RunError, match=f"^monitoring:route53Zone = {given}: {said}"):
        run_program(NAMED | {"route53Zone": given})


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({"privateZone": True}, "is a private zone, which only its VPCs see; name a public one"),
        ({"name": "example.org"}, f"is the zone of example.org, which does not contain {DOMAIN}"),
        ({"name": "ample.com"}, f"is the zone of ample.com, which does not contain {DOMAIN}"),
    ],
)
def test_a_zone_that_cannot_hold_the_domain_is_refused(found: dict[str, Any], said: str) -> None:
    with pytest.raises(pulumi.RunError, match=f"monitoring:route53Zone = Z0123: {said}"):
        run_program(NAMED | {"route53Zone": "Z0123"}, {"getZone": ZONE | found})
