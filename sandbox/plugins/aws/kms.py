"""Keys and their aliases: aws.kms.Key, aws.kms.Alias, aws.kms.get_key."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sandbox.plugins.aws.client import Aws
from sandbox.plugins.aws.resource import REGIONAL, TAGGED, TAGS, AwsResource, TaggedResource, or_gone, present
from sandbox.plugins.base import (
    BOOLEAN,
    INTEGER,
    JSON,
    TEXT,
    Failure,
    Function,
    Input,
    ListOf,
    Output,
    Properties,
    fields,
)

_GONE = ("NotFoundException",)


class Key(TaggedResource):
    """A key. It counts as gone once its deletion is scheduled, although that can still be cancelled."""

    token = "aws:kms/key:Key"
    title = "KMS Key"
    inputs = fields(
        bypassPolicyLockoutSafetyCheck=Input(BOOLEAN, default=False),
        deletionWindowInDays=Input(INTEGER),
        description=Input(TEXT, computed=True),
        enableKeyRotation=Input(BOOLEAN, default=False),
        isEnabled=Input(BOOLEAN, default=True),
        policy=Input(JSON, computed=True),
        **TAGS,
        **REGIONAL,
    )
    outputs = fields(keyId=Output(), **TAGGED)

    def check(self, inputs: Properties) -> Iterable[Failure]:
        days = inputs.get("deletionWindowInDays")
        if isinstance(days, int) and not 7 <= days <= 30:
            yield Failure(
                "deletionWindowInDays", f"expected deletion_window_in_days to be in the range (7 - 30), got {days}"
            )

    def create(self, inputs: Properties) -> tuple[str, Properties]:
        kms = self.api("kms", inputs)
        tags = [{"TagKey": key, "TagValue": value} for key, value in self.all_tags(inputs).items()]
        id_ = kms.create_key(
            BypassPolicyLockoutSafetyCheck=inputs["bypassPolicyLockoutSafetyCheck"],
            **present(Description=inputs.get("description"), Policy=inputs.get("policy"), Tags=tags),
        )["KeyMetadata"]["KeyId"]
        if inputs["enableKeyRotation"]:
            kms.enable_key_rotation(KeyId=id_)
        if not inputs["isEnabled"]:
            kms.disable_key(KeyId=id_)
        return id_, self.read(id_, inputs) or {}

    def read(self, id_: str, state: Properties) -> Properties | None:
        kms = self.api("kms", state)
        answer = or_gone(lambda: kms.describe_key(KeyId=id_), *_GONE)
        if answer is None or answer["KeyMetadata"]["KeyState"] == "PendingDeletion":
            return None
        key = answer["KeyMetadata"]
        listed = kms.list_resource_tags(KeyId=id_)["Tags"]
        tags = [{"Key": tag["TagKey"], "Value": tag["TagValue"]} for tag in listed]
        return {
            "arn": key["Arn"],
            "description": key.get("Description", ""),
            "enableKeyRotation": kms.get_key_rotation_status(KeyId=id_)["KeyRotationEnabled"],
            "isEnabled": key["Enabled"],
            "keyId": key["KeyId"],
            "policy": kms.get_key_policy(KeyId=id_, PolicyName="default")["Policy"],
            "region": self.region(state),
            **self.tags_out(tags, state),
        }

    def update(self, id_: str, old: Properties, new: Properties) -> Properties:
        kms = self.api("kms", new)
        changed = {name for name in new if new[name] != old.get(name)}
        if "policy" in changed:
            kms.put_key_policy(KeyId=id_, PolicyName="default", Policy=new["policy"])
        if "description" in changed:
            kms.update_key_description(KeyId=id_, Description=new["description"])
        if "enableKeyRotation" in changed:
            (kms.enable_key_rotation if new["enableKeyRotation"] else kms.disable_key_rotation)(KeyId=id_)
        if "isEnabled" in changed:
            (kms.enable_key if new["isEnabled"] else kms.disable_key)(KeyId=id_)
        self.apply_tags(
            old,
            new,
            tag=lambda tags: kms.tag_resource(KeyId=id_, Tags=[{"TagKey": key, "TagValue": tags[key]} for key in tags]),
            untag=lambda keys: kms.untag_resource(KeyId=id_, TagKeys=keys),
        )
        return self.read(id_, new) or {}

    def delete(self, id_: str, state: Properties) -> None:
        wait = present(PendingWindowInDays=state.get("deletionWindowInDays") or 30)
        or_gone(lambda: self.api("kms", state).schedule_key_deletion(KeyId=id_, **wait), *_GONE)


class Alias(AwsResource):
    """A name for a key. It can be moved to another key."""

    token = "aws:kms/alias:Alias"
    title = "KMS Alias"
    inputs = fields(name=Input(TEXT, computed=True, replaces=True), targetKeyId=Input(TEXT, required=True), **REGIONAL)
    outputs = fields(arn=Output(), targetKeyArn=Output())

    def check(self, inputs: Properties) -> Iterable[Failure]:
        name = inputs.get("name")
        if name is None:
            yield Failure(
                "name", "the local environment does not generate a name for it; write one, such as alias/mine"
            )
        if isinstance(name, str) and not name.startswith("alias/"):
            yield Failure("name", "name must begin with 'alias/' and only contain [0-9A-Za-z_/-]")

    def create(self, inputs: Properties) -> tuple[str, Properties]:
        self.api("kms", inputs).create_alias(AliasName=inputs["name"], TargetKeyId=inputs["targetKeyId"])
        return inputs["name"], self.read(inputs["name"], inputs) or {}

    def read(self, id_: str, state: Properties) -> Properties | None:
        kms: Any = self.api("kms", state)
        pages = kms.get_paginator("list_aliases").paginate()
        found = next((each for page in pages for each in page["Aliases"] if each["AliasName"] == id_), None)
        if found is None or "TargetKeyId" not in found:
            return None
        region = self.region(state)
        return {
            "arn": found["AliasArn"],
            "name": id_,
            "region": region,
            "targetKeyArn": self.client.arn("kms", f"key/{found['TargetKeyId']}", region),
            "targetKeyId": found["TargetKeyId"],
        }

    def update(self, id_: str, old: Properties, new: Properties) -> Properties:
        self.api("kms", new).update_alias(AliasName=id_, TargetKeyId=new["targetKeyId"])
        return self.read(id_, new) or {}

    def delete(self, id_: str, state: Properties) -> None:
        or_gone(lambda: self.api("kms", state).delete_alias(AliasName=id_), *_GONE)


def get_key(aws: Aws, arguments: Properties) -> Properties:
    """A key by its id or ARN, or by an alias or its ARN
    (terraform-provider-aws, internal/service/kms/key_data_source.go)."""
    region = arguments.get("region") or aws.region
    found = aws.client("kms", region).describe_key(KeyId=arguments["keyId"])["KeyMetadata"]
    deletion = found.get("DeletionDate")
    return {
        "arn": found["Arn"],
        "awsAccountId": found["AWSAccountId"],
        "cloudHsmClusterId": found.get("CloudHsmClusterId", ""),
        "creationDate": found["CreationDate"].isoformat(),
        "customKeyStoreId": found.get("CustomKeyStoreId", ""),
        "customerMasterKeySpec": found["CustomerMasterKeySpec"],
        "deletionDate": deletion.isoformat() if deletion else "",
        "description": found.get("Description", ""),
        "enabled": found["Enabled"],
        "expirationModel": found.get("ExpirationModel", ""),
        "id": found["KeyId"],
        "keyId": arguments["keyId"],
        "keyManager": found["KeyManager"],
        "keySpec": found["KeySpec"],
        "keyState": found["KeyState"],
        "keyUsage": found.get("KeyUsage") or "ENCRYPT_DECRYPT",
        "multiRegion": bool(found.get("MultiRegion")),
        "multiRegionConfigurations": [],
        "origin": found["Origin"],
        "pendingDeletionWindowInDays": found.get("PendingDeletionWindowInDays", 0),
        "region": region,
        "validTo": "",
        "xksKeyConfigurations": [],
    }


FUNCTION = Function(
    "aws:kms/getKey:getKey",
    fields(grantTokens=Input(ListOf(TEXT)), keyId=Input(TEXT, required=True), region=Input(TEXT)),
    get_key,
)
