"""A bucket's settings, each a separate resource: aws.s3.BucketVersioning and the like.

The id of each is the bucket's name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sandbox.plugins.aws.bucket import GONE
from sandbox.plugins.aws.resource import REGIONAL, AwsResource, lower_first, or_gone, upper_first
from sandbox.plugins.base import (
    BOOLEAN,
    INTEGER,
    JSON,
    TEXT,
    Failure,
    Input,
    ListOf,
    ObjectOf,
    Properties,
    fields,
)

BUCKET = fields(bucket=Input(TEXT, required=True, replaces=True), **REGIONAL)


class BucketSetting(AwsResource):
    """Base class: a setting that is always written as a whole."""

    # Both would write the same setting, so deleting the old resource would remove the new one's setting.
    delete_before_replace = True
    absent: tuple[str, ...] = ()
    """AWS's error codes for a bucket without the setting."""

    def put(self, client: Any, inputs: Properties) -> None:
        """Set it."""
        raise NotImplementedError

    def get(self, client: Any, name: str) -> Properties:
        """The setting as inputs."""
        raise NotImplementedError

    def remove(self, client: Any, name: str) -> None:
        """Remove it."""
        raise NotImplementedError

    def create(self, inputs: Properties) -> tuple[str, Properties]:
        self.put(self.api("s3", inputs), inputs)
        return inputs["bucket"], {"region": self.region(inputs)}

    def read(self, id_: str, state: Properties) -> Properties | None:
        client = self.api("s3", state)
        found = or_gone(lambda: self.get(client, id_), *GONE, *self.absent)
        return {"bucket": id_, "region": self.region(state), **found} if found else None

    def update(self, id_: str, old: Properties, new: Properties) -> Properties:
        self.put(self.api("s3", new), new)
        return {"region": self.region(new)}

    def delete(self, id_: str, state: Properties) -> None:
        client = self.api("s3", state)
        or_gone(lambda: self.remove(client, id_), *GONE, *self.absent)


class BucketVersioning(BucketSetting):
    """Whether old versions of objects are kept. AWS cannot remove versioning: deleting this suspends it."""

    token = "aws:s3/bucketVersioning:BucketVersioning"
    title = "S3 Bucket Versioning"
    inputs = fields(
        versioningConfiguration=Input(ObjectOf(fields(status=Input(TEXT, required=True))), required=True), **BUCKET
    )

    def check(self, inputs: Properties) -> Iterable[Failure]:
        status = inputs["versioningConfiguration"]
        if isinstance(status, Mapping) and status.get("status") not in ("Enabled", "Suspended", "Disabled"):
            yield Failure("versioningConfiguration.status", "expected status to be one of Enabled, Suspended, Disabled")

    def put(self, client: Any, inputs: Properties) -> None:
        status = inputs["versioningConfiguration"]["status"]
        if status != "Disabled":
            client.put_bucket_versioning(Bucket=inputs["bucket"], VersioningConfiguration={"Status": status})

    def get(self, client: Any, name: str) -> Properties:
        status = client.get_bucket_versioning(Bucket=name).get("Status", "Disabled")
        return {"versioningConfiguration": {"status": status}}

    def remove(self, client: Any, name: str) -> None:
        if self.get(client, name)["versioningConfiguration"]["status"] == "Enabled":
            client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Suspended"})


_BY_DEFAULT = fields(sseAlgorithm=Input(TEXT, required=True), kmsMasterKeyId=Input(TEXT))
_ENCRYPTION_RULE = fields(
    applyServerSideEncryptionByDefault=Input(ObjectOf(_BY_DEFAULT)), bucketKeyEnabled=Input(BOOLEAN)
)


class BucketServerSideEncryptionConfiguration(BucketSetting):
    """How new objects are encrypted."""

    token = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
    title = "S3 Bucket Server-side Encryption Configuration"
    inputs = fields(rules=Input(ListOf(ObjectOf(_ENCRYPTION_RULE)), required=True), **BUCKET)
    absent = ("ServerSideEncryptionConfigurationNotFoundError",)

    def put(self, client: Any, inputs: Properties) -> None:
        client.put_bucket_encryption(
            Bucket=inputs["bucket"], ServerSideEncryptionConfiguration={"Rules": to_aws(inputs["rules"], _RENAMED)}
        )

    def get(self, client: Any, name: str) -> Properties:
        rules = client.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
        return {"rules": from_aws(rules, _RENAMED)}

    def remove(self, client: Any, name: str) -> None:
        client.delete_bucket_encryption(Bucket=name)


class BucketPublicAccessBlock(BucketSetting):
    """What cannot be made public, whatever the bucket's policy and its objects' access lists say."""

    token = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
    title = "S3 Bucket Public Access Block"
    inputs = fields(
        blockPublicAcls=Input(BOOLEAN, default=False),
        blockPublicPolicy=Input(BOOLEAN, default=False),
        ignorePublicAcls=Input(BOOLEAN, default=False),
        restrictPublicBuckets=Input(BOOLEAN, default=False),
        **BUCKET,
    )
    absent = ("NoSuchPublicAccessBlockConfiguration",)

    def put(self, client: Any, inputs: Properties) -> None:
        block = {upper_first(name): value for name, value in inputs.items() if isinstance(value, bool)}
        client.put_public_access_block(Bucket=inputs["bucket"], PublicAccessBlockConfiguration=block)

    def get(self, client: Any, name: str) -> Properties:
        found = client.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
        return {lower_first(key): value for key, value in found.items()}

    def remove(self, client: Any, name: str) -> None:
        client.delete_public_access_block(Bucket=name)


class BucketOwnershipControls(BucketSetting):
    """Who owns objects that other accounts write."""

    token = "aws:s3/bucketOwnershipControls:BucketOwnershipControls"
    title = "S3 Bucket Ownership Controls"
    inputs = fields(rule=Input(ObjectOf(fields(objectOwnership=Input(TEXT, required=True))), required=True), **BUCKET)
    absent = ("OwnershipControlsNotFoundError",)

    def put(self, client: Any, inputs: Properties) -> None:
        rules = to_aws([inputs["rule"]], {})
        client.put_bucket_ownership_controls(Bucket=inputs["bucket"], OwnershipControls={"Rules": rules})

    def get(self, client: Any, name: str) -> Properties:
        rules = client.get_bucket_ownership_controls(Bucket=name)["OwnershipControls"]["Rules"]
        return {"rule": from_aws(rules, {})[0]}

    def remove(self, client: Any, name: str) -> None:
        client.delete_bucket_ownership_controls(Bucket=name)


_LIFECYCLE_RULE = fields(
    id=Input(TEXT, required=True),
    status=Input(TEXT, required=True),
    filter=Input(ObjectOf(fields(prefix=Input(TEXT)))),
    expiration=Input(ObjectOf(fields(days=Input(INTEGER)))),
    noncurrentVersionExpiration=Input(ObjectOf(fields(noncurrentDays=Input(INTEGER, required=True)))),
    abortIncompleteMultipartUpload=Input(ObjectOf(fields(daysAfterInitiation=Input(INTEGER)))),
)


class BucketLifecycleConfiguration(BucketSetting):
    """When objects and their old versions are deleted."""

    token = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
    title = "S3 Bucket Lifecycle Configuration"
    inputs = fields(rules=Input(ListOf(ObjectOf(_LIFECYCLE_RULE))), **BUCKET)
    absent = ("NoSuchLifecycleConfiguration",)

    def put(self, client: Any, inputs: Properties) -> None:
        rules = to_aws(inputs.get("rules", []), _RENAMED)
        client.put_bucket_lifecycle_configuration(
            Bucket=inputs["bucket"], LifecycleConfiguration={"Rules": [{"Filter": {"Prefix": ""}} | r for r in rules]}
        )

    def get(self, client: Any, name: str) -> Properties:
        rules = client.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
        return {"rules": from_aws(rules, _RENAMED)}

    def remove(self, client: Any, name: str) -> None:
        client.delete_bucket_lifecycle(Bucket=name)


class BucketPolicy(BucketSetting):
    """The bucket's policy, in addition to identities' own policies."""

    token = "aws:s3/bucketPolicy:BucketPolicy"
    title = "S3 Bucket Policy"
    inputs = fields(policy=Input(JSON, required=True), **BUCKET)
    absent = ("NoSuchBucketPolicy",)

    def put(self, client: Any, inputs: Properties) -> None:
        client.put_bucket_policy(Bucket=inputs["bucket"], Policy=inputs["policy"])

    def get(self, client: Any, name: str) -> Properties:
        return {"policy": client.get_bucket_policy(Bucket=name)["Policy"]}

    def remove(self, client: Any, name: str) -> None:
        client.delete_bucket_policy(Bucket=name)


_RENAMED = {"id": "ID", "sseAlgorithm": "SSEAlgorithm", "kmsMasterKeyId": "KMSMasterKeyID"}
"""AWS's names that differ in more than the case of the first letter, by the input's name."""


def to_aws(value: Any, renamed: Mapping[str, str]) -> Any:
    """Nested inputs, with AWS's names."""
    if isinstance(value, list):
        return [to_aws(each, renamed) for each in value]
    if isinstance(value, Mapping):
        return {renamed.get(name, upper_first(name)): to_aws(each, renamed) for name, each in value.items()}
    return value


def from_aws(value: Any, renamed: Mapping[str, str]) -> Any:
    """AWS's answer, with the inputs' names."""
    back = {theirs: ours for ours, theirs in renamed.items()}
    if isinstance(value, list):
        return [from_aws(each, renamed) for each in value]
    if isinstance(value, Mapping):
        return {back.get(name, lower_first(name)): from_aws(each, renamed) for name, each in value.items()}
    return value
