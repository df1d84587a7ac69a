"""KMS keys, and EC2's volumes that use them. For parameters, see ssm.py."""

from __future__ import annotations

from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.elastic_block_store import EBSBackend
from moto.kms.models import KmsBackend

from sandbox.cloud.kms_resources import UnusableKeyError, usable
from sandbox.cloud.patches.registry import patch


@patch(KmsBackend, "encrypt", source="bc36789d")
def encrypt(original: Any, self: Any, key_id: str, *arguments: Any, **named: Any) -> Any:
    """AWS: a key that is disabled or pending deletion does not encrypt (nor create data keys). moto: it does."""
    _refuse(self, key_id)
    return original(self, key_id, *arguments, **named)


@patch(KmsBackend, "decrypt", source="52b413fa")
def decrypt(original: Any, self: Any, *arguments: Any, **named: Any) -> Any:
    """AWS: a key that is disabled or pending deletion does not decrypt. moto: it does."""
    plain, arn = original(self, *arguments, **named)
    _refuse(self, arn)
    return plain, arn


def _refuse(backend: Any, named: str) -> None:
    key = backend.keys[backend.any_id_to_key_id(named)]
    if key.key_state == "Enabled":
        return
    try:
        usable(named, backend.region_name)
    except UnusableKeyError as error:
        raise JsonRESTError(error.code, str(error)) from None


@patch(EBSBackend, "create_volume", source="0cd08b06")
def create_volume(original: Any, self: Any, *arguments: Any, **named: Any) -> Any:
    """AWS: creates no volume with a key that is missing, of another region, asymmetric, disabled or pending deletion,
    and returns the key's ARN. moto: accepts any text.

    On EC2, the request succeeds, and the volume, or the instance, disappears after a moment (API_CreateVolume,
    KmsKeyId; docs: "Troubleshoot instance launch issues", Client.InternalError). Here the request is refused.
    """
    if named.get("kms_key_id"):
        try:
            named["kms_key_id"] = usable(named["kms_key_id"], self.region_name)
        except UnusableKeyError as error:
            raise EC2ClientError("InvalidParameterValue", f"{error.code}: {error}") from None
    return original(self, *arguments, **named)
