"""What a request to S3 asks, as IAM sees it: pure functions from its method, host, path and query.

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
"""`BUCKET.s3.REGION.amazonaws.com`; every other host has the bucket in the path."""

SUBRESOURCES: Mapping[str, tuple[str, str, str]] = {
    # Action to read, to write and to delete it.
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
"""Query parameters that only say which part of a list is wanted."""

REFUSED_HEADERS = ("x-amz-acl", "x-amz-tagging", "x-amz-bucket-object-lock-enabled")
"""They turn an operation into another one, which requires further actions."""


class UnknownOperationError(Exception):
    """An operation of S3 that the local AWS does not have."""


@dataclass(frozen=True)
class Asked:
    """One request. bucket, key: "" when it names none; actions: pairs of action and resource, all needed.

    context: condition keys that come from the request.
    """

    bucket: str
    key: str
    actions: tuple[tuple[str, str], ...]
    context: Mapping[str, str]


def place(host: str, path: str) -> tuple[str, str]:
    """Bucket and key; path: as it was sent, percent-encoded."""
    found = VIRTUAL_HOST.match(host.lower())
    if found is not None:
        return found["bucket"], unquote(path.removeprefix("/"))
    bucket, _, key = path.removeprefix("/").partition("/")
    return unquote(bucket), unquote(key)


def asked(method: str, host: str, path: str, query: str, *, headers: Mapping[str, str], body: bytes) -> Asked:
    """What the request asks for. Raises UnknownOperationError for operations that are not implemented strictly here."""
    bucket, key = place(host, path)
    parameters = dict(parse_qsl(query, keep_blank_values=True))
    extras = set(parameters) - LISTING - {"x-id"}
    refused = [name for name in REFUSED_HEADERS if name in {header.lower() for header in headers}]
    if refused:
        raise UnknownOperationError(f"S3 requests with the header {refused[0]}")
    arn = f"arn:aws:s3:::{bucket}"
    if not bucket:
        return Asked("", "", (("s3:ListAllMyBuckets", "*"),), {})
    context = {f"s3:{name}": parameters[name] for name in ("prefix", "delimiter", "max-keys") if name in parameters}
    if key:
        source = {name.lower(): value for name, value in headers.items()}.get("x-amz-copy-source")
        read = _copied(source) if source and method == "PUT" else ()
        return Asked(bucket, key, ((_object_action(method, extras), f"{arn}/{key}"), *read), {})
    if method == "POST" and extras == {"delete"}:
        return Asked(bucket, "", tuple(_deletions(body, arn)), {})
    return Asked(bucket, "", ((_bucket_action(method, extras), arn),), context)


def _object_action(method: str, extras: set[str]) -> str:
    action = OBJECT.get(method)
    if action is None or extras - {"versionId"} or (extras and method == "PUT"):
        raise UnknownOperationError(f"{method} of an object in S3 with {', '.join(sorted(extras)) or 'nothing else'}")
    return f"s3:{action}{'Version' if extras else ''}"


def _copied(source: str) -> tuple[tuple[str, str], ...]:
    """What a copy needs besides writing it (API_CopyObject, Permissions). source: the header x-amz-copy-source."""
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
    """Of DeleteObjects: each object or version is an action of its own."""
    try:
        root = ElementTree.fromstring(body)  # noqa: S314 - the person's own request to their own machine
    except ElementTree.ParseError:
        raise UnknownOperationError("DeleteObjects with a body that is not XML") from None
    found = []
    for each in root.iterfind("{*}Object"):
        versioned = each.find("{*}VersionId") is not None
        action = "s3:DeleteObjectVersion" if versioned else "s3:DeleteObject"
        found.append((action, f"{arn}/{each.findtext('{*}Key')}"))
    return found
