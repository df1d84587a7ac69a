"""What every bucket has, whatever it contains."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws


def close(
    name: str, bucket: aws.s3.Bucket, key: pulumi.Input[str] | None, child: pulumi.ResourceOptions
) -> tuple[pulumi.Resource, pulumi.Resource]:
    """Block public access; make the account own all objects; encrypt them and keep their old versions.

    key: ARN of the KMS key; None: S3's own keys. Returns the public access block and the versioning. A bucket policy
    must wait for the former (AWS reports a conflict if both are set at once), rules on old versions for the latter.
    """
    block = aws.s3.BucketPublicAccessBlock(
        name,
        bucket=bucket.bucket,
        block_public_acls=True,
        block_public_policy=True,
        ignore_public_acls=True,
        restrict_public_buckets=True,
        opts=child,
    )
    aws.s3.BucketOwnershipControls(
        name,
        bucket=bucket.bucket,
        rule=aws.s3.BucketOwnershipControlsRuleArgs(object_ownership="BucketOwnerEnforced"),
        opts=child,
    )
    versioning = aws.s3.BucketVersioning(
        name,
        bucket=bucket.bucket,
        versioning_configuration=aws.s3.BucketVersioningVersioningConfigurationArgs(status="Enabled"),
        opts=child,
    )
    by_default = aws.s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
        sse_algorithm="aws:kms" if key else "AES256", kms_master_key_id=key
    )
    aws.s3.BucketServerSideEncryptionConfiguration(
        name,
        bucket=bucket.bucket,
        rules=[
            aws.s3.BucketServerSideEncryptionConfigurationRuleArgs(
                apply_server_side_encryption_by_default=by_default, bucket_key_enabled=key is not None
            )
        ],
        opts=child,
    )
    return block, versioning


def only_tls(arn: str) -> dict[str, object]:
    """The statement of a bucket's policy that refuses requests without TLS."""
    return {
        "Sid": "OnlyOverTls",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
