"""Route 53: zones' ids, and which records can exist side by side (API_ChangeResourceRecordSets)."""

from __future__ import annotations

from typing import Any

from moto.route53 import models
from moto.route53.exceptions import DnsNameInvalidForZone, ResourceRecordAlreadyExists, Route53ClientError
from moto.route53.models import Route53Backend

from sandbox.cloud.patches.registry import patch


@patch(models, "create_route53_zone_id", source="13c446e4")
def create_route53_zone_id(original: Any, **named: Any) -> str:
    """AWS: a zone's id starts with Z. moto: it can start with any letter."""
    return f"Z{str(original(**named))[1:]}"


@patch(Route53Backend, "change_resource_record_sets", source="b76a48a1")
def change_resource_record_sets(original: Any, self: Any, zoneid: str, change_list: list[dict[str, Any]]) -> None:
    """AWS: refuses to create a record that exists, to create one with the name of a CNAME, and to delete one with other
    values than it has; names are in lower case, and end with the zone's name after a dot. moto: refuses only identical
    requests, and takes badexample.com for a name in example.com.
    """
    zone = self.get_hosted_zone(zoneid)
    for change in change_list:
        record, action = change["ResourceRecordSet"], change["Action"]
        name, kind = _plain(record["Name"]), record["Type"]
        record["Name"] = f"{name}."
        if name != _plain(zone.name) and not name.endswith(f".{_plain(zone.name)}"):
            raise DnsNameInvalidForZone(name=record["Name"], zone_name=zone.name)
        same = [each for each in zone.rrsets if _plain(each.name) == name]
        existing = next((each for each in same if each.type == kind), None)
        if action == "CREATE" and existing:
            raise ResourceRecordAlreadyExists(name=f"{name}.", _type=kind)
        if action == "DELETE" and (existing is None or _values(record) != [*existing.records]):
            raise Route53ClientError(
                "InvalidChangeBatch",
                f"[Tried to delete resource record set [name='{name}.', type='{kind}'] but it was not found or its "
                "values do not match the current values]",
            )
        other = next((each.type for each in same if "CNAME" in (each.type, kind) and each.type != kind), None)
        if other and action != "DELETE":
            raise Route53ClientError(
                "InvalidChangeBatch",
                f"[RRSet of type {kind} with DNS name {name}. is not permitted because a conflicting RRSet of type "
                f"{other} with the same DNS name already exists in zone {zone.name}]",
            )
    original(self, zoneid, change_list)


def _plain(name: str) -> str:
    return name.lower().rstrip(".")


def _values(record: dict[str, Any]) -> list[str]:
    return [each["Value"] for each in record.get("ResourceRecords", [])]
