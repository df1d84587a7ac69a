"""The stack's own KMS key, looked up before anything is created."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from program.lookups import RefusedError, look_up
from settings import Settings

SYMMETRIC = ("ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT")
"""The only usage and kind of key that EBS, the parameter store and S3 accept (docs.aws.amazon.com/kms/latest/
developerguide/symm-asymm-choose-key-spec.html)."""

STATES = {
    "Disabled": "is disabled; enable it: aws kms enable-key --key-id {key} --region {region}",
    "PendingDeletion": "is scheduled for deletion; keep it: aws kms cancel-key-deletion --key-id {key} "
    "--region {region}, then enable-key",
}
"""docs.aws.amazon.com/kms/latest/developerguide/key-state.html"""


def find_key(settings: Settings, opts: pulumi.InvokeOptions) -> str | None:
    """The key's ARN, whatever names it; None without `kmsKey`.

    Raises pulumi.RunError when the region has no such key, when the identity that runs Pulumi may not describe it, and
    when it cannot be used: it is disabled, pending deletion, asymmetric, or AWS's own.
    """
    given = settings.kms_key
    if given is None:
        return None
    said = f"monitoring:kmsKey = {given}:"
    try:
        key = look_up(aws.kms.get_key, opts, key_id=given)
    except RefusedError as error:
        if "NotFoundException" in error.said:
            raise pulumi.RunError(
                f"{said} there is no such key in {settings.region}; write its ARN or alias as `aws kms list-aliases "
                f"--region {settings.region}` shows it"
            ) from None
        if "AccessDenied" in error.said:
            raise pulumi.RunError(
                f"{said} this identity may not describe it; allow it kms:DescribeKey on the key, with what "
                "docs/security.md lists, and make sure that the key's policy delegates to IAM: a statement that allows "
                "kms:* to arn:aws:iam::ACCOUNT:root"
            ) from None
        raise
    if key.key_manager == "AWS":
        raise pulumi.RunError(f"{said} is AWS's own key for one service; write a key that you created, or leave it out")
    if (key.key_usage, key.key_spec) != SYMMETRIC:
        raise pulumi.RunError(
            f"{said} is for {key.key_usage} with {key.key_spec}; write a symmetric key that encrypts and decrypts, as "
            "`aws kms create-key` creates it"
        )
    if key.key_state != "Enabled":
        state = STATES.get(key.key_state, "is in the state {state}; write one that is enabled")
        instead = state.format(key=key.arn, region=settings.region, state=key.key_state)
        raise pulumi.RunError(f"{said} {instead}")
    return key.arn
