"""Whom roles can trust, and identity providers."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from moto.iam.exceptions import MalformedPolicyDocument, ValidationError
from moto.iam.models import IAMBackend, iam_backends

from sandbox.cloud.patches.registry import patch

SHARED = {"token.actions.githubusercontent.com": "sub"}
"""Identity providers that all customers share, with the claim that distinguishes their users."""


@patch(IAMBackend, "create_role", source="0c617708")
def create_role(
    original: Any, self: Any, role_name: str, assume_role_policy_document: str, *rest: Any, **named: Any
) -> Any:
    """AWS: refuses a role that trusts a missing user or role, or all users of a shared provider. moto: accepts both.

    docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_roles.html and
    docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_oidc_secure-by-default.html
    """
    check_shared_providers(assume_role_policy_document)
    check_principals(assume_role_policy_document)
    return original(self, role_name, assume_role_policy_document, *rest, **named)


@patch(IAMBackend, "update_assume_role_policy", source="1a019d59")
def update_assume_role_policy(original: Any, self: Any, role_name: str, assume_role_policy: str) -> None:
    """As `create_role`."""
    check_shared_providers(assume_role_policy)
    check_principals(assume_role_policy)
    original(self, role_name, assume_role_policy)


@patch(IAMBackend, "create_open_id_connect_provider", source="43b8fd81")
def create_open_id_connect_provider(original: Any, self: Any, url: str, *rest: Any, **named: Any) -> Any:
    """AWS: the URL begins with https:// and has no port (API_CreateOpenIDConnectProvider). moto: accepts any URL."""
    if urlsplit(url).scheme != "https" or urlsplit(url).port:
        raise ValidationError("Invalid Open ID Connect Provider URL")
    return original(self, url, *rest, **named)


def check_shared_providers(document: str) -> None:
    """Raises MalformedPolicyDocument for a statement that trusts all users of a shared provider."""
    statements = json.loads(document)["Statement"]
    for statement in [statements] if isinstance(statements, dict) else statements:
        principal = statement.get("Principal", {})
        federated = principal.get("Federated", []) if isinstance(principal, dict) else []
        for provider in [federated] if isinstance(federated, str) else federated:
            host = provider.partition(":oidc-provider/")[2]
            if statement["Effect"] == "Allow" and host in SHARED and not _names(statement, f"{host}:{SHARED[host]}"):
                raise MalformedPolicyDocument(
                    f"Missing or overly permissive condition on {host}:{SHARED[host]} in the trust policy"
                )


def check_principals(document: str) -> None:
    """Raises MalformedPolicyDocument if the policy names a missing user or role of any account."""
    statements = json.loads(document)["Statement"]
    for statement in [statements] if isinstance(statements, dict) else statements:
        principal = statement.get("Principal", {})
        named = principal.get("AWS", []) if isinstance(principal, dict) else []
        for arn in [named] if isinstance(named, str) else named:
            if not _exists(arn):
                raise MalformedPolicyDocument(f'Invalid principal in policy: "AWS":"{arn}"')


def _exists(arn: str) -> bool:
    kind = arn.rpartition(":")[2].partition("/")[0]
    if kind not in ("role", "user"):
        return True
    iam = iam_backends[arn.split(":")[4]]["aws"]
    existing = iam.roles.values() if kind == "role" else iam.users.values()
    return any(each.arn == arn for each in existing)


def _names(statement: dict[str, Any], key: str) -> bool:
    """Whether a condition restricts the claim `key` to values that are not just wildcards after the first colon."""
    for operator, block in statement.get("Condition", {}).items():
        if operator not in ("StringEquals", "StringLike", "StringEqualsIgnoreCase"):
            continue
        for name, values in block.items():
            texts = [values] if isinstance(values, str) else values
            if name.lower() == key and all(text.partition(":")[2].strip("*?/") for text in texts):
                return True
    return False
