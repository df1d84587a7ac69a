"""Rules about parameters and buckets."""

from __future__ import annotations

import json
from typing import Any

from tests.components.conftest import Run, statements
from tests.components.hardening.rule import Find, each, label, listed, made, program, rule, within

BLOCKS = {
    "CKV_AWS_53": "blockPublicAcls",
    "CKV_AWS_54": "blockPublicPolicy",
    "CKV_AWS_55": "ignorePublicAcls",
    "CKV_AWS_56": "restrictPublicBuckets",
}


def bucket(*others: Any) -> Run:
    """A program with a bucket and these resources."""
    return program(made("Bucket", "b"), *others)


def next_to_it(kinds: str, holds: Any = lambda _: True) -> Find:
    """Finds buckets that no resource of these types configures in a way that meets the condition."""

    def find(run: Run) -> list[str]:
        named = {
            r.inputs.get("bucket")
            for kind in kinds.split()
            for suffix in ("", "V2")
            for r in run.all(kind + suffix)
            if r.inputs.get("bucket") and holds(r.inputs)
        }
        return [label(r) for r in buckets(run) if not named & {f"{label(r)}-{r.name}", r.name, r.inputs.get("bucket")}]

    return find


def buckets(run: Run) -> list[Any]:
    """Every bucket, of both generations of the provider's resource."""
    return [r for kind in ("Bucket", "BucketV2") for r in run.all(kind) if r.type.startswith("aws:")]


def encrypted_with(*algorithms: str) -> Find:
    """Finds buckets whose default encryption is none of these."""

    def holds(inputs: dict[str, Any]) -> bool:
        return any(
            within(r, "applyServerSideEncryptionByDefault", "sseAlgorithm") in algorithms
            for r in listed(inputs["rules"])
        )

    return next_to_it("BucketServerSideEncryptionConfiguration", holds)


def _refuses_plain_http(policy: str) -> bool:
    return any(
        s["Effect"] == "Deny" and within(s, "Condition", "Bool", "aws:SecureTransport") in ("false", False, ["false"])
        for s in statements(policy)
    )


def _allows_anybody(policy: str) -> bool:
    return any(
        s["Effect"] == "Allow" and ("*" in listed(s["Principal"]) or "*" in listed(within(s, "Principal", "AWS")))
        for s in statements(policy)
    )


def policy(effect: str, principal: Any, **more: Any) -> Any:
    """A bucket's policy with one statement."""
    statement = {"Effect": effect, "Principal": principal, "Action": "s3:*", "Resource": "*", **more}
    return made("BucketPolicy", bucket="b", policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))


def _algorithm(name: str) -> Any:
    rules = [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": name}}]
    return made("BucketServerSideEncryptionConfiguration", bucket="b", rules=rules)


PARAMETERS = [
    rule(
        "CKV2_AWS_34",
        "parameters are encrypted",
        each("Parameter", lambda p: p.get("type") == "SecureString"),
        program(made("Parameter", type="String")),
    ),
    rule(
        "CKV_AWS_337",
        "parameters are encrypted with a customer-managed key",
        each("Parameter", lambda p: p.get("keyId") and p["keyId"] != "alias/aws/ssm"),
        program(made("Parameter", type="SecureString", keyId="alias/aws/ssm")),
    ),
]

BUCKETS = [
    *(
        rule(
            f"{id_} CKV2_AWS_6 s3_bucket_level_public_access_block",
            f"the bucket is closed to the public ({key})",
            next_to_it("BucketPublicAccessBlock", lambda block, key=key: block.get(key) is True),
            bucket(
                made("BucketPublicAccessBlock", bucket="b", **(dict.fromkeys(BLOCKS.values(), True) | {key: False}))
            ),
        )
        for id_, key in BLOCKS.items()
    ),
    rule(
        "CKV_AWS_19 s3_bucket_default_encryption",
        "the bucket is encrypted",
        encrypted_with("AES256", "aws:kms", "aws:kms:dsse"),
        bucket(),
    ),
    rule(
        "CKV_AWS_145 s3_bucket_kms_encryption",
        "the bucket is encrypted with a KMS key",
        encrypted_with("aws:kms", "aws:kms:dsse"),
        bucket(_algorithm("AES256")),
    ),
    rule(
        "CKV_AWS_21 s3_bucket_object_versioning",
        "overwritten or deleted objects can be restored",
        next_to_it("BucketVersioning", lambda v: within(v, "versioningConfiguration", "status") == "Enabled"),
        bucket(made("BucketVersioning", bucket="b", versioningConfiguration={"status": "Suspended"})),
    ),
    rule(
        "CKV2_AWS_61 s3_bucket_lifecycle_enabled",
        "old objects expire",
        next_to_it("BucketLifecycleConfiguration"),
        bucket(),
    ),
    rule(
        "CKV_AWS_300",
        "unfinished uploads expire",
        next_to_it(
            "BucketLifecycleConfiguration",
            lambda c: any(within(r, "abortIncompleteMultipartUpload") for r in listed(c.get("rules"))),
        ),
        bucket(made("BucketLifecycleConfiguration", bucket="b", rules=[{"id": "old", "status": "Enabled"}])),
    ),
    rule(
        "CKV2_AWS_65 s3_bucket_acl_prohibited CKV_AWS_20 CKV_AWS_57",
        "access is granted by policies alone, not by access control lists",
        next_to_it("BucketOwnershipControls", lambda c: within(c, "rule", "objectOwnership") == "BucketOwnerEnforced"),
        bucket(made("BucketOwnershipControls", bucket="b", rule={"objectOwnership": "ObjectWriter"})),
    ),
    rule(
        "CKV_AWS_379 s3_bucket_secure_transport_policy",
        "the bucket answers over TLS only",
        next_to_it("BucketPolicy", lambda p: _refuses_plain_http(p["policy"])),
        bucket(policy("Allow", {"AWS": "arn:aws:iam::111122223333:role/one"})),
    ),
    rule(
        "CKV_AWS_70 s3_bucket_public_access s3_bucket_policy_public_write_access",
        "the bucket's policy allows nothing to the public",
        each("BucketPolicy", lambda p: not _allows_anybody(p["policy"])),
        bucket(policy("Allow", "*")),
    ),
    rule(
        "CKV_AWS_18 s3_bucket_server_access_logging_enabled",
        "access to the bucket is logged",
        next_to_it("BucketLogging"),
        bucket(),
    ),
    rule(
        "CKV_AWS_144 s3_bucket_cross_region_replication",
        "the bucket is copied to another region",
        next_to_it("BucketReplicationConfig"),
        bucket(),
    ),
    rule(
        "CKV2_AWS_62 s3_bucket_event_notifications_enabled",
        "the bucket sends notifications of events",
        next_to_it("BucketNotification"),
        bucket(),
    ),
    rule(
        "CKV_AWS_143 s3_bucket_object_lock",
        "objects cannot be deleted before a set time (object lock)",
        next_to_it("BucketObjectLockConfiguration"),
        bucket(),
    ),
]

RULES = [*PARAMETERS, *BUCKETS]
