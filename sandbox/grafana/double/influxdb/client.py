"""HTTP requests to InfluxDB with the data source's credentials and TLS settings."""

from __future__ import annotations

import json
import ssl
import tempfile
from typing import Any
from urllib.parse import urlencode, urlsplit

import urllib3

from ..basic_login import basic
from ..datasources import DataSource
from ..errors import QueryError

CONNECT_SECONDS = 10
READ_SECONDS = 30
"""Grafana's defaults, [dataproxy] dialTimeout and timeout."""


class UnreachableError(QueryError):
    """The server could not be reached or trusted."""


def run(source: DataSource, statement: str, policy: str = "") -> dict[str, Any]:
    """Run one InfluxQL statement and return its result (`{"series": [...]}`) with times in milliseconds.

    Raises QueryError with InfluxDB's message, or UnreachableError for connection and certificate problems.
    """
    parameters = {"db": _database(source), "epoch": "ms"}
    if policy not in ("", "default"):
        parameters["rp"] = policy
    method = str(source.json_data.get("httpMode") or "GET")
    if method not in ("GET", "POST"):
        raise QueryError("'httpMode' should be either 'GET' or 'POST'", 400, "plugin")
    statement_text = urlencode({"q": statement})
    query = urlencode(parameters) + ("&" + statement_text if method == "GET" else "")
    url = f"{source.url.rstrip('/')}/query?{query}"
    sent = headers(source)
    if method == "POST":
        sent["Content-Type"] = "application/x-www-form-urlencoded"
    timeout = float(source.json_data.get("timeout") or READ_SECONDS)
    pool = urllib3.PoolManager(ssl_context=tls(source) if urlsplit(url).scheme == "https" else None)
    try:
        response = pool.request(
            method,
            url,
            body=statement_text if method == "POST" else None,
            headers=sent,
            timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=timeout),
            retries=False,
        )
    except urllib3.exceptions.HTTPError as error:
        raise UnreachableError(f'{method.capitalize()} "{url}": {_reason(error)}') from None
    finally:
        pool.clear()
    return _result(response.status, response.data)


def _database(source: DataSource) -> str:
    return str(source.json_data.get("dbName") or source.database)


def headers(source: DataSource) -> dict[str, str]:
    """The data source's login and additional headers."""
    found = {}
    if source.basic_auth:
        found = {"Authorization": basic(source.basic_auth_user, source.secure.get("basicAuthPassword", ""))}
    elif source.user:
        found = {"Authorization": basic(source.user, source.secure.get("password", ""))}
    number = 1
    while name := source.json_data.get(f"httpHeaderName{number}"):
        found[str(name)] = source.secure.get(f"httpHeaderValue{number}", "")
        number += 1
    return found


def tls(source: DataSource) -> ssl.SSLContext:
    """A TLS context with the CAs that the data source trusts, and its client certificate. Raises UnreachableError for
    an invalid certificate."""
    options = source.json_data
    certificate = source.secure.get("tlsCACert", "")
    try:
        if options.get("tlsAuthWithCACert") and certificate:
            trust = ssl.create_default_context(cadata=certificate)
        else:
            trust = ssl.create_default_context()
        trust.verify_flags &= ~ssl.VERIFY_X509_STRICT  # Go is not as strict
        if options.get("tlsSkipVerify"):
            trust.check_hostname = False
            trust.verify_mode = ssl.CERT_NONE
        if options.get("tlsAuth"):
            _load_client_certificate(trust, source)
    except (ssl.SSLError, ValueError) as error:
        raise UnreachableError(f"failed to parse TLS CA or client certificate: {error}") from None
    return trust


def _load_client_certificate(trust: ssl.SSLContext, source: DataSource) -> None:
    # Python reads certificate and key only from files; this one is readable only by its owner, and deleted at once.
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(source.secure.get("tlsClientCert", "") + "\n" + source.secure.get("tlsClientKey", "") + "\n")
        file.flush()
        trust.load_cert_chain(file.name)


def _reason(error: urllib3.exceptions.HTTPError) -> str:
    """The cause, with the message of Grafana's HTTP client where it is known."""
    text = str(error)
    if "CERTIFICATE_VERIFY_FAILED" in text:
        detail = text.split("CERTIFICATE_VERIFY_FAILED]", 1)[1].strip(" )'\"")
        if "unable to get" in detail or "self-signed" in detail or "self signed" in detail:
            return "tls: failed to verify certificate: x509: certificate signed by unknown authority"
        return f"tls: failed to verify certificate: x509: {detail.removeprefix('certificate verify failed: ')}"
    if "Connection refused" in text:
        return "dial tcp: connect: connection refused"
    if isinstance(error, urllib3.exceptions.TimeoutError):
        return "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
    return text


def _result(status: int, content: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(content)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        shown = content[:200].decode("utf-8", "replace").strip()
        raise QueryError(f"InfluxDB returned status {status} and no JSON: {shown}")
    if status // 100 != 2:
        raise QueryError(f"InfluxDB returned error: {answer.get('error', status)}")
    if "error" in answer:
        raise QueryError(str(answer["error"]))
    result: dict[str, Any] = (answer.get("results") or [{}])[0]
    if "error" in result:
        raise QueryError(str(result["error"]))
    return result
