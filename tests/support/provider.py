"""A small OpenID provider: the code flow with PKCE, a client secret, signed ID tokens, userinfo.

openid.net/specs/openid-connect-core-1_0.html, RFC 6749 and RFC 7636.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlencode

from flask import Flask, Response, jsonify, redirect, request
from joserfc import jwt
from joserfc.jwk import RSAKey
from werkzeug.wrappers import Response as AnyResponse

CLIENT, SECRET = "grafana", "s3cret+/=% word"
"""The secret has characters that must be escaped in a header."""


@dataclass
class Provider:
    """The provider's state.

    person: the claims of the user who logs in next. hidden: the claims that only userinfo returns. url: its own
    address. refused: the errors it returned.
    """

    redirect_uri: str
    url: str = ""
    person: dict[str, Any] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()
    refused: list[str] = field(default_factory=list)
    codes: dict[str, dict[str, Any]] = field(default_factory=dict)
    tokens: dict[str, dict[str, Any]] = field(default_factory=dict)
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"use": "sig", "kid": "1"}))

    def app(self) -> Flask:
        """The provider as a WSGI application."""
        app = Flask("provider")
        app.add_url_rule("/authorize", view_func=self.authorize)
        app.add_url_rule("/token", view_func=self.token, methods=["POST"])
        app.add_url_rule("/userinfo", view_func=self.userinfo)
        return app

    def authorize(self) -> AnyResponse:
        """Log the user in, who consents at once. An unknown client, or another address, gets no redirect."""
        asked = request.args
        if asked.get("client_id") != CLIENT or asked.get("redirect_uri") != self.redirect_uri:
            return Response("unknown client or redirect_uri", 400)
        good = asked.get("response_type") == "code" and asked.get("code_challenge_method") == "S256"
        if not good or "openid" not in asked.get("scope", "").split():
            return redirect(f"{self.redirect_uri}?{urlencode({'error': 'invalid_request', 'state': asked['state']})}")
        code = secrets.token_urlsafe(16)
        self.codes[code] = {"challenge": asked["code_challenge"], "person": self.person}
        return redirect(f"{self.redirect_uri}?{urlencode({'code': code, 'state': asked['state']})}")

    def token(self) -> Response:
        """Exchange a code, which is valid once, for the client that has the secret and the verifier."""
        given = request.authorization
        if given is None or (unquote(given.username or ""), unquote(given.password or "")) != (CLIENT, SECRET):
            return self._refuse("invalid_client", 401)
        found = self.codes.pop(request.form.get("code", ""), None)
        verifier = request.form.get("code_verifier", "")
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        if found is None or found["challenge"] != challenge or request.form.get("redirect_uri") != self.redirect_uri:
            return self._refuse("invalid_grant", 400)
        token, now = secrets.token_urlsafe(16), int(time.time())
        self.tokens[token] = found["person"]
        claims = {name: value for name, value in found["person"].items() if name not in self.hidden}
        claims |= {"iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 300}
        id_token = jwt.encode({"alg": "RS256", "kid": "1"}, claims, self.key)
        return jsonify(access_token=token, token_type="bearer", expires_in=300, id_token=id_token)

    def _refuse(self, why: str, status: int) -> Response:
        self.refused.append(why)
        answer = jsonify(error=why)
        answer.status_code = status
        return answer

    def userinfo(self) -> Response:
        """Return the claims to the holder of the token."""
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if token not in self.tokens:
            return self._refuse("invalid_token", 401)
        return jsonify(self.tokens[token])
