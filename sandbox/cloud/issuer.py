"""A stand-in for GitHub's OIDC identity provider: its two public documents, and the tokens for a workflow's jobs.

docs.github.com/en/actions/reference/security/oidc and openid.net/specs/openid-connect-discovery-1_0.html
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from joserfc import jwt
from joserfc.jwk import RSAKey

from sandbox.cloud import files
from sandbox.place import Place

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

HOST = "token.actions.githubusercontent.com"
URL = f"https://{HOST}"
AUDIENCE = "sts.amazonaws.com"
"""The audience that aws-actions/configure-aws-credentials requests."""

TOKEN_SECONDS = 300


def ensure(folder: Path) -> None:
    """Create the key that signs tokens, unless it exists. Only the file's owner can read it."""
    path = folder / "issuer.jwk"
    if not path.exists():
        key = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256", "kid": uuid.uuid4().hex})
        files.write(path, json.dumps(key.as_dict(private=True)))


def key_of(place: Place) -> RSAKey:
    """The key that signs tokens for workflows in a place."""
    return RSAKey.import_key(json.loads((place.state / "cloud" / "issuer.jwk").read_text()))


def token(key: RSAKey, subject: str, **claims: Any) -> str:
    """A job's token. subject: such as `repo:OWNER/NAME:environment:NAME`. claims: extend or replace the usual ones."""
    now = int(time.time())
    usual = {"iss": URL, "aud": AUDIENCE, "sub": subject, "jti": str(uuid.uuid4())}
    usual |= {"iat": now, "nbf": now - 5, "exp": now + TOKEN_SECONDS}  # type: ignore[dict-item]
    return jwt.encode({"alg": "RS256", "kid": key.kid, "typ": "JWT"}, usual | claims, key)


def create_app(folder: Path) -> WSGIApplication:
    """The documents as a WSGI application. folder: where `ensure` created the key."""
    key = RSAKey.import_key(json.loads((folder / "issuer.jwk").read_text()))
    documents = {
        "/.well-known/openid-configuration": {
            "issuer": URL,
            "jwks_uri": f"{URL}/.well-known/jwks",
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public", "pairwise"],
        },
        "/.well-known/jwks": {"keys": [key.as_dict(private=False)]},
    }

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        found = documents.get(environ.get("PATH_INFO", ""))
        content = json.dumps(found or {}).encode()
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(content)))]
        start_response("200 OK" if found else "404 Not Found", headers)
        return [content]

    return answer
