"""The bucket for the server's backups, and what the server may do there."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
import pulumi_aws as aws

from program.buckets import close, only_tls
from program.naming import machine
from program.policies import document, with_key
from settings import Settings
from settings.backups import origin


class Backups(pulumi.ComponentResource):
    """A private bucket for backups; the server's role may add to it and read from it, but delete nothing.

    Produces: the bucket (auto-named; protected with `protect`, otherwise deleted with its contents), closed to the
    public, owned by its account alone, versioned, encrypted (with `key`, or S3's own), reached over TLS only, with a
    lifecycle: backups and old versions expire after `keep` days each. The role's policy: PutObject and GetObject below
    STACK/, and ListBucket with that prefix; if `restoreFrom` names another bucket, also reading there; use of the key.

    key: ARN of `kmsKey`.

    Attributes: bucket, its name ("" when backups are off); restore_from, BUCKET/STACK/ID or "" (see
    userdata/server/restore.sh). Both are known only once the role has its permissions.
    """

    def __init__(
        self,
        name: str,
        settings: Settings,
        role: pulumi.Output[str],
        partition: str,
        opts: pulumi.ResourceOptions,
        *,
        key: str | None = None,
    ) -> None:
        super().__init__("monitoring:index:Backups", name, None, opts)
        self._name, self._child = name, pulumi.ResourceOptions(parent=self)
        stack, source = pulumi.get_stack(), origin(settings.restore_from or "")
        made = self._bucket(settings, key) if settings.backups.enabled else None
        rights: list[pulumi.Input[Mapping[str, object]]] = []
        if made:
            rights += [made.arn.apply(lambda arn: _objects(arn, stack, "s3:PutObject", "s3:GetObject"))]
            rights += [made.arn.apply(lambda arn: _listing(arn, stack))]
            if key:
                rights += [made.arn.apply(lambda arn: _encrypting(key, arn, "GenerateDataKey", "Decrypt"))]
        if source.bucket:
            arn = f"arn:{partition}:s3:::{source.bucket}"
            rights += [_objects(arn, source.stack, "s3:GetObject"), _listing(arn, source.stack)]
            rights += [_encrypting(key, arn, "Decrypt")] if key else []
        own: pulumi.Output[str] = made.bucket if made else pulumi.Output.from_input("")
        if rights:
            granted = pulumi.Output.all(*rights).apply(lambda found: document(*found))
            policy = aws.iam.RolePolicy(name, name="backups", role=role, policy=granted, opts=self._child)
            own = pulumi.Output.all(own, policy.id).apply(lambda known: str(known[0]))
        self.bucket = own
        self.restore_from: pulumi.Output[str] = own.apply(
            lambda bucket: (
                f"{source.bucket or bucket}/{source.stack or stack}/{source.backup}" if settings.restore_from else ""
            )
        )
        self.register_outputs({"bucket": self.bucket})

    def _bucket(self, settings: Settings, key: str | None) -> aws.s3.Bucket:
        name, child = self._name, self._child
        bucket = aws.s3.Bucket(
            f"{machine()}-{name}".lower().replace("_", "-"),
            force_destroy=not settings.protect,
            tags={"Name": f"{machine()}-{name}"},
            opts=pulumi.ResourceOptions(parent=self, protect=settings.protect),
        )
        block, versioning = close(name, bucket, key, child)
        aws.s3.BucketPolicy(
            name,
            bucket=bucket.bucket,
            policy=bucket.arn.apply(lambda arn: document(only_tls(arn))),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[block]),
        )
        aws.s3.BucketLifecycleConfiguration(
            name,
            bucket=bucket.bucket,
            rules=[_expiry(settings.backups.keep)],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[versioning]),
        )
        return bucket


def _objects(arn: str, stack: str, *actions: str) -> dict[str, object]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": f"{arn}/{stack}/*"}


def _listing(arn: str, stack: str) -> dict[str, object]:
    prefix = {"StringLike": {"s3:prefix": f"{stack}/*"}}
    return {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": arn, "Condition": prefix}


def _encrypting(key: str, arn: str, *actions: str) -> dict[str, object]:
    """S3 names the bucket if that has a bucket key, as here, and the object otherwise (docs.aws.amazon.com/
    AmazonS3/latest/userguide/bucket-key.html, "Changes to note before enabling")."""
    return with_key(key, "s3", ("aws:s3:arn", [arn, f"{arn}/*"]), *actions)


def _expiry(days: int) -> aws.s3.BucketLifecycleConfigurationRuleArgs:
    """Old backups become old versions, old versions are deleted; S3 itself removes the delete markers that are left."""
    return aws.s3.BucketLifecycleConfigurationRuleArgs(
        id="expire",
        status="Enabled",
        filter=aws.s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=""),
        expiration=aws.s3.BucketLifecycleConfigurationRuleExpirationArgs(days=days),
        noncurrent_version_expiration=aws.s3.BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs(
            noncurrent_days=days
        ),
        abort_incomplete_multipart_upload=aws.s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(
            days_after_initiation=1
        ),
    )
