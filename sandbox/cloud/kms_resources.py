"""The keys that a request to KMS is authorized against, and their own policies.

docs.aws.amazon.com/service-authorization/latest/reference/list_awskeymanagementservice.html and
docs.aws.amazon.com/kms/latest/developerguide/key-policies.html
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from moto.kms.models import kms_backends
from moto.kms.utils import _deserialize_ciphertext_blob

from sandbox.cloud import ACCOUNT, policies
from sandbox.cloud.identities import Identity
from sandbox.cloud.permission import ENCRYPTION_CONTEXT, Permission
from sandbox.cloud.policies import Verdict

KEYLESS = frozenset({"CreateKey", "ListAliases", "ListKeys", "GenerateRandom"})
"""Actions that need no key."""

AWS_MANAGED = "alias/aws/"
"""Prefix of the aliases of keys that AWS manages. Everyone in the account may use these through their service."""


class UnusableKeyError(Exception):
    """A key cannot encrypt or decrypt. code: KMS's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def needed(response: Any, action: str) -> Iterator[Permission]:
    """The permissions that a request needs. response: moto's, which holds the request. action: without `kms:`."""
    if action in KEYLESS:
        yield Permission(f"kms:{action}", "*")
        return
    alias = response._get_param("AliasName")
    if alias:
        yield Permission(f"kms:{action}", f"arn:aws:kms:{response.region}:{ACCOUNT}:{alias}")
    named = response._get_param("TargetKeyId") or response._get_param("KeyId") or alias
    blob = response._get_param("CiphertextBlob")
    if not named and blob:
        raw = blob if isinstance(blob, bytes) else base64.b64decode(blob)
        named = _deserialize_ciphertext_blob(raw).key_id
    given = response._get_param("EncryptionContext") or {}
    yield Permission(f"kms:{action}", key_arn(str(named), response.region), _context(given))


def via_service(action: str, named: str, region: str, service: str, **given: str) -> Permission:
    """The permission that the caller needs if a service uses a key on their behalf.

    action: without `kms:`. given: the encryption context
    (docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html).
    """
    via = {"kms:ViaService": f"{service}.{region}.amazonaws.com"}
    return Permission(f"kms:{action}", key_arn(named, region), via | _context(given))


def _context(given: dict[str, str]) -> dict[str, str]:
    return {f"{ENCRYPTION_CONTEXT}{name}": value for name, value in given.items()}


def key_arn(named: str, region: str) -> str:
    """The ARN of a key. named: its id, its ARN, or an alias or its ARN."""
    backend = kms_backends[ACCOUNT][region]
    plain = named.rpartition(":")[2].removeprefix("key/")
    key = backend.get_key_id_from_alias(plain) if plain.startswith("alias/") else plain
    return f"arn:aws:kms:{region}:{ACCOUNT}:key/{(key or plain).rpartition('/')[2]}"


def is_aws_managed(named: str, region: str) -> bool:
    """Whether AWS manages the key. named: see `key_arn`."""
    plain = named.rpartition(":")[2]
    key = kms_backends[ACCOUNT][region].keys.get(plain.removeprefix("key/"))
    return plain.startswith(AWS_MANAGED) or any(alias.startswith(AWS_MANAGED) for alias in (key.aliases if key else ()))


def usable(named: str, region: str) -> str:
    """The ARN of a usable symmetric encryption key. named: see `key_arn`. Raises UnusableKeyError.

    docs.aws.amazon.com/kms/latest/developerguide/key-state.html, and "Key usage" of API_Encrypt.
    """
    arn = key_arn(named, region)
    key = kms_backends[ACCOUNT][region].keys.get(arn.rpartition("/")[2])
    if key is None or (named.startswith("arn:") and named.split(":")[3] != region):
        raise UnusableKeyError("NotFoundException", f"Key '{named}' does not exist")
    if key.key_state == "Disabled":
        raise UnusableKeyError("DisabledException", f"{arn} is disabled.")
    if key.key_state != "Enabled":
        raise UnusableKeyError("KMSInvalidStateException", f"{arn} is pending deletion.")
    if (key.key_usage or "ENCRYPT_DECRYPT", key.key_spec) != ("ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT"):
        raise UnusableKeyError("InvalidKeyUsageException", f"{arn} is not a symmetric encryption key.")
    return arn


def allowed(identity: Identity, own: Verdict, permission: Permission) -> bool:
    """Whether a request for a key is allowed. own: the verdict of the identity's policies.

    The key's policy decides; identities' policies count only if it names the account (key-policy-default.html).
    """
    key = kms_backends[ACCOUNT][permission.resource.split(":")[3]].keys.get(permission.resource.rpartition("/")[2])
    if key is None:
        return own is Verdict.ALLOWED
    document = policies.parse(key.policy)
    account = frozenset({ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root"})
    by_name = policies.resource_policy(document, {"AWS": identity.names}, permission)
    by_account = policies.resource_policy(document, {"AWS": account}, permission)
    if Verdict.DENIED in (by_name, by_account):
        return False
    return by_name is Verdict.ALLOWED or (by_account is Verdict.ALLOWED and own is Verdict.ALLOWED)
