"""The front of the local AWS: what reaches moto at all, one request at a time, and its failures in AWS's words."""

from __future__ import annotations

import json
import logging
import re
import threading
import traceback
from collections.abc import Callable, Iterable
from http import HTTPStatus
from io import BytesIO
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

SERVICES = frozenset(
    {
        *("ec2", "iam", "kms", "monitoring", "route53", "s3", "secretsmanager", "sns", "ssm", "sts", "tagging"),
        "timestream-influxdb",
    }
)
"""Signing names of the services that are as strict here as on AWS; any other service is refused rather than answered
leniently."""

ROUTE53 = "/2013-04-01/"
"""What the paths of Route 53's requests begin with: its API's version."""

BODY_BYTES = 4 * 1024 * 1024
"""More than any request to these services may have, except S3's."""

OBJECT_BYTES = 512 * 1024 * 1024
"""For an object: AWS takes 5 GiB at once, this process keeps it all in memory."""

BODY_KEY = "sandbox.body"
"""Where the WSGI environment keeps the body as it was sent (and signed)."""

WATCHED, READS = ("ec2", "timestream-influxdb"), ("Describe", "Get", "List")
"""Services whose resources the machines daemon plays, and how operations begin that change none."""

UNSIGNED = frozenset({"AssumeRoleWithWebIdentity"})
"""Operations that need no key: a token identifies the caller."""

CREDENTIAL = re.compile(r"AWS4-HMAC-SHA256 Credential=[^/]+/\d{8}/(?P<region>[a-z0-9-]+)/(?P<service>[a-z0-9-]+)/")
ACTION = re.compile(rb"(?:^|&)Action=(\w+)")

log = logging.getLogger("sandbox.cloud")


class Refusal(Exception):  # noqa: N818 - an answer, not a failure
    """An answer given before moto sees the request. status: HTTP's; code: AWS's."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


class LocalAws:
    """moto's application behind AWS's gate.

    moto's own pages (`/moto-api` can switch enforcement off and delete everything) and its constant metadata
    service are out of reach; an unsigned request is refused; requests run one after the other, because
    moto's models are not thread-safe. `lock` is for other readers of the models in this process.
    changed: called after each request that may have changed what the machines daemon watches.
    """

    def __init__(self, moto: WSGIApplication, changed: Callable[[], None] = lambda: None) -> None:
        self._moto = moto
        self._changed = changed
        self.lock = threading.RLock()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            service = _admit(environ)
            # Read before the lock is taken: a slow sender keeps only itself waiting.
            body = _body(environ, OBJECT_BYTES if service == "s3" else BODY_BYTES)
            environ[BODY_KEY], environ["wsgi.input"] = body, BytesIO(body)
            environ["CONTENT_LENGTH"] = str(len(body))
            name = _operation(environ, body)
            operation = f"{service} {name}"
            if not service and name not in UNSIGNED:
                raise Refusal(403, "MissingAuthenticationToken", "Request is missing Authentication Token")

            def noted(status: str, headers: Any, exc_info: Any = None) -> Any:
                if not status.startswith("2"):
                    log.info("%s %s", operation, status)
                return start_response(status, headers, exc_info)

            with self.lock:
                answer = list(self._moto(environ, noted))
            if service in WATCHED and not name.startswith(READS):
                self._changed()
            return answer
        except Refusal as refusal:
            log.info("%s %s: %s", refusal.status, refusal.code, refusal)
            return _answer(environ, start_response, refusal)
        except NotImplementedError as error:
            log.warning("not implemented: %s", error)
            words = f"The local AWS cannot do this: {error}"
            return _answer(environ, start_response, Refusal(501, "NotImplemented", words))
        except Exception:
            log.error("%s", traceback.format_exc())
            words = "The local AWS failed; see its log (.sandbox/*/logs/cloud.log)."
            return _answer(environ, start_response, Refusal(500, "InternalFailure", words))


def _admit(environ: WSGIEnvironment) -> str:
    """The signing name of the service a request is for, "" when it is not signed. Raises Refusal when it is not
    admitted."""
    path = environ.get("PATH_INFO", "/")
    scope = CREDENTIAL.match(environ.get("HTTP_AUTHORIZATION", ""))
    service = scope["service"] if scope else ""
    # moto recognizes its own pages by the path alone, so no bucket may have their names.
    own = path.startswith(("/moto-api", "/latest/")) or path == "/favicon.ico"
    of_route53 = service == "route53" and path.startswith(ROUTE53)
    if path != "/" and not path.startswith("/service/") and not of_route53 and (own or service not in ("", "s3")):
        raise Refusal(404, "UnknownOperationException", f"AWS has nothing at {path}.")
    if service and service not in SERVICES:
        raise Refusal(501, "NotImplemented", f"The local AWS has no service '{service}'.")
    return service


def _body(environ: WSGIEnvironment, most: int) -> bytes:
    length = environ.get("CONTENT_LENGTH") or ""
    chunked = bool(environ.get("wsgi.input_terminated"))
    if length.isdigit() and int(length) <= most:
        return bytes(environ["wsgi.input"].read(int(length)))
    if not length:
        body = bytes(environ["wsgi.input"].read(most + 1)) if chunked else b""
        if len(body) <= most:
            return body
    raise Refusal(413, "RequestEntityTooLarge", f"The request is larger than {most} bytes.")


def _operation(environ: WSGIEnvironment, body: bytes) -> str:
    """The operation's name for the log, from wherever the protocol has it."""
    target: str = environ.get("HTTP_X_AMZ_TARGET") or environ.get("PATH_INFO", "/")
    if target != "/":
        return re.split(r"[./]", target)[-1]
    found = ACTION.search(body or environ.get("QUERY_STRING", "").encode())
    return found[1].decode() if found else "?"


def _answer(environ: WSGIEnvironment, start_response: StartResponse, refusal: Refusal) -> list[bytes]:
    """The refusal in JSON or XML, as the request's protocol has it."""
    if "json" in environ.get("CONTENT_TYPE", "") or environ.get("HTTP_X_AMZ_TARGET"):
        kind = "application/x-amz-json-1.1"
        text = json.dumps({"__type": refusal.code, "message": str(refusal)})
    else:
        kind = "text/xml"
        error = f"<Code>{refusal.code}</Code><Message>{escape(str(refusal))}</Message>"
        # EC2 wraps its errors in its own way, the other query services in theirs.
        text = (
            f"<Response><Errors><Error>{error}</Error></Errors></Response>"
            if "/ec2/" in environ.get("HTTP_AUTHORIZATION", "")
            else f"<ErrorResponse><Error><Type>Sender</Type>{error}</Error></ErrorResponse>"
        )
    content = text.encode()
    headers = [("Content-Type", kind), ("Content-Length", str(len(content)))]
    start_response(f"{refusal.status} {HTTPStatus(refusal.status).phrase}", headers)
    return [content]
