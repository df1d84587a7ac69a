"""The two roles' permissions on stacks' own KMS keys (`kmsKey`), which the bootstrap's settings list.

Never directly: only through the service whose resources the key encrypts (docs.aws.amazon.com/kms/latest/
developerguide/conditions-kms.html, kms:ViaService).
"""

from __future__ import annotations

from bootstrap.account import Account, Statement, allow

VIA = "kms:ViaService"


def _parameters(account: Account) -> dict[str, object]:
    """Through the parameter store, for stacks' own parameters (docs.aws.amazon.com/systems-manager/latest/userguide/
    secure-string-parameter-kms-encryption.html)."""
    return {"StringLike": {VIA: "ssm.*.amazonaws.com", "kms:EncryptionContext:PARAMETER_ARN": account.parameters}}


def reading(account: Account) -> list[Statement]:
    """What a preview and drift detection need; both roles may. The provider decrypts parameters to compare them."""
    if not account.keys:
        return []
    return [
        allow("LookAtKeys", list(account.keys), "kms:DescribeKey"),
        allow("ReadWithKeys", list(account.keys), "kms:Decrypt", Condition=_parameters(account)),
    ]


def changing(account: Account) -> list[Statement]:
    """What `pulumi up` needs on top of `reading`: parameters, and volumes
    (docs.aws.amazon.com/ebs/latest/userguide/ebs-encryption-requirements.html). Backups are encrypted by the server."""
    if not account.keys:
        return []
    ec2, keys = {VIA: "ec2.*.amazonaws.com"}, list(account.keys)
    return [
        allow("WriteWithKeys", keys, "kms:Encrypt", "kms:GenerateDataKey", Condition=_parameters(account)),
        allow(
            "EncryptWithKeys",
            keys,
            "kms:Decrypt",
            "kms:GenerateDataKeyWithoutPlaintext",
            "kms:ReEncryptFrom",
            "kms:ReEncryptTo",
            Condition={"StringLike": ec2},
        ),
        allow(
            "LendKeys",
            keys,
            "kms:CreateGrant",
            Condition={"StringLike": ec2, "Bool": {"kms:GrantIsForAWSResource": "true"}},
        ),
    ]
