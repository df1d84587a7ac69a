"""Grafana's HTTP API with the provider's credentials and certificate authority."""

from __future__ import annotations

import base64
import json
import ssl
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import urllib3

from sandbox.plugins.base import UNKNOWN, PluginError, Properties

CONNECT_SECONDS = 10
READ_SECONDS = 30
"""The limit that the real provider's client (go-openapi's runtime) sets for a call including its retries."""

FIRST_WAIT = 0.5
"""Seconds before the first retry, doubled each time, unless `retryWait` is set."""

RETRY_STATUSES = ("429", "5xx", "401", "412")
"""The statuses that the real provider retries, although its documentation says "429 and 5xx"
(terraform-provider-grafana, pkg/provider/framework_provider.go). So it tries a wrong password four times."""

ORGANISATION = "1"
"""The organisation that basic authentication uses without orgId, as in the real provider."""


class ApiError(PluginError):
    """Grafana answered with an error. status: the HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Tls:
    """Certificates from the provider's settings: each is PEM text or the path of a PEM file."""

    authority: str = ""
    certificate: str = ""
    key: str = ""
    verify: bool = True

    def context(self) -> ssl.SSLContext:
        """A context that trusts the system's authorities and the given one. Raises PluginError for unusable PEM."""
        trust = ssl.create_default_context()
        if not self.verify:
            trust.check_hostname = False
            trust.verify_mode = ssl.CERT_NONE
            # The program asked for it, so there is no warning for each call.
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        try:
            if self.authority:
                trust.load_verify_locations(cadata=_literal(self.authority))
            if self.certificate and self.key:
                # Python reads a certificate with its key only from a file.
                with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
                    file.write(f"{_literal(self.certificate)}\n{_literal(self.key)}\n")
                    file.flush()
                    trust.load_cert_chain(file.name)
        except (ssl.SSLError, ValueError, OSError) as error:
            reason = getattr(error, "reason", None) or error
            raise PluginError(f"caCert, tlsCert and tlsKey must be PEM text or paths of PEM files: {reason}") from None
        return trust


def _literal(value: str) -> str:
    """The value itself if it is PEM text, otherwise the content of the file that it names."""
    if "-----BEGIN" in value:
        return value
    try:
        return Path(value).read_text(encoding="utf-8")
    except OSError as error:
        raise PluginError(f"cannot read the certificate file {value}: {error.strerror}") from None


@dataclass
class Grafana:
    """A client for a Grafana. It sends nothing before the first call, so a preview needs no server.

    url, auth: None while they are unknown.  retry_wait: seconds.
    """

    url: str | None
    auth: str | None
    tls: Tls = field(default_factory=Tls)
    headers: Mapping[str, str] = field(default_factory=dict)
    retries: int = 3
    retry_wait: float = 0
    retry_statuses: tuple[str, ...] = RETRY_STATUSES

    def get(self, path: str) -> Any:
        """The JSON at `path` (below /api), None for status 404. Raises PluginError for any other error."""
        try:
            return self.call("GET", path)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def delete(self, path: str) -> None:
        """Delete what is at `path`. It is no error if it does not exist."""
        try:
            self.call("DELETE", path)
        except ApiError as error:
            if error.status != 404:
                raise

    def call(self, method: str, path: str, body: Properties | None = None, **headers: str) -> Any:
        """Send a request and return the answer's JSON. Raises ApiError with Grafana's message, in one line."""
        if self.url is None or self.auth is None:
            raise PluginError("Grafana's url or auth is not known yet: the server it comes from must be up first")
        answer = self._send(method, f"{self.url.rstrip('/')}/api{path}", body, headers)
        try:
            content = json.loads(answer.data or b"null")
        except ValueError:
            shown = answer.data[:100].decode("utf-8", "replace").strip()
            raise PluginError(f"{self.url} does not answer like Grafana (status {answer.status}): {shown}") from None
        if answer.status == 401:
            raise ApiError(401, f"Grafana at {self.url} refuses the credentials in auth: {_message(content)}")
        if answer.status >= 400:
            raise ApiError(answer.status, f"Grafana refused {method} /api{path} ({answer.status}): {_message(content)}")
        return content

    def _send(
        self, method: str, url: str, body: Properties | None, headers: Mapping[str, str]
    ) -> urllib3.BaseHTTPResponse:
        pool = urllib3.PoolManager(ssl_context=self.tls.context() if url.startswith("https:") else None)
        sent = {**self._credentials(), **self.headers, **headers, "Content-Type": "application/json"}
        wait = self.retry_wait or FIRST_WAIT
        for left in range(self.retries, -1, -1):
            try:
                answer = pool.request(
                    method,
                    url,
                    body=None if body is None else json.dumps(body),
                    headers=sent,
                    timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
                    retries=False,
                )
            except urllib3.exceptions.HTTPError as error:
                reason, passing = _reason(error)
                if not left or not passing:
                    raise PluginError(f"cannot reach Grafana at {self.url}: {reason}") from None
            else:
                if not left or not self._again(answer.status):
                    return answer
            time.sleep(wait)
            wait = self.retry_wait or wait * 2
        raise PluginError(f"cannot reach Grafana at {self.url}")

    def _again(self, status: int) -> bool:
        """Whether a request with this status is retried. In a pattern, x stands for any digit."""
        return any(
            len(pattern) == 3
            and all(wanted in ("x", digit) for wanted, digit in zip(pattern, str(status), strict=True))
            for pattern in self.retry_statuses
        )

    def _credentials(self) -> dict[str, str]:
        auth = (self.auth or "").strip()
        if ":" in auth:
            user, password = (each.strip() for each in auth.split(":", 1))
            # In UTF-8, like Go's SetBasicAuth; urllib3's own helper encodes in Latin-1.
            return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}
        return {} if auth == "anonymous" else {"Authorization": f"Bearer {auth}"}

    def address(self, path: str) -> str:
        """The full URL of a path in the user interface."""
        return f"{(self.url or '').rstrip('/')}{path}"


def known(value: Any) -> str | None:
    """A setting as text, None if it is unknown or not set."""
    return None if value is UNKNOWN or value in (None, "") else str(value)


def segment(text: str) -> str:
    """A name, quoted as one segment of a path."""
    return quote(text, safe="")


def _message(content: Any) -> str:
    return str(content.get("message", content)) if isinstance(content, dict) else str(content)


_REASONS = (
    # part of urllib3's message, what it means, whether a retry may help
    ("WRONG_VERSION_NUMBER", "it does not speak TLS; is the url meant to be http://?", False),
    ("record layer failure", "it does not speak TLS; is the url meant to be http://?", False),
    ("Name or service not known", "its name cannot be resolved", False),
    ("Connection refused", "connection refused", True),
    ("timed out", "it does not answer in time", False),  # no time is left for a retry
    ("Connection aborted", "it closes the connection without an answer; is the url meant to be https://?", True),
)


def _reason(error: urllib3.exceptions.HTTPError) -> tuple[str, bool]:
    """What went wrong, in plain words, and whether a retry may help."""
    text = str(error)
    if "CERTIFICATE_VERIFY_FAILED" in text:
        detail = text.split("certificate verify failed:", 1)[-1].split("(_ssl", 1)[0].strip()
        return f"its certificate is not trusted ({detail}); does caCert hold its authority?", False
    known_reasons = ((reason, again) for part_, reason, again in _REASONS if part_ in text)
    return next(known_reasons, (text, True))
