"""Tokens of external identity providers, checked as STS checks them.

docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html and
docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import urllib3
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from moto.iam.models import iam_backends

from sandbox.cloud import ACCOUNT

ALGORITHMS = ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512"]
"""id_roles_providers_create_oidc.html, Prerequisites."""

WELL_KNOWN = "/.well-known/openid-configuration"
TIMEOUT_SECONDS = 5


class TokenError(Exception):
    """Why a token is refused. code: STS's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Host:
    """Where an identity provider listens, as there is no DNS here. authority: who must have issued its certificate."""

    address: str
    port: int
    authority: Path


HOSTS: dict[str, Host] = {}
"""The reachable identity providers, by host name."""


@dataclass(frozen=True)
class Identified:
    """The bearer of a token. provider: the identity provider's ARN. context: condition keys for trust policies."""

    provider: str
    context: dict[str, str]


def identify(token: str) -> Identified:
    """Check a token's signature, issuer, audience and times. Raises TokenError."""
    claims = _claims(token)
    issuer = str(claims.get("iss", ""))
    name = issuer.removeprefix("https://")
    arn = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{name}"
    provider = iam_backends[ACCOUNT]["aws"].open_id_providers.get(arn)
    if provider is None or name == issuer:
        raise TokenError("InvalidIdentityToken", f"No OpenIDConnect provider found in your account for {issuer}")
    _verify(token, _keys(issuer))
    now, ends = time.time(), claims.get("exp")
    if not isinstance(ends, int) or not isinstance(claims.get("iat"), int):
        raise TokenError("InvalidIdentityToken", "Missing a required claim: exp, iat")
    if ends <= now:
        raise TokenError(
            "ExpiredTokenException",
            f"Token expired: current date/time {int(now)} must be before the expiration date/time {ends}",
        )
    if claims.get("nbf", 0) > now:
        raise TokenError("InvalidIdentityToken", "The ID Token provided is not valid yet")
    audience, subject = claims.get("aud"), claims.get("sub")
    # AWS also accepts several audiences if `azp` names one of them; the tokens issued here have a single one.
    if not isinstance(audience, str) or audience not in provider.client_id_list:
        raise TokenError("InvalidIdentityToken", "Incorrect token audience")
    if not isinstance(subject, str) or not subject:
        raise TokenError("InvalidIdentityToken", "Missing a required claim: sub")
    return Identified(arn, {f"{name}:aud": audience, f"{name}:sub": subject})


def _claims(token: str) -> dict[str, Any]:
    try:
        claims = json.loads(jws.extract_compact(token.encode()).payload)
    except (JoseError, ValueError):
        raise TokenError("InvalidIdentityToken", "The ID Token provided is not a valid JWT.") from None
    if not isinstance(claims, dict):
        raise TokenError("InvalidIdentityToken", "The ID Token provided is not a valid JWT.")
    return claims


def _verify(token: str, keys: KeySet) -> None:
    try:
        jws.deserialize_compact(token, keys, algorithms=ALGORITHMS)
    except (JoseError, ValueError):
        raise TokenError(
            "InvalidIdentityToken", "Couldn't retrieve verification key from your identity provider, or it does not fit"
        ) from None


def _keys(issuer: str) -> KeySet:
    """The provider's public keys, as it publishes them now."""
    configuration = _get(issuer + WELL_KNOWN)
    if configuration.get("issuer") != issuer:
        raise TokenError("InvalidIdentityToken", "The identity provider's document names a different issuer.")
    return KeySet.import_key_set(_get(str(configuration.get("jwks_uri"))))  # type: ignore[arg-type]


def _get(url: str) -> dict[str, Any]:
    wanted = urlsplit(url)
    host = HOSTS.get(wanted.hostname or "")
    try:
        if host is None or wanted.scheme != "https":
            raise ValueError(url)
        with urllib3.HTTPSConnectionPool(
            host.address,
            host.port,
            server_hostname=wanted.hostname,
            assert_hostname=wanted.hostname,
            ca_certs=str(host.authority),
            timeout=TIMEOUT_SECONDS,
            retries=False,
        ) as pool:
            answer = pool.request("GET", wanted.path, headers={"Host": str(wanted.hostname)})
        found = json.loads(answer.data)
        if answer.status != 200 or not isinstance(found, dict):
            raise ValueError(url)
    except (ValueError, urllib3.exceptions.HTTPError):
        raise TokenError(
            "IDPCommunicationError", f"The identity provider gave an unexpected answer: {wanted.hostname}"
        ) from None
    return found
