"""EC2's instance metadata service for the machines of this place.

docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html. A machine is identified by the
address that its request comes from. Version 1 (no token) works only if the instance's options allow it.
"""

from __future__ import annotations

import datetime
import secrets
import socket
import threading
import time
from typing import Any

from flask import Flask, Response, request
from moto.sts.models import sts_backends

from sandbox.cloud import ACCOUNT, instance_facts
from sandbox.cloud.permission import Permission
from sandbox.cloud.policies import Verdict, parse, trust

CREDENTIAL_SECONDS = 6 * 3600
RENEW_SECONDS = 900
"""How long before their expiry credentials are renewed. AWS renews them at least five minutes before."""

MAX_TOKEN_SECONDS = 21600
TOKEN_HEADER = "X-aws-ec2-metadata-token"  # noqa: S105 - a header's name
SECONDS_HEADER = "X-aws-ec2-metadata-token-ttl-seconds"


class Tokens:
    """Session tokens, each valid for one instance and a limited time."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, float]] = {}

    def issue(self, instance_id: str, seconds: int) -> str:
        """Issue a new token and drop expired ones."""
        now = time.monotonic()
        self._known = {token: known for token, known in self._known.items() if known[1] > now}
        token = secrets.token_urlsafe(40)
        self._known[token] = (instance_id, now + seconds)
        return token

    def valid(self, token: str, instance_id: str) -> bool:
        """Whether the token is this instance's and has not expired."""
        owner, ends = self._known.get(token, ("", 0.0))
        return owner == instance_id and time.monotonic() < ends


class RoleCredentials:
    """Credentials of instances' roles, from the local STS, authorized like any others and renewed in time."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], tuple[datetime.datetime, dict[str, str]]] = {}

    def document(self, instance: Any, role: Any) -> dict[str, str]:
        """What EC2 serves: the credentials, or why there are none (the role does not trust EC2)."""
        now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
        key = (instance.id, role.id)
        ends, known = self._known.get(key, (now, {}))
        if ends - now > datetime.timedelta(seconds=RENEW_SECONDS):
            return known
        stamp = f"{now:%Y-%m-%dT%H:%M:%SZ}"
        service = {"Service": frozenset({"ec2.amazonaws.com"})}
        permission = Permission("sts:AssumeRole", role.arn)
        if trust(parse(role.assume_role_policy_document), service, permission) is not Verdict.ALLOWED:
            text = f"EC2 cannot assume the role {role.name}. Please see documentation at https://docs.aws.amazon.com/"
            return {"Code": "AssumeRoleUnauthorizedAccess", "Message": text, "LastUpdated": stamp}
        session = sts_backends[ACCOUNT]["aws"].assume_role(
            region_name=instance.region_name,
            role_session_name=instance.id,
            role_arn=role.arn,
            policy="",
            duration=CREDENTIAL_SECONDS,
            external_id="",
        )
        ends = session.expiration.replace(tzinfo=datetime.UTC)
        document = {
            "Code": "Success",
            "LastUpdated": stamp,
            "Type": "AWS-HMAC",
            "AccessKeyId": session.access_key_id,
            "SecretAccessKey": session.secret_access_key,
            "Token": session.session_token,
            "Expiration": f"{ends:%Y-%m-%dT%H:%M:%SZ}",
        }
        self._known[key] = (ends, document)
        return document


def create_app(lock: threading.RLock) -> Flask:
    """The service as a WSGI application. lock: held while moto's models are read."""
    app = Flask(__name__)
    tokens, roles = Tokens(), RoleCredentials()

    @app.put("/latest/api/token")
    def token() -> Response:
        with lock:
            instance = instance_facts.find(request.remote_addr)
        if instance is None:
            return _plain(b"", 404)
        # Requests through a proxy are refused, so that an open proxy leaks nothing.
        if instance.metadata_options.http_endpoint == "disabled" or "X-Forwarded-For" in request.headers:
            return _plain(b"", 403)
        seconds = request.headers.get(SECONDS_HEADER, "")
        if not seconds.isdigit() or not 1 <= int(seconds) <= MAX_TOKEN_SECONDS:
            return _plain(b"", 400)
        _limit_hops(request.environ.get("werkzeug.socket"), instance.metadata_options.http_put_response_hop_limit)
        answer = _plain(tokens.issue(instance.id, int(seconds)).encode())
        answer.headers[SECONDS_HEADER] = seconds
        return answer

    @app.get("/<version>/", defaults={"path": ""})
    @app.get("/<version>/<path:path>")
    def get(version: str, path: str) -> Response:
        with lock:
            instance = instance_facts.find(request.remote_addr)
            if instance is None:
                return _plain(b"", 404)
            options = instance.metadata_options
            if options.http_endpoint == "disabled":
                return _plain(b"", 403)
            shown = request.headers.get(TOKEN_HEADER)
            if not (tokens.valid(shown, instance.id) if shown else options.http_tokens == "optional"):
                return _plain(b"", 401)
            # EC2 has dated versions (2009-04-04 …) besides `latest`; every version that clients use has these paths.
            if version != "latest" and not _dated(version):
                return _plain(b"", 404)
            facts = instance_facts.tree(instance, roles.document)
            value = instance_facts.lookup(facts, [part for part in path.split("/") if part])
        return _plain(b"", 404) if value is None else _plain(value)

    return app


def _dated(version: str) -> bool:
    try:
        datetime.date.fromisoformat(version)
    except ValueError:
        return False
    return True


def _limit_hops(connection: socket.socket | None, hops: int) -> None:
    """Limit the hops of the answer with the token: with one, it never reaches a container behind the machine."""
    if connection is not None:
        connection.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, hops)


def _plain(content: bytes, status: int = 200) -> Response:
    return Response(content, status=status, mimetype="text/plain")
