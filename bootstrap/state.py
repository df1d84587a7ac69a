"""The bucket for the state of Pulumi's stacks, and the key for their secrets."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from program.buckets import close, only_tls
from program.policies import document

KEPT_DAYS = 90
"""How long old versions of states are kept: long enough to go back to one, but not forever."""

NAME = "monitoring-state"


class State(pulumi.ComponentResource):
    """The state bucket, and the key for the secrets in it.

    Produces, all protected:
    - a bucket (auto-named, so that no other account has its name): closed to the public, owned by its account alone,
      versioned, encrypted with the key, reached over TLS only; old versions are deleted after 90 days. Its policy lets
      no one delete the bucket, or versions of its objects.
    - a KMS key, rotated every year, with an alias; it can be recovered for 30 days after deletion. Its policy
      delegates to the account's IAM policies (docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html).

    Attributes: bucket (its name), bucket_arn, key_arn, secrets_provider and backend in Pulumi's form.
    """

    def __init__(self, account: str, partition: str, region: str, opts: pulumi.ResourceOptions) -> None:
        super().__init__("monitoring:bootstrap:State", NAME, None, opts)
        kept = pulumi.ResourceOptions(parent=self, protect=True)
        key = aws.kms.Key(
            NAME,
            description="Encrypts the states of Pulumi's stacks, and the secrets in them",
            deletion_window_in_days=30,
            enable_key_rotation=True,
            policy=_by_iam(f"arn:{partition}:iam::{account}:root"),
            opts=kept,
        )
        alias = aws.kms.Alias(NAME, name=f"alias/{NAME}", target_key_id=key.key_id, opts=kept)
        bucket = aws.s3.Bucket(NAME, opts=kept)
        self._secure(bucket, key)
        self.bucket: pulumi.Output[str] = bucket.bucket
        self.bucket_arn: pulumi.Output[str] = bucket.arn
        self.key_arn: pulumi.Output[str] = key.arn
        # pulumi.com/docs/iac/concepts/state-and-backends and /secrets
        self.backend = pulumi.Output.format("s3://{0}?region={1}", bucket.bucket, region)
        self.secrets_provider = pulumi.Output.format("awskms://{0}?region={1}", alias.name, region)
        self.register_outputs({"bucket": self.bucket})

    def _secure(self, bucket: aws.s3.Bucket, key: aws.kms.Key) -> None:
        child = pulumi.ResourceOptions(parent=self)
        block, versioning = close(NAME, bucket, key.arn, child)
        aws.s3.BucketPolicy(
            NAME,
            bucket=bucket.bucket,
            policy=bucket.arn.apply(_kept),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[block]),
        )
        aws.s3.BucketLifecycleConfiguration(
            NAME,
            bucket=bucket.bucket,
            rules=[_old_versions()],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[versioning]),
        )


class Kept(pulumi.ComponentResource):
    """The resource that makes `pulumi destroy` fail before it deletes anything.

    Pulumi checks a resource's protection only when it is about to delete it. Without a preview (`--skip-preview`), the
    roles would be gone by then, and all workflows would fail. This resource depends on everything, so it is deleted
    first.
    """

    def __init__(self, everything: Sequence[pulumi.Resource]) -> None:
        # Its name appears in Pulumi's refusal.
        opts = pulumi.ResourceOptions(depends_on=list(everything), protect=True)
        super().__init__("monitoring:bootstrap:Kept", "states-of-all-stacks-and-their-key", None, opts)
        self.register_outputs({})


def _by_iam(root: str) -> str:
    return document({"Sid": "ByIam", "Effect": "Allow", "Principal": {"AWS": root}, "Action": "kms:*", "Resource": "*"})


def _kept(arn: str) -> str:
    return document(
        only_tls(arn),
        {
            "Sid": "NobodyDeletes",
            "Effect": "Deny",
            "Principal": "*",
            "Action": ["s3:DeleteBucket", "s3:DeleteObjectVersion"],
            "Resource": [arn, f"{arn}/*"],
        },
    )


def _old_versions() -> aws.s3.BucketLifecycleConfigurationRuleArgs:
    return aws.s3.BucketLifecycleConfigurationRuleArgs(
        id="old-versions",
        status="Enabled",
        filter=aws.s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=""),
        noncurrent_version_expiration=aws.s3.BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs(
            noncurrent_days=KEPT_DAYS
        ),
        abort_incomplete_multipart_upload=aws.s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(
            days_after_initiation=1
        ),
    )
