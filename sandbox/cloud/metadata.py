"""EC2's instance metadata service, version 2, for the machines of this place.

docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html. A machine is known by the
address its question comes from. Credentials are its role's, from the local STS, and judged like any others.
"""

from __future__ import annotations

import base64
import datetime
import json
import secrets
import time
from typing import Any

from flask import Flask, Response, request
from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

from sandbox.cloud import ACCOUNT
from sandbox.cloud.mends.ec2 import backends

CREDENTIAL_SECONDS = 6 * 3600
RENEW_SECONDS = 900
"""AWS serves new credentials at least five minutes before the old ones end."""

TOKEN_HEADER = "X-aws-ec2-metadata-token"  # noqa: S105 - a header's name


class Metadata:
    """The service's state: tokens by instance, credentials by instance."""

    def __init__(self) -> None:
        self._tokens: dict[str, tuple[str, float]] = {}
        self._credentials: dict[str, dict[str, str]] = {}

    def token(self, instance: str, seconds: int) -> str:
        """A session token for this instance alone."""
        made = secrets.token_urlsafe(40)
        self._tokens[made] = (instance, time.monotonic() + seconds)
        return made

    def allows(self, instance: Any, token: str | None) -> bool:
        """True when the token is this instance's and still good, or none is needed."""
        if not token:
            return bool(instance.metadata_options.http_tokens == "optional")
        owner, ends = self._tokens.get(token, ("", 0.0))
        return owner == instance.id and time.monotonic() < ends

    def credentials(self, instance: Any, role: Any) -> dict[str, str]:
        """The role's credentials, renewed in time."""
        known = self._credentials.get(instance.id)
        now = datetime.datetime.now(datetime.UTC)
        if known and known["role"] == role.arn:
            ends = datetime.datetime.fromisoformat(known["Expiration"])
            if ends - now > datetime.timedelta(seconds=RENEW_SECONDS):
                return known
        assumed = sts_backends[ACCOUNT]["aws"].assume_role(
            region_name=instance.region_name,
            role_session_name=instance.id,
            role_arn=role.arn,
            policy="",
            duration=CREDENTIAL_SECONDS,
            external_id="",
        )
        ends = now + datetime.timedelta(seconds=CREDENTIAL_SECONDS)
        self._credentials[instance.id] = {
            "role": role.arn,
            "Code": "Success",
            "LastUpdated": f"{now:%Y-%m-%dT%H:%M:%SZ}",
            "Type": "AWS-HMAC",
            "AccessKeyId": assumed.access_key_id,
            "SecretAccessKey": assumed.secret_access_key,
            "Token": assumed.session_token,
            "Expiration": f"{ends:%Y-%m-%dT%H:%M:%SZ}",
        }
        return self._credentials[instance.id]


def create_app() -> Flask:
    """The service as a Flask application."""
    app = Flask(__name__)
    service = Metadata()

    @app.put("/latest/api/token")
    def token() -> Response:
        instance = find_instance(request.remote_addr)
        seconds = request.headers.get("X-aws-ec2-metadata-token-ttl-seconds", "")
        if instance is None:
            return plain("", 404)
        # A question that came through a proxy is refused, so that an open proxy gives nothing away.
        if "X-Forwarded-For" in request.headers:
            return plain("", 403)
        if not seconds.isdigit() or not 1 <= int(seconds) <= 21600:
            return plain("", 400)
        answer = plain(service.token(instance.id, int(seconds)))
        answer.headers["X-aws-ec2-metadata-token-ttl-seconds"] = seconds
        return answer

    @app.get("/latest/<path:path>")
    @app.get("/latest/", defaults={"path": ""})
    def get(path: str) -> Response:
        instance = find_instance(request.remote_addr)
        if instance is None:
            return plain("", 404)
        if not service.allows(instance, request.headers.get(TOKEN_HEADER)):
            return plain("", 401)
        value = lookup(documents(instance, service), [part for part in path.split("/") if part])
        return plain("", 404) if value is None else plain(value)

    return app


def plain(text: str, status: int = 200) -> Response:
    return Response(text, status=status, mimetype="text/plain")


def find_instance(address: str | None) -> Any:
    """The running instance with this private address, or None."""
    for backend in backends():
        for reservation in list(backend.reservations.values()):
            for instance in reservation.instances:
                if instance.private_ip == address and instance.state == "running":
                    return instance
    return None


def lookup(tree: Any, path: list[str]) -> str | None:
    """The value at a path; for a folder its entries, one a line, those with more below ending in a slash."""
    for part in path:
        if not isinstance(tree, dict) or part not in tree:
            return None
        tree = tree[part]
        tree = tree() if callable(tree) else tree
    if isinstance(tree, dict):
        return "\n".join(f"{name}/" if isinstance(below, dict) else name for name, below in tree.items())
    return None if tree is None else str(tree)


def documents(instance: Any, service: Metadata) -> dict[str, Any]:
    """What the service has about an instance, as a tree below /latest."""
    zone = instance.placement.zone
    region = zone[:-1]
    hostname = "ip-" + instance.private_ip.replace(".", "-") + f".{region}.compute.internal"
    public = next((nic.public_ip for nic in instance.nics.values() if nic.public_ip), None)
    user_data = base64.b64decode(str(instance.user_data)).decode() if instance.user_data else None
    tree: dict[str, Any] = {
        "meta-data": {
            "ami-id": instance.image_id,
            "hostname": hostname,
            "instance-id": instance.id,
            "instance-type": instance.instance_type,
            "local-hostname": hostname,
            "local-ipv4": instance.private_ip,
            "placement": {"availability-zone": zone, "region": region},
            "services": {"domain": "amazonaws.com", "partition": "aws"},
        },
        "dynamic": {
            "instance-identity": {
                "document": json.dumps(
                    {
                        "accountId": ACCOUNT,
                        "architecture": instance.architecture,
                        "availabilityZone": zone,
                        "imageId": instance.image_id,
                        "instanceId": instance.id,
                        "instanceType": instance.instance_type,
                        "privateIp": instance.private_ip,
                        "region": region,
                        "version": "2017-09-30",
                    },
                    indent=2,
                )
            }
        },
    }
    if public:
        tree["meta-data"]["public-ipv4"] = public
    if user_data is not None:
        tree["user-data"] = user_data
    profile = profile_of(instance)
    if profile is not None and profile.roles:
        role = profile.roles[0]
        tree["meta-data"]["iam"] = {
            "info": json.dumps({"Code": "Success", "InstanceProfileArn": profile.arn, "InstanceProfileId": profile.id}),
            "security-credentials": {role.name: lambda: _shown(service.credentials(instance, role))},
        }
    return tree


def _shown(credentials: dict[str, str]) -> str:
    return json.dumps({key: value for key, value in credentials.items() if key != "role"}, indent=2)


def profile_of(instance: Any) -> Any:
    """The instance's profile in the local IAM, or None."""
    association = instance.ec2_backend.iam_instance_profile_associations.get(instance.id)
    if association is None:
        return None
    for profile in iam_backends[ACCOUNT]["aws"].instance_profiles.values():
        if profile.arn == association.iam_instance_profile.arn:
            return profile
    return None
