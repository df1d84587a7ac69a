"""The defaults of a new bucket, and what a bucket with suspended versioning deletes."""

from __future__ import annotations

from typing import Any

from moto.s3.models import PublicAccessBlock, S3Backend

from sandbox.cloud.patches.registry import patch

ENCRYPTED = {"Rule": {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": "false"}}
"""The default encryption of every bucket since January 2023 (userguide/default-encryption-faq.html)."""


@patch(S3Backend, "create_bucket", source="f7ecc576")
def create_bucket(original: Any, self: Any, *arguments: Any, **named: Any) -> Any:
    """AWS: a new bucket blocks public access, belongs to its owner alone and is encrypted. moto: it has no settings."""
    made = original(self, *arguments, **named)
    made.public_access_block = PublicAccessBlock(True, True, True, True)
    # moto stores a plain string, despite its annotation.
    made.ownership_rule = "BucketOwnerEnforced"
    made.encryption = ENCRYPTED
    return made


@patch(S3Backend, "delete_bucket_encryption", source="7b2702d1")
def delete_bucket_encryption(original: Any, self: Any, bucket_name: str) -> None:
    """AWS: restores the default encryption. moto: leaves none."""
    original(self, bucket_name)
    self.get_bucket(bucket_name).encryption = ENCRYPTED


@patch(S3Backend, "delete_object", source="5c1677b5")
def delete_object(original: Any, self: Any, bucket_name: str, *arguments: Any, **named: Any) -> Any:
    """AWS: a bucket with suspended versioning keeps its versions, and deletes one only if the request names it.

    moto: deletes all of them, and fails if one is a delete marker.
    """
    bucket = self.get_bucket(bucket_name)
    before = bucket.versioning_status
    bucket.versioning_status = "Enabled" if before == "Suspended" else before
    try:
        return original(self, bucket_name, *arguments, **named)
    finally:
        bucket.versioning_status = before
