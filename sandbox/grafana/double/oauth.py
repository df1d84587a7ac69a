"""Generic OAuth: people log in with an identity provider, using the authorization code flow with PKCE.

Follows Grafana's pkg/services/authn/clients/oauth.go, pkg/login/social/connectors/generic_oauth.go and social_base.go,
and pkg/services/authn/authnimpl/sync/user_sync.go, without their other features (teams, groups, emails from a second
endpoint).
"""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import secrets
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import jmespath
import urllib3
from flask import Blueprint, Response, make_response, request
from jmespath.exceptions import JMESPathError

from .authentication import ROLES, log_in
from .context import Context, context
from .database import timestamp
from .errors import ApiError
from .names import new_uid

MODULE = "oauth_generic_oauth"
PATH = "/login/generic_oauth"
STATE, VERIFIER = "oauth_state", "oauth_code_verifier"
COOKIE_SECONDS = 600
"""oauth_state_cookie_max_age."""

AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")

routes = Blueprint("oauth", __name__)
log = logging.getLogger("grafana.oauth")


@dataclass(frozen=True)
class Person:
    """The user according to the provider. role: empty if the provider does not set one."""

    id: str
    login: str
    email: str
    name: str
    role: str


@routes.get(PATH)
def login() -> Response:
    """Send the browser to the provider, and log it in when it comes back with a code."""
    shared = context()
    if not shared.settings.oauth.enabled:
        return _refused(ApiError(400, "OAuth client is disabled"))
    if request.args.get("error"):
        return _refused(ApiError(401, "Login provider denied login request"))
    if not request.args.get("code"):
        return _redirect_to_provider(shared)
    try:
        response = log_in(shared, _user(shared, _person(shared)), _redirect("/"))
    except ApiError as error:
        response = _refused(error)
    response.delete_cookie(STATE)
    response.delete_cookie(VERIFIER)
    return response


def _redirect(where: str) -> Response:
    response = make_response("", 302)
    response.headers["Location"] = where
    return response


def _refused(error: ApiError) -> Response:
    """Redirect to the login form, which shows the error from a cookie (which Grafana encrypts)."""
    log.warning("Login failed: %s", error)
    response = _redirect("/login")
    response.set_cookie("login_error", quote(str(error)), max_age=60, httponly=True)
    return response


def _hashed(shared: Context, state: str) -> str:
    seeds = state + shared.settings.secret_key + shared.settings.oauth.client_secret
    return hashlib.sha256(seeds.encode()).hexdigest()


def _back(shared: Context) -> str:
    return shared.settings.root_url.rstrip("/") + PATH


def _redirect_to_provider(shared: Context) -> Response:
    oauth = shared.settings.oauth
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(96)
    asked = {
        "client_id": oauth.client_id,
        "redirect_uri": _back(shared),
        "response_type": "code",
        "scope": " ".join(oauth.scopes),
        "state": state,
    }
    kept = {STATE: _hashed(shared, state)}
    if oauth.use_pkce:
        digest = hashlib.sha256(verifier.encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        asked |= {"code_challenge": challenge, "code_challenge_method": "S256"}
        kept[VERIFIER] = verifier
    response = _redirect(f"{oauth.auth_url}?{urlencode(asked)}")
    for name, value in kept.items():
        response.set_cookie(
            name,
            value,
            max_age=COOKIE_SECONDS,
            secure=shared.settings.cookie_secure,
            httponly=True,
            samesite=shared.settings.same_site_attribute,
        )
    return response


def _person(shared: Context) -> Person:
    """Exchange the code for tokens, and get the user's claims. Raises ApiError with Grafana's messages."""
    oauth = shared.settings.oauth
    if not request.cookies.get(STATE):
        raise ApiError(400, "Missing saved oauth state")
    if _hashed(shared, request.args.get("state", "")) != request.cookies[STATE]:
        raise ApiError(401, "Provided state does not match stored state")
    form = {"grant_type": "authorization_code", "code": request.args["code"], "redirect_uri": _back(shared)}
    if oauth.use_pkce:
        if not request.cookies.get(VERIFIER):
            raise ApiError(400, "Missing required pkce cookie")
        form["code_verifier"] = request.cookies[VERIFIER]
    # golang.org/x/oauth2, internal/token.go: both are form-encoded before they go into the header (RFC 6749, 2.3.1).
    login = f"{quote(oauth.client_id, safe='')}:{quote(oauth.client_secret, safe='')}"
    answer = _ask("POST", oauth.token_url, urllib3.make_headers(basic_auth=login), form)
    if answer is None or not isinstance(token := answer.get("access_token"), str):
        raise ApiError(500, "Failed to get token from provider")
    # The ID token first, then the userinfo endpoint for whatever is still missing. The token's signature is not
    # checked, as it came directly from the provider.
    claims = [_claims(str(answer["id_token"]))] if "id_token" in answer else []
    claims.append(_ask("GET", oauth.api_url, {"Authorization": f"Bearer {token}"}) or {})

    def first(*names: str) -> str:
        return next((str(each[name]) for each in claims for name in names if each.get(name)), "")

    email = first("email")
    if not email:
        raise ApiError(401, "Provider didn't return an email address")
    domains = oauth.allowed_domains
    if domains and not any(email.endswith(f"@{domain}") for domain in domains):
        raise ApiError(401, "Required email domain not fulfilled")
    role = "" if oauth.skip_org_role_sync else next(filter(None, map(_role, claims)), _default(shared))
    return Person(first("sub"), first("login", "username") or email, email, first("name", "display_name"), role)


def _default(shared: Context) -> str:
    return shared.settings.auto_assign_org_role


def _claims(token: str) -> dict[str, Any]:
    try:
        payload = token.split(".")[1]
        found = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (ValueError, IndexError):
        return {}
    return found if isinstance(found, dict) else {}


def _role(claims: Mapping[str, Any]) -> str:
    """The result of role_attribute_path if it is a role, else "". `GrafanaAdmin` is only an Admin, as in a Grafana
    without allow_assign_grafana_admin."""
    path = context().settings.oauth.role_attribute_path
    try:
        found = jmespath.search(path, dict(claims)) if path else None  # type: ignore[no-untyped-call]
    except JMESPathError:  # such as contains() for a missing claim
        return ""
    if not isinstance(found, str):
        return ""
    role = "Admin" if found.lower() == "grafanaadmin" else found.title()
    return role if role in ROLES else ""


def _ask(
    method: str, url: str, headers: Mapping[str, str], form: Mapping[str, str] | None = None
) -> dict[str, Any] | None:
    """The provider's JSON response; None if it refuses the request or cannot be reached."""
    ca = context().settings.oauth.tls_client_ca or str(AUTHORITIES)
    trust = ssl.create_default_context(cafile=ca if Path(ca).exists() else None)
    trust.verify_flags &= ~ssl.VERIFY_X509_STRICT  # Go is not as strict
    try:
        with urllib3.PoolManager(ssl_context=trust, timeout=10, retries=False) as pool:
            body = urlencode(form).encode() if form else None
            kind = {"Content-Type": "application/x-www-form-urlencoded"} if form else {}
            answer = pool.request(method, url, body=body, headers={**headers, **kind, "Accept": "application/json"})
            found = json.loads(answer.data)
    except (urllib3.exceptions.HTTPError, ValueError) as error:
        log.error("%s %s: %s", method, url, error)
        return None
    if answer.status != 200 or not isinstance(found, dict):
        log.error("%s %s: status %s", method, url, answer.status)
        return None
    return found


def _user(shared: Context, person: Person) -> int:
    """The user's id. Users are identified by the provider's `sub`, never by email; created at the first login."""
    database, settings = shared.database, shared.settings
    known = database.row("SELECT user_id FROM user_auth WHERE module = ? AND auth_id = ?", MODULE, person.id)
    with database.transaction():
        if known is None:
            if not settings.oauth.allow_sign_up:
                raise ApiError(401, "Sign up is disabled")
            taken = "SELECT 1 FROM user WHERE lower(login) = ? OR lower(email) = ?"
            if database.row(taken, person.login.lower(), person.email.lower()):
                raise ApiError(401, "User already exists")
            number = database.write(
                "INSERT INTO user (uid, login, email, name, password, salt, is_admin, role, created, updated) "
                "VALUES (?, ?, ?, ?, '', '', 0, ?, ?, ?)",
                *(new_uid(), person.login, person.email, person.name, person.role or _default(shared)),
                *(timestamp(), timestamp()),
            )
            database.write("INSERT INTO user_auth VALUES (?, ?, ?)", number, MODULE, person.id)
            return number
        number = int(known["user_id"])
        if person.role:
            database.write("UPDATE user SET role = ? WHERE id = ?", person.role, number)
    return number
