"""Signature Version 4, checked as AWS does: computed from the request and compared.

docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-signing-elements.html
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

CLOCK_SKEW = timedelta(minutes=15)
"""The deviation of a request's time that AWS tolerates."""

HEADER = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/(?P<day>\d{8})/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request,"
    r"\s*SignedHeaders=(?P<headers>[^,]+),\s*Signature=(?P<signature>[0-9a-f]{64})$"
)


class SignatureError(Exception):
    """The signature does not match the key's secret, or is too old."""


@dataclass(frozen=True)
class Signed:
    """A parsed Authorization header. headers: names of the signed headers, in lower case."""

    key: str
    region: str
    service: str
    headers: frozenset[str]
    signature: str


def parse(header: str) -> Signed:
    """Parse an Authorization header. Raises SignatureError if it is not one of Signature Version 4."""
    found = HEADER.match(header)
    if found is None:
        raise SignatureError("The Authorization header is not an AWS Signature Version 4 header.")
    names = frozenset(found["headers"].lower().split(";"))
    return Signed(found["key"], found["region"], found["service"], names, found["signature"])


@dataclass(frozen=True)
class Request:
    """A request as it was sent. url: path and query."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


def check(request: Request, signed: Signed, secret: str, token: str | None) -> None:
    """Raises SignatureError unless the request was signed with the secret, recently, and is unchanged since."""
    headers, body = request.headers, request.body
    moment = headers.get("X-Amz-Date", "")
    try:
        age = abs(datetime.now(UTC) - datetime.strptime(moment, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC))
    except ValueError:
        raise SignatureError("The request has no valid X-Amz-Date header.") from None
    if age > CLOCK_SKEW:
        raise SignatureError(f"Signature expired: {moment} is more than 15 minutes away from now.")
    digest = headers.get("X-Amz-Content-SHA256")
    # S3 also accepts an unsigned body, and has an error of its own for one that does not match (see checksums).
    if digest is not None and signed.service != "s3" and digest != hashlib.sha256(body).hexdigest():
        raise SignatureError("The provided X-Amz-Content-SHA256 header does not match what was computed.")
    recomputed = AWSRequest(
        method=request.method,
        url=request.url,
        data=body,
        headers={name: value for name, value in headers.items() if name.lower() in signed.headers},
    )
    recomputed.context["timestamp"] = moment
    # S3 signs paths as they are; the other services encode them once more.
    kind = S3SigV4Auth if signed.service == "s3" else SigV4Auth
    auth = kind(Credentials(signed.key, secret, token), signed.service, signed.region)
    wanted = auth.signature(auth.string_to_sign(recomputed, auth.canonical_request(recomputed)), recomputed)
    if not hmac.compare_digest(wanted, signed.signature):
        raise SignatureError(
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
            "Access Key and signing method. Consult the service documentation for details."
        )
