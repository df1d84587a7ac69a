"""Listeners and certificates."""

from __future__ import annotations

import socket
import ssl
import threading
from pathlib import Path

import pytest

from sandbox import cloud
from sandbox.cloud import certificates, listeners
from sandbox.errors import SandboxError
from sandbox.place import Place

LOCAL = "127.0.0.1"


def test_the_error_for_a_taken_port_names_the_process() -> None:
    with socket.create_server((LOCAL, 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SandboxError, match=rf"Port {port} of {LOCAL} is taken by .*pid \d+"):
            listeners.listen(LOCAL, port, lambda *_: [])


def test_the_error_for_a_missing_address_says_what_to_run() -> None:
    with pytest.raises(SandboxError, match=r"bridge is missing\. Run: make up"):
        listeners.listen("203.0.113.1", 8080, lambda *_: [])


def test_tls_covers_aws_names_only_and_an_idle_client_blocks_nobody(tmp_path: Path) -> None:
    def app(_: object, start_response: object) -> list[bytes]:
        start_response("200 OK", [("Content-Length", "2")])  # type: ignore[operator]
        return [b"ok"]

    pair = certificates.ensure(tmp_path)
    assert pair[1].stat().st_mode & 0o777 == 0o600
    assert certificates.ensure(tmp_path) == pair
    server = listeners.listen(LOCAL, 0, app, tls=pair)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    context = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
    context.verify_flags |= ssl.VERIFY_X509_STRICT  # the default of the machines' Python 3.13
    with socket.create_connection((LOCAL, server.port)):
        for name in ("ssm.eu-central-1.amazonaws.com", "sts.amazonaws.com", "monitoring.us-east-1.amazonaws.com"):
            raw = socket.create_connection((LOCAL, server.port), timeout=5)
            with context.wrap_socket(raw, server_hostname=name) as connection:
                connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
                assert connection.recv(12).endswith(b"200")
    with pytest.raises(ssl.SSLCertVerificationError):
        context.wrap_socket(socket.create_connection((LOCAL, server.port), timeout=5), server_hostname="example.com")
    server.shutdown()
    server.server_close()


def test_there_are_no_credentials_before_the_first_start(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="Run: make up"):
        cloud.admin_credentials(Place(tmp_path, "never"))
