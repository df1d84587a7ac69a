"""Instances of Timestream for InfluxDB: aws.timestreaminfluxdb.DbInstance.

hashicorp/terraform-provider-aws, internal/service/timestreaminfluxdb/db_instance.go
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from sandbox.plugins.aws.resource import REGIONAL, TAGGED, TAGS, TaggedResource, or_gone, present
from sandbox.plugins.base import BOOLEAN, INTEGER, TEXT, Failure, Input, ListOf, Output, PluginError, Properties, fields

_GONE = ("ResourceNotFoundException",)
_WAIT_SECONDS = 30 * 60
_TYPES = tuple(
    f"db.influx.{size}"
    for size in ("medium", "large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge")
)
_PATTERNS = {
    "bucket": '[^_][^"]{1,63}',
    "dbInstanceType": "|".join(map(re.escape, _TYPES)),
    "dbStorageType": "InfluxIOIncludedT[123]",
    "deploymentType": "SINGLE_AZ|WITH_MULTIAZ_STANDBY",
    "name": "(?=.{3,40}$)[a-zA-Z][a-zA-Z0-9]*(-[a-zA-Z0-9]+)*",
    "networkType": "IPV4|DUAL",
    "organization": ".{1,64}",
    "password": "[a-zA-Z0-9]{8,64}",
    "username": "[a-zA-Z]([a-zA-Z0-9]*(-[a-zA-Z0-9]+)*)?",
}
_RANGES = {"allocatedStorage": (20, 16384), "port": (1024, 65535)}
_MAX_ITEMS = {"vpcSecurityGroupIds": 5, "vpcSubnetIds": 3}
_CHANGEABLE = ("allocatedStorage", "dbInstanceType", "dbStorageType", "deploymentType", "port")
"""What UpdateDbInstance can change, with the provider's names."""

_NEVER_RETURNED = ("bucket", "organization", "password", "username")
"""Inputs that AWS does not return; they are in the secret."""


class DbInstance(TaggedResource):
    """An InfluxDB that AWS runs. Creating one takes minutes on AWS."""

    token = "aws:timestreaminfluxdb/dbInstance:DbInstance"
    title = "Timestream for InfluxDB DB Instance"
    inputs = fields(
        allocatedStorage=Input(INTEGER, required=True),
        bucket=Input(TEXT, required=True, replaces=True),
        dbInstanceType=Input(TEXT, required=True),
        dbStorageType=Input(TEXT, computed=True),
        deploymentType=Input(TEXT, computed=True),
        name=Input(TEXT, auto_name=True, replaces=True),
        networkType=Input(TEXT, computed=True, replaces=True),
        organization=Input(TEXT, required=True, replaces=True),
        password=Input(TEXT, required=True, replaces=True, secret=True),
        port=Input(INTEGER, computed=True),
        publiclyAccessible=Input(BOOLEAN, computed=True, replaces=True),
        username=Input(TEXT, required=True, replaces=True),
        vpcSecurityGroupIds=Input(ListOf(TEXT, ordered=False), required=True, replaces=True),
        vpcSubnetIds=Input(ListOf(TEXT, ordered=False), required=True, replaces=True),
        **TAGS,
        **REGIONAL,
    )
    outputs = fields(
        availabilityZone=Output(),
        endpoint=Output(),
        influxAuthParametersSecretArn=Output(),
        secondaryAvailabilityZone=Output(),
        **TAGGED,
    )

    def check(self, inputs: Properties) -> Iterable[Failure]:
        for name, pattern in _PATTERNS.items():
            if isinstance(inputs.get(name), str) and not re.fullmatch(pattern, inputs[name]):
                yield Failure(name, f"Invalid Attribute Value. It must match {pattern}")
        for name, (low, high) in _RANGES.items():
            if isinstance(inputs.get(name), int) and not low <= inputs[name] <= high:
                yield Failure(name, f"Invalid Attribute Value. It must be between {low} and {high}")
        for name, limit in _MAX_ITEMS.items():
            if isinstance(inputs.get(name), list) and not 1 <= len(inputs[name]) <= limit:
                yield Failure(name, f"Invalid Attribute Value. It must have 1 to {limit} elements")

    def create(self, inputs: Properties) -> tuple[str, Properties]:
        given = {name: inputs.get(name) for name in self.inputs if name not in ("tags", "region")}
        id_ = self._api(inputs).create_db_instance(**present(**given, tags=self.all_tags(inputs)))["id"]
        self._wait(id_, inputs)
        return id_, self.read(id_, inputs) or {}

    def _api(self, properties: Properties) -> Any:
        return self.api("timestream-influxdb", properties)

    def _wait(self, id_: str, properties: Properties) -> None:
        """Wait until it is available."""

        def status() -> str | None:
            found = str(self._api(properties).get_db_instance(identifier=id_)["status"])
            return None if found.endswith("ING") or "UPDATING" in found else found

        if (ended := self.wait("to be available", status, _WAIT_SECONDS)) != "AVAILABLE":
            raise PluginError(
                f"waiting for {self.title} ({id_}): unexpected state '{ended}', wanted target 'AVAILABLE'"
            )

    def read(self, id_: str, state: Properties) -> Properties | None:
        api = self._api(state)
        found = or_gone(lambda: api.get_db_instance(identifier=id_), *_GONE)
        if found is None:
            return None
        same = {name: found.get(name) for name in (*self.inputs, *self.outputs) if name in found}
        listed = api.list_tags_for_resource(resourceArn=found["arn"])["tags"]
        tags = [{"Key": key, "Value": value} for key, value in listed.items()]
        secondary = found.get("secondaryAvailabilityZone", "")
        return {
            **same,
            **{name: state[name] for name in _NEVER_RETURNED if name in state},
            "secondaryAvailabilityZone": secondary,
            "region": self.region(state),
            **self.tags_out(tags, state),
        }

    def update(self, id_: str, old: Properties, new: Properties) -> Properties:
        api = self._api(new)
        changed = {name: new[name] for name in _CHANGEABLE if name in new and new[name] != old.get(name)}
        if changed:
            api.update_db_instance(identifier=id_, **changed)
            self._wait(id_, new)
        self.apply_tags(
            old,
            new,
            tag=lambda tags: api.tag_resource(resourceArn=old["arn"], tags=tags),
            untag=lambda keys: api.untag_resource(resourceArn=old["arn"], tagKeys=keys),
        )
        return self.read(id_, {**old, **new}) or {}

    def delete(self, id_: str, state: Properties) -> None:
        api = self._api(state)
        or_gone(lambda: api.delete_db_instance(identifier=id_), *_GONE)
        self.wait(
            "to be deleted",
            lambda: None if or_gone(lambda: api.get_db_instance(identifier=id_), *_GONE) else True,
            _WAIT_SECONDS,
        )
