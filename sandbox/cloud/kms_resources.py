"""What a request to KMS is judged about, and what keys' own policies say.

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
from sandbox.cloud.needed import Needed
from sandbox.cloud.policies import Question, Verdict

ANYTHING = frozenset({"CreateKey", "ListAliases", "ListKeys", "GenerateRandom"})
"""Actions that are about no key."""


def needed(response: Any, action: str) -> Iterator[Needed]:
    """What must be allowed for the request that moto's response object holds. action: without `kms:`."""
    if action in ANYTHING:
        yield Needed(f"kms:{action}", "*")
        return
    alias = response._get_param("AliasName")
    if alias:
        yield Needed(f"kms:{action}", f"arn:aws:kms:{response.region}:{ACCOUNT}:{alias}")
    named = response._get_param("TargetKeyId") or response._get_param("KeyId") or alias
    blob = response._get_param("CiphertextBlob")
    if not named and blob:
        raw = blob if isinstance(blob, bytes) else base64.b64decode(blob)
        named = _deserialize_ciphertext_blob(raw).key_id
    yield Needed(f"kms:{action}", key_arn(str(named), response.region))


def key_arn(named: str, region: str) -> str:
    """The ARN of a key. named: its id, its ARN, or an alias or its ARN."""
    backend = kms_backends[ACCOUNT][region]
    plain = named.rpartition(":")[2].removeprefix("key/")
    key = backend.get_key_id_from_alias(plain) if plain.startswith("alias/") else plain
    return f"arn:aws:kms:{region}:{ACCOUNT}:key/{(key or plain).rpartition('/')[2]}"


def allowed(identity: Identity, own: Verdict, question: Question) -> bool:
    """Whether a key's policy lets somebody do something. own: what the identity's policies say.

    A key is its policy's alone: identities' policies count only where it names the account (key-policy-default.html).
    """
    key = kms_backends[ACCOUNT][question.resource.split(":")[3]].keys.get(question.resource.rpartition("/")[2])
    if key is None:
        return own is Verdict.ALLOWED
    document = policies.parse(key.policy)
    account = frozenset({ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root"})
    by_name = policies.resource_policy(document, {"AWS": identity.names}, question)
    by_account = policies.resource_policy(document, {"AWS": account}, question)
    if Verdict.DENIED in (by_name, by_account):
        return False
    return by_name is Verdict.ALLOWED or (by_account is Verdict.ALLOWED and own is Verdict.ALLOWED)
