"""The front of the local AWS: admits requests to moto, one at a time, and reports failures as AWS would."""

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
"""Signing names of the services that are as strict here as on AWS. Requests to any other service are refused, because
moto would answer them too leniently."""

ROUTE53 = "/2013-04-01/"
"""Prefix of the paths of Route 53's requests: the version of its API."""

BODY_BYTES = 4 * 1024 * 1024
"""Limit for a request's body: more than any of these services accepts, S3 excepted."""

OBJECT_BYTES = 512 * 1024 * 1024
"""Limit for an object. AWS takes 5 GiB in one request; this process keeps all objects in memory."""

BODY_KEY = "sandbox.body"
"""Key of the WSGI environment with the body as it was sent (and signed)."""

WATCHED_SERVICES, READ_PREFIXES = ("ec2", "timestream-influxdb"), ("Describe", "Get", "List")
"""Services whose resources the machines daemon runs, and the prefixes of operations that change nothing."""

UNSIGNED = frozenset({"AssumeRoleWithWebIdentity"})
"""Operations that need no access key, because a token identifies the caller."""

CREDENTIAL = re.compile(r"AWS4-HMAC-SHA256 Credential=[^/]+/\d{8}/(?P<region>[a-z0-9-]+)/(?P<service>[a-z0-9-]+)/")
ACTION = re.compile(rb"(?:^|&)Action=(\w+)")

log = logging.getLogger("sandbox.cloud")


class Refusal(Exception):  # noqa: N818 - an answer, not a failure
    """An answer given before moto sees the request. status: HTTP's; code: AWS's."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


class LocalAws:
    """moto's application, reachable only by what AWS would accept.

    moto's own pages (`/moto-api` can switch enforcement off and delete everything) and its static metadata service
    cannot be reached, and unsigned requests are refused. Requests run one at a time, because moto's models are not
    thread-safe; other readers of the models in this process take `lock`.
    changed: called after each request that may have changed what the machines daemon watches.
    """

    def __init__(self, moto: WSGIApplication, changed: Callable[[], None] = lambda: None) -> None:
        self._moto = moto
        self._changed = changed
        self.lock = threading.RLock()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            service = _admit(environ)
            # Read before taking the lock, so that a slow sender blocks nobody else.
            body = _body(environ, OBJECT_BYTES if service == "s3" else BODY_BYTES)
            environ[BODY_KEY], environ["wsgi.input"] = body, BytesIO(body)
            environ["CONTENT_LENGTH"] = str(len(body))
            name = _operation(environ, body)
            operation = f"{service} {name}"
            if not service and name not in UNSIGNED:
                raise Refusal(403, "MissingAuthenticationToken", "Request is missing Authentication Token")

            def log_failure(status: str, headers: Any, exc_info: Any = None) -> Any:
                if not status.startswith("2"):
                    log.info("%s %s", operation, status)
                return start_response(status, headers, exc_info)

            with self.lock:
                answer = list(self._moto(environ, log_failure))
            if service in WATCHED_SERVICES and not name.startswith(READ_PREFIXES):
                self._changed()
            return answer
        except Refusal as refusal:
            log.info("%s %s: %s", refusal.status, refusal.code, refusal)
            return _answer(environ, start_response, refusal)
        except NotImplementedError as error:
            log.warning("not implemented: %s", error)
            message = f"The local AWS cannot do this: {error}"
            return _answer(environ, start_response, Refusal(501, "NotImplemented", message))
        except Exception:
            log.error("%s", traceback.format_exc())
            message = "The local AWS failed; see its log (.sandbox/*/logs/cloud.log)."
            return _answer(environ, start_response, Refusal(500, "InternalFailure", message))


def _admit(environ: WSGIEnvironment) -> str:
    """The signing name of the service that a request is for, "" if the request is unsigned.

    Raises Refusal if the request must not reach moto.
    """
    path = environ.get("PATH_INFO", "/")
    scope = CREDENTIAL.match(environ.get("HTTP_AUTHORIZATION", ""))
    service = scope["service"] if scope else ""
    # moto recognizes its own pages by the path alone, so no bucket may have one of their names.
    motos_own = path.startswith(("/moto-api", "/latest/")) or path == "/favicon.ico"
    route53s = service == "route53" and path.startswith(ROUTE53)
    if path != "/" and not path.startswith("/service/") and not route53s and (motos_own or service not in ("", "s3")):
        raise Refusal(404, "UnknownOperationException", f"AWS has nothing at {path}.")
    if service and service not in SERVICES:
        raise Refusal(501, "NotImplemented", f"The local AWS has no service '{service}'.")
    return service


def _body(environ: WSGIEnvironment, limit: int) -> bytes:
    length = environ.get("CONTENT_LENGTH") or ""
    chunked = bool(environ.get("wsgi.input_terminated"))
    if length.isdigit() and int(length) <= limit:
        return bytes(environ["wsgi.input"].read(int(length)))
    if not length:
        body = bytes(environ["wsgi.input"].read(limit + 1)) if chunked else b""
        if len(body) <= limit:
            return body
    raise Refusal(413, "RequestEntityTooLarge", f"The request is larger than {limit} bytes.")


def _operation(environ: WSGIEnvironment, body: bytes) -> str:
    """The operation's name for the log, from wherever the protocol puts it."""
    target: str = environ.get("HTTP_X_AMZ_TARGET") or environ.get("PATH_INFO", "/")
    if target != "/":
        return re.split(r"[./]", target)[-1]
    found = ACTION.search(body or environ.get("QUERY_STRING", "").encode())
    return found[1].decode() if found else "?"


def _answer(environ: WSGIEnvironment, start_response: StartResponse, refusal: Refusal) -> list[bytes]:
    """Answer with the refusal, in the request's protocol: JSON or XML."""
    if "json" in environ.get("CONTENT_TYPE", "") or environ.get("HTTP_X_AMZ_TARGET"):
        kind = "application/x-amz-json-1.1"
        text = json.dumps({"__type": refusal.code, "message": str(refusal)})
    else:
        kind = "text/xml"
        error = f"<Code>{refusal.code}</Code><Message>{escape(str(refusal))}</Message>"
        # EC2 wraps errors differently from the other query services.
        text = (
            f"<Response><Errors><Error>{error}</Error></Errors></Response>"
            if "/ec2/" in environ.get("HTTP_AUTHORIZATION", "")
            else f"<ErrorResponse><Error><Type>Sender</Type>{error}</Error></ErrorResponse>"
        )
    content = text.encode()
    headers = [("Content-Type", kind), ("Content-Length", str(len(content)))]
    start_response(f"{refusal.status} {HTTPStatus(refusal.status).phrase}", headers)
    return [content]
