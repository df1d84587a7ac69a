"""Route 53: what it refuses, and access control by the records' zone, type and name."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from tests.sandbox.cloud.conftest import Cloud, allow, refusal

pytestmark = pytest.mark.slow

PREFIX = "route53:ChangeResourceRecordSets"


def zone(aws: Cloud, name: str = "example.com") -> str:
    made = aws.client("route53").create_hosted_zone(Name=name, CallerReference=str(uuid.uuid4()))
    return str(made["HostedZone"]["Id"].rpartition("/")[2])


def change(action: str, name: str, kind: str = "A", value: str = "192.0.2.1") -> dict[str, Any]:
    record = {"Name": name, "Type": kind, "TTL": 60, "ResourceRecords": [{"Value": value}]}
    return {"ChangeBatch": {"Changes": [{"Action": action, "ResourceRecordSet": record}]}}


def test_records_that_conflict_are_refused(aws: Cloud) -> None:
    client, id_ = aws.client("route53"), zone(aws)
    ask, invalid = client.change_resource_record_sets, (400, "InvalidChangeBatch")
    ask(HostedZoneId=id_, **change("CREATE", "a.example.com"))
    ask(HostedZoneId=id_, **change("CREATE", "b.example.com", "CNAME", "a.example.com"))
    for refused in (
        change("CREATE", "A.example.com.", value="192.0.2.2"),
        change("UPSERT", "b.example.com"),
        change("UPSERT", "a.example.com", "CNAME", "b.example.com"),
        change("CREATE", "a.badexample.com"),
        change("DELETE", "a.example.com", value="192.0.2.2"),
        change("DELETE", "c.example.com"),
    ):
        assert refusal(ask, HostedZoneId=id_, **refused) == invalid, refused
    ask(HostedZoneId=id_, **change("UPSERT", "a.example.com", value="192.0.2.2"))
    ask(HostedZoneId=id_, **change("DELETE", "a.example.com", value="192.0.2.2"))


def test_rights_to_a_record_depend_on_its_zone_type_and_name(aws: Cloud) -> None:
    mine, other = zone(aws), zone(aws)
    conditions = {
        "ForAllValues:StringEquals": {
            f"{PREFIX}NormalizedRecordNames": ["a.example.com"],
            f"{PREFIX}RecordTypes": ["A"],
        }
    }
    rights = allow(PREFIX, resource=f"arn:aws:route53:::hostedzone/{mine}", Condition=conditions)
    ask = aws.client("route53", aws.user(rights)).change_resource_record_sets
    ask(HostedZoneId=mine, **change("CREATE", "A.Example.com."))
    denied = (403, "AccessDenied")
    assert refusal(ask, HostedZoneId=other, **change("CREATE", "a.example.com")) == denied
    assert refusal(ask, HostedZoneId=mine, **change("CREATE", "b.example.com")) == denied
    assert refusal(ask, HostedZoneId=mine, **change("CREATE", "a.example.com", "TXT", '"x"')) == denied
    both = change("DELETE", "a.example.com")
    both["ChangeBatch"]["Changes"] += change("CREATE", "b.example.com")["ChangeBatch"]["Changes"]
    assert refusal(ask, HostedZoneId=mine, **both) == denied
