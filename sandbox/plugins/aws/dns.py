"""Route 53: aws.route53.Record, aws.route53.get_zone.

terraform-provider-aws, internal/service/route53: record.go, zone_data_source.go.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sandbox.plugins.aws.client import Aws
from sandbox.plugins.aws.filters import single
from sandbox.plugins.aws.resource import AwsResource, or_gone, tag_map
from sandbox.plugins.base import (
    BOOLEAN,
    INTEGER,
    TEXT,
    Failure,
    Function,
    Input,
    ListOf,
    Output,
    PluginError,
    Properties,
    fields,
)

_GONE = ("NoSuchHostedZone",)


class Record(AwsResource):
    """A record with values (not an alias). An existing record is only overwritten with `allowOverwrite`."""

    token = "aws:route53/record:Record"
    title = "Route 53 Record"
    inputs = fields(
        allowOverwrite=Input(BOOLEAN, computed=True),
        name=Input(TEXT, required=True, replaces=True),
        records=Input(ListOf(TEXT, ordered=False)),
        ttl=Input(INTEGER),
        type=Input(TEXT, required=True, replaces=True),
        zoneId=Input(TEXT, required=True, replaces=True),
    )
    outputs = fields(fqdn=Output())

    def check(self, inputs: Properties) -> Iterable[Failure]:
        if ("records" in inputs) != ("ttl" in inputs):
            yield Failure("records", '"records": all of `records,ttl` must be specified')

    def create(self, inputs: Properties) -> tuple[str, Properties]:
        self._change("UPSERT" if inputs.get("allowOverwrite") else "CREATE", inputs)
        id_ = f"{inputs['zoneId']}_{inputs['name']}_{inputs['type']}"
        return id_, self.read(id_, inputs) or {}

    def _change(self, action: str, wanted: Properties) -> None:
        values = [{"Value": value} for value in wanted["records"]]
        record = {
            "Name": wanted["name"],
            "Type": wanted["type"],
            "TTL": int(wanted["ttl"]),
            "ResourceRecords": values,
        }
        client = self.api("route53", wanted)
        made = client.change_resource_record_sets(
            HostedZoneId=wanted["zoneId"], ChangeBatch={"Changes": [{"Action": action, "ResourceRecordSet": record}]}
        )["ChangeInfo"]

        def known() -> bool | None:
            return client.get_change(Id=made["Id"])["ChangeInfo"]["Status"] == "INSYNC" or None

        self.wait("the name servers", known, 30 * 60)

    def read(self, id_: str, state: Properties) -> Properties | None:
        zone, name, kind = id_.split("_", 2)
        found = self._find(zone, name, kind, state)
        if found is None:
            return None
        return {
            "fqdn": name,
            "name": name,
            "records": [each["Value"] for each in found["ResourceRecords"]],
            "ttl": found["TTL"],
            "type": kind,
            "zoneId": zone,
        }

    def _find(self, zone: str, name: str, kind: str, state: Properties) -> dict[str, Any] | None:
        client = self.api("route53", state)
        answer = or_gone(
            lambda: client.list_resource_record_sets(
                HostedZoneId=zone, StartRecordName=name, StartRecordType=kind, MaxItems="1"
            ),
            *_GONE,
        )
        sets = answer["ResourceRecordSets"] if answer else []
        return next((each for each in sets if (each["Name"].rstrip("."), each["Type"]) == (name, kind)), None)

    def update(self, id_: str, old: Properties, new: Properties) -> Properties:
        self._change("UPSERT", new)
        return self.read(id_, new) or {}

    def delete(self, id_: str, state: Properties) -> None:
        current = self.read(id_, state)
        if current is not None:
            self._change("DELETE", current)


def get_zone(aws: Aws, arguments: Properties) -> Properties:
    """The only zone that matches. By name, public zones are searched unless `privateZone` is set."""
    client = aws.client("route53")
    if given := arguments.get("zoneId"):
        answer = or_gone(lambda: client.get_hosted_zone(Id=given), *_GONE)
        if answer is None:
            raise PluginError("couldn't find resource")
        found = [answer["HostedZone"]]
    else:
        name, private = f"{arguments['name'].rstrip('.')}.", bool(arguments.get("privateZone"))
        pages = client.get_paginator("list_hosted_zones").paginate()
        zones = [each for page in pages for each in page["HostedZones"]]
        found = [each for each in zones if (each["Name"], each["Config"]["PrivateZone"]) == (name, private)]
    zone = single(found, "Route 53 Hosted Zone")
    id_ = zone["Id"].rpartition("/")[2]
    servers = client.get_hosted_zone(Id=id_).get("DelegationSet", {}).get("NameServers", [])
    tags = client.list_tags_for_resource(ResourceType="hostedzone", ResourceId=id_)["ResourceTagSet"]["Tags"]
    return {
        "arn": f"arn:aws:route53:::hostedzone/{id_}",
        "callerReference": zone["CallerReference"],
        "comment": zone["Config"].get("Comment", ""),
        "enableAcceleratedRecovery": False,
        "id": id_,
        "linkedServiceDescription": "",
        "linkedServicePrincipal": "",
        "name": zone["Name"].rstrip("."),
        "nameServers": servers,
        "primaryNameServer": servers[0] if servers else "",
        "privateZone": zone["Config"]["PrivateZone"],
        "resourceRecordSetCount": zone.get("ResourceRecordSetCount", 0),
        "tags": tag_map(tags),
        "vpcId": "",
        "zoneId": id_,
    }


FUNCTION = Function(
    "aws:route53/getZone:getZone",
    fields(name=Input(TEXT), privateZone=Input(BOOLEAN), zoneId=Input(TEXT)),
    get_zone,
)
