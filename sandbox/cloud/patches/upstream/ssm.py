"""Parameters' sizes and keys."""

from __future__ import annotations

from typing import Any

from moto.ssm.exceptions import SSMException, ValidationException
from moto.ssm.models import Parameter, SimpleSystemManagerBackend

from sandbox.cloud.kms_resources import AWS_MANAGED, UnusableKeyError, usable
from sandbox.cloud.patches.registry import patch

STANDARD_BYTES, ADVANCED_BYTES = 4096, 8192
"""docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html"""

DEFAULT_KEY = "alias/aws/ssm"


def tier_of(requested: str, value: str) -> str:
    """The tier that a parameter gets: intelligent tiering chooses by its size."""
    if requested != "Intelligent-Tiering":
        return requested
    return "Advanced" if len(value.encode()) > STANDARD_BYTES else "Standard"


@patch(SimpleSystemManagerBackend, "put_parameter", source="b5187c4a")
def put_parameter(
    original: Any, self: Any, name: str, description: str, value: str, *arguments: Any, **named: Any
) -> Any:
    """AWS: a standard parameter holds 4 KiB, an advanced one 8 KiB; intelligent tiering chooses. moto: no limit.

    AWS: a secret needs a usable key; if it is overwritten without naming one, the account's default key is used
    (API_PutParameter, KeyId). moto: accepts any text as a key, and an overwritten parameter keeps its own.
    """
    before = self._parameters[name][-1] if name in self._parameters else None
    size = len(str(value).encode())
    tier = tier_of(named.get("tier") or (before.tier if before else None) or "Standard", str(value))
    if named.get("tier"):
        named["tier"] = tier
    if tier == "Standard" and size > STANDARD_BYTES:
        raise ValidationException(
            f"Standard tier parameters support a maximum parameter value of {STANDARD_BYTES} characters. To "
            "create a larger parameter value, upgrade the parameter to use the advanced-parameter tier. For more "
            "information, see https://docs.aws.amazon.com/systems-manager/latest/userguide/"
            "parameter-store-advanced-parameters.html"
        )
    if size > ADVANCED_BYTES:
        raise ValidationException(
            f"Advanced tier parameters support a maximum parameter value of {ADVANCED_BYTES} characters."
        )
    kind, pattern, key, *rest = arguments
    if kind == "SecureString":
        key = key or DEFAULT_KEY
        _refuse(key, self.region_name)
    return original(self, name, description, value, kind, pattern, key, *rest, **named)


@patch(Parameter, "response_object", source="aaa13335")
def response_object(original: Any, self: Any, decrypt: Any = None, region: str | None = None) -> Any:
    """AWS: a secret whose key is disabled cannot be read. moto: it can."""
    if decrypt and region and self.parameter_type == "SecureString":
        _refuse(self.keyid, region)
    return original(self, bool(decrypt), region)


def _refuse(key: str, region: str) -> None:
    if key.startswith(AWS_MANAGED):
        return
    try:
        usable(key, region)
    except UnusableKeyError as error:
        raise SSMException("InvalidKeyId", f"{error} (Service: AWSKMS; Error Code: {error.code})") from None
