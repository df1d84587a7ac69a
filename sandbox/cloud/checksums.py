"""The checksums in a request to S3, compared with its body.

docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Callable, Mapping

UNSIGNED = "UNSIGNED-PAYLOAD"

DIGESTS: Mapping[str, Callable[[bytes], bytes]] = {
    "content-md5": lambda body: hashlib.md5(body).digest(),  # noqa: S324 - the header's own algorithm
    "x-amz-checksum-crc32": lambda body: zlib.crc32(body).to_bytes(4, "big"),
    "x-amz-checksum-sha1": lambda body: hashlib.sha1(body).digest(),  # noqa: S324 - as above
    "x-amz-checksum-sha256": lambda body: hashlib.sha256(body).digest(),
}


class ChecksumError(Exception):
    """A checksum header does not match the body. code: S3's; status: HTTP's."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


def check(headers: Mapping[str, str], body: bytes) -> None:
    """Raises ChecksumError unless every checksum in the headers matches the body."""
    sent = {name.lower(): value for name, value in headers.items()}
    content = sent.get("x-amz-content-sha256")
    if content is None:
        raise ChecksumError(400, "InvalidRequest", "Missing required header for this request: x-amz-content-sha256")
    if content.startswith("STREAMING-"):
        raise ChecksumError(501, "NotImplemented", f"The local AWS does not accept a body sent in chunks ({content}).")
    if content not in (UNSIGNED, hashlib.sha256(body).hexdigest()):
        raise ChecksumError(
            400,
            "XAmzContentSHA256Mismatch",
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
        )
    for name, value in sent.items():
        if name.startswith("x-amz-checksum-") and name not in (*DIGESTS, "x-amz-checksum-mode"):
            raise ChecksumError(501, "NotImplemented", f"The local AWS does not know the checksum {name}.")
        digest = DIGESTS.get(name)
        if digest and base64.b64encode(digest(body)).decode() != value:
            raise ChecksumError(400, "BadDigest", f"The {name} you specified did not match what we received.")
