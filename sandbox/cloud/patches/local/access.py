"""Access control: authorizes every request. moto's own IAM enforcement stays off."""

from __future__ import annotations

from typing import Any

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, BaseResponse
from moto.core.utils import utcnow

from sandbox.cloud import ACCOUNT, grants, identities, kms_resources, permissions, policies, signatures, web_identity
from sandbox.cloud.application import BODY_KEY
from sandbox.cloud.conditions import UnknownConditionError
from sandbox.cloud.identities import Identity
from sandbox.cloud.patches.registry import patch
from sandbox.cloud.permission import Permission
from sandbox.cloud.policies import Verdict

JSON_SERVICES = frozenset({"kms", "secretsmanager", "ssm", "tagging", "timestream-influxdb"})
"""Services whose common errors are named as in AWS's JSON protocols. The others' are named as in the query API."""

EVERY_ACCOUNT = frozenset({"ec2", "iam", "monitoring", "sts", "tagging"})
"""Services that every account of the local AWS has. The others exist in one account only."""

# Kind of refusal: (EC2, JSON services, others) as (HTTP status, code).
# docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html and each service's CommonErrors page.
CODES = {
    "denied": ((403, "UnauthorizedOperation"), (400, "AccessDeniedException"), (403, "AccessDenied")),
    "key": ((401, "AuthFailure"), (400, "UnrecognizedClientException"), (403, "InvalidClientTokenId")),
    "signature": ((401, "AuthFailure"), (400, "InvalidSignatureException"), (403, "SignatureDoesNotMatch")),
    "expired": ((400, "RequestExpired"), (400, "ExpiredTokenException"), (403, "ExpiredToken")),
    "unknown": ((501, "NotImplemented"), (501, "NotImplemented"), (501, "NotImplemented")),
}

WEB_IDENTITY = "AssumeRoleWithWebIdentity"


class RefusedError(ServiceException):
    """A refusal, which moto writes in the request's protocol. (With moto's own classes, it would guess the service.)"""

    def __init__(self, kind: str, service: str, message: str, code: tuple[int, str] | None = None) -> None:
        ec2, json, query = CODES[kind]
        usual = ec2 if service == "ec2" else json if service in JSON_SERVICES else query
        self.status, name = code or usual
        super().__init__(name, message)


@patch(BaseResponse, "call_action", source="26076963")
def call_action(original: Any, self: Any) -> Any:
    """AWS: a request needs a valid signature of an active key, a session that has not expired, and policies that allow
    the action on the resource under their conditions. A refusal has the service's own protocol and wording.

    moto: takes the action's prefix from the signing name (`monitoring:` for CloudWatch), checks most policies for `*`,
    ignores conditions, expired sessions and inactive keys, fails on trust policies that name a service, and refuses in
    XML whatever the protocol.
    docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
    """
    try:
        judge(self)
    except RefusedError as error:
        _, headers, body = self.serialized(ActionResult(error))
        return error.status, headers, body
    return original(self)


def judge(response: Any) -> None:
    """Raises RefusedError unless the request may be answered. response: moto's, which holds the request."""
    environ = response.normalized_request.environ
    if response.service_name == "sts" and response._get_action() == WEB_IDENTITY:
        _judge_token(response, context(response.region, environ))
        return
    identity, service = _authenticate(response, environ)
    if identity.account != ACCOUNT and service not in EVERY_ACCOUNT:
        raise RefusedError("unknown", service, f"The local AWS has '{service}' only in the account {ACCOUNT}.")
    # Every key may ask whose it is, whatever the policies say.
    if service == "sts" and response._get_action() == "GetCallerIdentity":
        return
    known = identity.context | context(response.region, environ)
    external = response.querystring.get("ExternalId")
    known |= {"sts:ExternalId": external[0]} if external else {}
    for each in permissions.needed(response, service):
        _judge_action(identity, each.within(known), service)


def _authenticate(response: Any, environ: dict[str, Any]) -> tuple[Identity, str]:
    """The caller, and the service's signing name. Raises RefusedError unless key, session and signature are valid."""
    headers, service = dict(response.headers), ""
    try:
        signed = signatures.parse(headers.get("Authorization", ""))
        service = signed.service
        token = headers.get("X-Amz-Security-Token")
        identity = identities.find(signed.key, token)
        query = response.parsed_url.query
        url = response.raw_path + (f"?{query}" if query else "")
        request = signatures.Request(response.method, url, headers, environ[BODY_KEY])
        signatures.check(request, signed, identity.secret, token)
    except identities.UnknownKeyError:
        ec2 = "AWS was not able to validate the provided access credentials"
        message = ec2 if service == "ec2" else "The security token included in the request is invalid."
        raise RefusedError("key", service, message) from None
    except identities.ExpiredSessionError:
        raise RefusedError("expired", service, "The security token included in the request is expired") from None
    except signatures.SignatureError as error:
        raise RefusedError("signature", service, str(error)) from None
    return identity, service


def _judge_token(response: Any, known: dict[str, str]) -> None:
    """Raises RefusedError unless the token is valid and the role's trust policy allows it."""
    denied = RefusedError("denied", "sts", f"Not authorized to perform sts:{WEB_IDENTITY}")
    try:
        asking = web_identity.identify(str(response._get_param("WebIdentityToken") or ""))
        found = identities.role(str(response._get_param("RoleArn")))
        if found is None:
            raise denied
        permission = Permission(f"sts:{WEB_IDENTITY}", found.arn, known | asking.context)
        trusted = policies.trust(
            policies.parse(found.assume_role_policy_document), {"Federated": frozenset({asking.provider})}, permission
        )
    except web_identity.TokenError as error:
        raise RefusedError("denied", "sts", str(error), code=(400, error.code)) from None
    except UnknownConditionError as error:
        raise RefusedError("unknown", "sts", f"The local AWS cannot evaluate {error}.") from None
    if trusted is not Verdict.ALLOWED:
        raise denied
    longest, wanted = int(found.max_session_duration or 3600), response._get_int_param("DurationSeconds", 3600)
    if wanted > longest:
        message = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
        raise RefusedError("denied", "sts", message, code=(400, "ValidationError"))


def context(region: str, environ: dict[str, Any]) -> dict[str, str]:
    """The condition keys that come from the request and exist for every service."""
    now = utcnow()
    return {
        "aws:CurrentTime": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        "aws:EpochTime": str(int(now.timestamp())),
        "aws:RequestedRegion": region,
        "aws:SecureTransport": "true" if environ.get("wsgi.url_scheme") == "https" else "false",
        "aws:SourceIp": environ.get("REMOTE_ADDR", ""),
    }


def _judge_action(identity: Identity, permission: Permission, service: str) -> None:
    try:
        allowed = _allowed(identity, permission)
    except UnknownConditionError as error:
        raise RefusedError("unknown", service, f"The local AWS cannot evaluate {error}.") from None
    if not allowed:
        subject = "You are not authorized to perform this operation. " if service == "ec2" else ""
        on = "" if permission.resource == "*" else f" on resource: {permission.resource}"
        # STS does not say which side denied it.
        because = f" because no identity-based policy allows the {permission.action} action" if service != "sts" else ""
        message = f"{subject}User: {identity.arn} is not authorized to perform: {permission.action}{on}{because}"
        raise RefusedError("denied", service, message)
    grants.record(identity, permission)


def _allowed(identity: Identity, permission: Permission) -> bool:
    verdict = policies.judge(identity.policies, permission)
    if verdict is Verdict.DENIED:
        return False
    if any(policies.judge(limit, permission) is not Verdict.ALLOWED for limit in identity.limits):
        return False
    if permission.action == "sts:AssumeRole":
        return _may_assume(identity, verdict, permission)
    if ":key/" in permission.resource and permission.action.startswith("kms:"):
        return kms_resources.allowed(identity, verdict, permission)
    return verdict is Verdict.ALLOWED


def _may_assume(identity: Identity, verdict: Verdict, permission: Permission) -> bool:
    """Whether the caller may assume the role. verdict: of the caller's own policies.

    The role must trust the caller by name or by account. Trust by name is enough within an account; otherwise the
    caller's policies must allow it, too
    (docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html).
    """
    found = identities.role(permission.resource)
    if found is None:
        return False
    document = policies.parse(found.assume_role_policy_document)
    account = frozenset({identity.account, f"arn:aws:iam::{identity.account}:root"})
    if policies.trust(document, {"AWS": identity.names | account}, permission) is not Verdict.ALLOWED:
        return False
    by_name = policies.trust(document, {"AWS": identity.names}, permission) is Verdict.ALLOWED
    same_account = permission.resource.split(":")[4] == identity.account
    return verdict is Verdict.ALLOWED or (by_name and same_account)
