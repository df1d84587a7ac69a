"""Buckets: aws.s3.Bucket. A bucket's settings are separate resources (bucket_settings)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from sandbox.plugins.aws.resource import REGIONAL, TAGGED, TAGS, TaggedResource, or_gone, tag_list
from sandbox.plugins.base import BOOLEAN, TEXT, Failure, Input, Output, Properties, fields

GONE = ("NoSuchBucket", "404")
NAME = re.compile(r"(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
"""docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html"""

CLASSIC_REGION = "us-east-1"
"""The only region that must not be given to CreateBucket."""


class Bucket(TaggedResource):
    """A bucket. With `forceDestroy` it is emptied before it is deleted, including all versions."""

    token = "aws:s3/bucket:Bucket"
    title = "S3 Bucket"
    inputs = fields(
        bucket=Input(TEXT, auto_name=True, replaces=True),
        forceDestroy=Input(BOOLEAN, default=False),
        **TAGS,
        **REGIONAL,
    )
    outputs = fields(
        bucketDomainName=Output(),
        bucketRegion=Output(),
        bucketRegionalDomainName=Output(),
        **TAGGED,
    )

    def check(self, inputs: Properties) -> Iterable[Failure]:
        name = inputs.get("bucket")
        if isinstance(name, str) and not NAME.fullmatch(name):
            yield Failure("bucket", f"invalid bucket name {name}: 3 to 63 lowercase letters, digits, dots and hyphens")

    def create(self, inputs: Properties) -> tuple[str, Properties]:
        client, name, region = self.api("s3", inputs), inputs["bucket"], self.region(inputs)
        where = {} if region == CLASSIC_REGION else {"LocationConstraint": region}
        client.create_bucket(Bucket=name, **({"CreateBucketConfiguration": where} if where else {}))
        if self.all_tags(inputs):
            client.put_bucket_tagging(Bucket=name, Tagging={"TagSet": self.tag_list(inputs)})
        return name, self.read(name, inputs) or {}

    def read(self, id_: str, state: Properties) -> Properties | None:
        client, region = self.api("s3", state), self.region(state)
        if or_gone(lambda: client.head_bucket(Bucket=id_), *GONE) is None:
            return None
        tags = or_gone(lambda: client.get_bucket_tagging(Bucket=id_), "NoSuchTagSet")
        return {
            "arn": f"arn:aws:s3:::{id_}",
            "bucket": id_,
            "bucketDomainName": f"{id_}.s3.amazonaws.com",
            "bucketRegion": region,
            "bucketRegionalDomainName": f"{id_}.s3.{region}.amazonaws.com",
            "region": region,
            **self.tags_out(tags["TagSet"] if tags else [], state),
        }

    def update(self, id_: str, old: Properties, new: Properties) -> Properties:
        client, tags = self.api("s3", new), self.all_tags(new)
        if tags and tags != old.get("tagsAll"):
            client.put_bucket_tagging(Bucket=id_, Tagging={"TagSet": tag_list(tags)})
        elif not tags:
            client.delete_bucket_tagging(Bucket=id_)
        return self.read(id_, new) or {}

    def delete(self, id_: str, state: Properties) -> None:
        client = self.api("s3", state)
        if state.get("forceDestroy"):
            or_gone(lambda: self._empty(client, id_), *GONE)
        or_gone(lambda: client.delete_bucket(Bucket=id_), *GONE)

    def _empty(self, client: Any, name: str) -> None:
        pages = client.get_paginator("list_object_versions").paginate(Bucket=name)
        for number, page in enumerate(pages):
            listed = page.get("Versions", []) + page.get("DeleteMarkers", [])
            objects = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in listed]
            if objects:
                self.status(f"emptying the bucket ({number * 1000 + len(objects)} objects)")
                client.delete_objects(Bucket=name, Delete={"Objects": objects, "Quiet": True})
