"""Access control of S3: authorizes every request. moto's own check stays off."""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape

from moto.iam.access_control import PermissionResult
from moto.s3.models import FakeBucket, s3_backends
from moto.s3.responses import S3Response
from moto.s3.utils import bucket_policy_is_public

from sandbox.cloud import ACCOUNT, checksums, grants, identities, kms_resources, policies, s3, signatures
from sandbox.cloud.application import BODY_KEY
from sandbox.cloud.conditions import UnknownConditionError
from sandbox.cloud.identities import Identity
from sandbox.cloud.patches.local.access import context
from sandbox.cloud.patches.registry import patch
from sandbox.cloud.permission import Permission
from sandbox.cloud.policies import Verdict

POLICY_BYTES = 20 * 1024

KEY_ACTIONS = {
    "s3:GetObject": "Decrypt",
    "s3:GetObjectVersion": "Decrypt",
    "s3:PutObject": "GenerateDataKey",
}


class RefusedS3Error(Exception):
    """A refusal with S3's code and message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code

    def answer(self) -> tuple[int, dict[str, str], bytes]:
        """As moto's views return it."""
        error = f"<Error><Code>{self.code}</Code><Message>{escape(str(self))}</Message></Error>"
        return self.status, {"Content-Type": "application/xml"}, f'<?xml version="1.0"?>\n{error}'.encode()


@patch(S3Response, "bucket_response", source="d560bab0")
@patch(S3Response, "key_response", source="482dd528")
def respond(original: Any, self: Any, request: Any, full_url: str, headers: Any) -> Any:
    """AWS: identity policies and the bucket's policy decide together, with their conditions; a request for a bucket
    must be signed for the bucket's region; checksums are compared with the body.

    moto: ignores the conditions and principals of a bucket's policy, and compares no checksum.
    """
    try:
        judge(request)
    except RefusedS3Error as error:
        return error.answer()
    return original(self, request, full_url, headers)


@patch(FakeBucket, "get_permission", source="7571412a")
def get_permission(*_: Any) -> PermissionResult:
    """Leave the verdict to `judge`."""
    return PermissionResult.NEUTRAL


def judge(request: Any) -> None:
    """Raises RefusedS3Error unless the request may be answered."""
    environ = request.environ
    headers, body = dict(request.headers), environ[BODY_KEY]
    path, _, query = environ["RAW_URI"].partition("?")
    identity, signed = _identity(request.method, environ["RAW_URI"], headers, body)
    if identity.account != ACCOUNT:
        raise RefusedS3Error(501, "NotImplemented", f"The local AWS has buckets only in the account {ACCOUNT}.")
    try:
        checksums.check(headers, body)
        wanted = s3.parse(request.method, headers.get("Host", ""), path, query, headers=headers, body=body)
    except checksums.ChecksumError as error:
        raise RefusedS3Error(error.status, error.code, str(error)) from None
    except s3.UnknownOperationError as error:
        raise RefusedS3Error(501, "NotImplemented", f"The local AWS cannot do this: {error}") from None
    bucket = s3_backends[ACCOUNT]["aws"].buckets.get(wanted.bucket)
    if bucket is not None and bucket.region_name != signed.region:
        raise RefusedS3Error(
            400,
            "AuthorizationHeaderMalformed",
            f"The authorization header is malformed; the region '{signed.region}' is wrong; expecting "
            f"'{bucket.region_name}'",
        )
    known = identity.context | context(signed.region, environ) | dict(wanted.context)
    for action, resource in wanted.actions:
        permission = Permission(action, resource, known)
        if not _allowed(identity, bucket, permission):
            raise _denied(identity, permission)
        grants.record(identity, permission)
        _judge_key(identity, bucket, permission)
    _hide(request.method, identity, bucket, wanted, known)
    if wanted.actions[0][0] == "s3:PutBucketPolicy" and bucket is not None:
        _check_policy(bucket, body)


def _identity(method: str, url: str, headers: dict[str, str], body: bytes) -> tuple[Identity, signatures.Signed]:
    try:
        signed = signatures.parse(headers.get("Authorization", ""))
        token = headers.get("X-Amz-Security-Token")
        identity = identities.find(signed.key, token)
        signatures.check(signatures.Request(method, url, headers, body), signed, identity.secret, token)
    except identities.UnknownKeyError:
        message = "The AWS Access Key Id you provided does not exist in our records."
        raise RefusedS3Error(403, "InvalidAccessKeyId", message) from None
    except identities.ExpiredSessionError:
        raise RefusedS3Error(400, "ExpiredToken", "The provided token has expired.") from None
    except signatures.SignatureError as error:
        raise RefusedS3Error(403, "SignatureDoesNotMatch", str(error)) from None
    return identity, signed


def _allowed(identity: Identity, bucket: Any, permission: Permission) -> bool:
    """Whether the request is allowed: within an account, either side may allow it, and a deny of either side wins."""
    try:
        own = policies.judge(identity.policies, permission)
        limits = [policies.judge(limit, permission) for limit in identity.limits]
        granted = Verdict.SILENT
        if bucket is not None and bucket.policy:
            account = frozenset({ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root"})
            granted = policies.resource_policy(
                policies.parse(bucket.policy.decode()), {"AWS": identity.names | account}, permission
            )
    except UnknownConditionError as error:
        raise RefusedS3Error(501, "NotImplemented", f"The local AWS cannot evaluate {error}.") from None
    if Verdict.DENIED in (own, granted, *limits) or any(limit is not Verdict.ALLOWED for limit in limits):
        return False
    return Verdict.ALLOWED in (own, granted)


def _judge_key(identity: Identity, bucket: Any, permission: Permission) -> None:
    """Raises RefusedS3Error unless the caller may use the key that encrypts the object.

    The key is used for that object, or for the bucket if it has a bucket key
    (docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html, Permissions and Encryption context;
    bucket-key.html). An object is read with the key that it was written with.
    """
    action = KEY_ACTIONS.get(permission.action)
    if action is None or bucket is None:
        return
    name = permission.resource.partition(":::")[2].partition("/")[2]
    if action == "GenerateDataKey":
        rule = (bucket.encryption or {}).get("Rule", {})
        key = rule.get("ApplyServerSideEncryptionByDefault", {}).get("KMSMasterKeyID")
        shared = rule.get("BucketKeyEnabled", False)
    else:
        stored = bucket.keys.get(name)
        key, shared = (stored.kms_key_id, stored.bucket_key_enabled) if stored else (None, False)
    if not key:
        return
    arn = permission.resource.partition("/")[0] if str(shared).lower() == "true" else permission.resource
    use = kms_resources.via_service(action, key, bucket.region_name, "s3", **{"aws:s3:arn": arn})
    wanted = use.within(permission.context)
    if not kms_resources.allowed(identity, policies.judge(identity.policies, wanted), wanted):
        raise _denied(identity, wanted)
    try:
        kms_resources.usable(key, bucket.region_name)
    except kms_resources.UnusableKeyError as error:
        raise RefusedS3Error(400, f"KMS.{error.code}", str(error)) from None
    grants.record(identity, wanted)


def _denied(identity: Identity, permission: Permission) -> RefusedS3Error:
    what = f'{permission.action} on resource: "{permission.resource}"'
    message = f"User: {identity.arn} is not authorized to perform: {what}"
    return RefusedS3Error(403, "AccessDenied", message)


def _hide(method: str, identity: Identity, bucket: Any, wanted: s3.Request, known: dict[str, str]) -> None:
    """Raises RefusedS3Error for a missing object unless the identity may list the bucket (API_GetObject, Permissions).

    Otherwise the identity would learn that the object does not exist.
    """
    if method not in ("GET", "HEAD") or not wanted.key or bucket is None or wanted.key in bucket.keys:
        return
    listing = Permission("s3:ListBucket", f"arn:aws:s3:::{wanted.bucket}", known)
    if not _allowed(identity, bucket, listing):
        raise _denied(identity, listing)


def _check_policy(bucket: Any, body: bytes) -> None:
    """AWS: refuses public policies where they are blocked, and policies over 20 KiB. moto: accepts both."""
    if len(body) > POLICY_BYTES:
        raise RefusedS3Error(400, "PolicyTooLarge", "Policy exceeds the maximum allowed document size.")
    block = bucket.public_access_block
    if block is not None and block.block_public_policy and bucket_policy_is_public(body):
        raise RefusedS3Error(
            403,
            "AccessDenied",
            "Access denied: public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access.",
        )
