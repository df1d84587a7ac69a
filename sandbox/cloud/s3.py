"""Requests to S3 as IAM sees them: pure functions from method, host, path and query to actions and resources.

docs.aws.amazon.com/AmazonS3/latest/API/API_Operations.html and, for the actions, the service authorization reference
(list_amazons3.html).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote
from xml.etree import ElementTree

VIRTUAL_HOST = re.compile(r"(?P<bucket>[a-z0-9][a-z0-9.-]+)\.s3[.-][a-z0-9-]+\.amazonaws\.com(:\d+)?$")
"""`BUCKET.s3.REGION.amazonaws.com`. With any other host, the bucket is in the path."""

SUBRESOURCES: Mapping[str, tuple[str, str, str]] = {
    # Actions that read, write and delete it.
    "encryption": ("GetEncryptionConfiguration", "PutEncryptionConfiguration", "PutEncryptionConfiguration"),
    "lifecycle": ("GetLifecycleConfiguration", "PutLifecycleConfiguration", "PutLifecycleConfiguration"),
    "ownershipControls": (
        "GetBucketOwnershipControls",
        "PutBucketOwnershipControls",
        "PutBucketOwnershipControls",
    ),
    "policy": ("GetBucketPolicy", "PutBucketPolicy", "DeleteBucketPolicy"),
    "publicAccessBlock": ("GetBucketPublicAccessBlock", "PutBucketPublicAccessBlock", "PutBucketPublicAccessBlock"),
    "tagging": ("GetBucketTagging", "PutBucketTagging", "PutBucketTagging"),
    "versioning": ("GetBucketVersioning", "PutBucketVersioning", ""),
    "location": ("GetBucketLocation", "", ""),
    "uploads": ("ListBucketMultipartUploads", "", ""),
    "versions": ("ListBucketVersions", "", ""),
}
METHODS = ("GET", "PUT", "DELETE")
BUCKET = {"GET": "ListBucket", "HEAD": "ListBucket", "PUT": "CreateBucket", "DELETE": "DeleteBucket"}
OBJECT = {"GET": "GetObject", "HEAD": "GetObject", "PUT": "PutObject", "DELETE": "DeleteObject"}

LISTING = frozenset(
    {
        *("list-type", "prefix", "delimiter", "max-keys", "encoding-type", "continuation-token", "start-after"),
        *("marker", "fetch-owner", "key-marker", "version-id-marker"),
    }
)
"""Query parameters that only select a part of a list."""

REFUSED_HEADERS = ("x-amz-acl", "x-amz-tagging", "x-amz-bucket-object-lock-enabled")
"""Headers that make a request need further actions."""


class UnknownOperationError(Exception):
    """An operation of S3 that the local AWS does not support."""


@dataclass(frozen=True)
class Request:
    """A request. bucket, key: "" if it names none. actions: pairs of action and resource, all of them needed.

    context: condition keys that come from the request.
    """

    bucket: str
    key: str
    actions: tuple[tuple[str, str], ...]
    context: Mapping[str, str]


def bucket_and_key(host: str, path: str) -> tuple[str, str]:
    """The bucket and the key that a request names. path: as it was sent, percent-encoded."""
    found = VIRTUAL_HOST.match(host.lower())
    if found is not None:
        return found["bucket"], unquote(path.removeprefix("/"))
    bucket, _, key = path.removeprefix("/").partition("/")
    return unquote(bucket), unquote(key)


def parse(method: str, host: str, path: str, query: str, *, headers: Mapping[str, str], body: bytes) -> Request:
    """Parse a request. Raises UnknownOperationError for operations that are not as strict here as on AWS."""
    bucket, key = bucket_and_key(host, path)
    parameters = dict(parse_qsl(query, keep_blank_values=True))
    extras = set(parameters) - LISTING - {"x-id"}
    refused = [name for name in REFUSED_HEADERS if name in {header.lower() for header in headers}]
    if refused:
        raise UnknownOperationError(f"S3 requests with the header {refused[0]}")
    arn = f"arn:aws:s3:::{bucket}"
    if not bucket:
        return Request("", "", (("s3:ListAllMyBuckets", "*"),), {})
    context = {f"s3:{name}": parameters[name] for name in ("prefix", "delimiter", "max-keys") if name in parameters}
    if key:
        source = {name.lower(): value for name, value in headers.items()}.get("x-amz-copy-source")
        read = _copied(source) if source and method == "PUT" else ()
        return Request(bucket, key, ((_object_action(method, extras), f"{arn}/{key}"), *read), {})
    if method == "POST" and extras == {"delete"}:
        return Request(bucket, "", tuple(_deletions(body, arn)), {})
    return Request(bucket, "", ((_bucket_action(method, extras), arn),), context)


def _object_action(method: str, extras: set[str]) -> str:
    action = OBJECT.get(method)
    if action is None or extras - {"versionId"} or (extras and method == "PUT"):
        raise UnknownOperationError(f"{method} of an object in S3 with {', '.join(sorted(extras)) or 'nothing else'}")
    return f"s3:{action}{'Version' if extras else ''}"


def _copied(source: str) -> tuple[tuple[str, str], ...]:
    """What a copy needs besides the right to write it (API_CopyObject, Permissions). source: x-amz-copy-source."""
    path, _, version = unquote(source).removeprefix("/").partition("?")
    return ((f"s3:GetObject{'Version' if version else ''}", f"arn:aws:s3:::{path}"),)


def _bucket_action(method: str, extras: set[str]) -> str:
    action = BUCKET.get(method, "") if not extras else ""
    if len(extras) == 1 and method in METHODS:
        action = SUBRESOURCES.get(next(iter(extras)), ("", "", ""))[METHODS.index(method)]
    if not action:
        raise UnknownOperationError(f"{method} of a bucket in S3 with {', '.join(sorted(extras)) or 'nothing else'}")
    return f"s3:{action}"


def _deletions(body: bytes, arn: str) -> list[tuple[str, str]]:
    """The actions of a DeleteObjects request: one per object or version."""
    try:
        root = ElementTree.fromstring(body)  # noqa: S314 - the user's own request to their own machine
    except ElementTree.ParseError:
        raise UnknownOperationError("DeleteObjects with a body that is not XML") from None
    found = []
    for each in root.iterfind("{*}Object"):
        versioned = each.find("{*}VersionId") is not None
        action = "s3:DeleteObjectVersion" if versioned else "s3:DeleteObject"
        found.append((action, f"{arn}/{each.findtext('{*}Key')}"))
    return found
