"""The daemon: serves the page on loopback, and forwards the few requests that the page makes to the stack's Grafana.

Anyone who can reach the port can read the dashboards and their data without a password. So it only listens on loopback,
only accepts requests for its own names (against DNS rebinding), and only forwards requests that read.
"""

from __future__ import annotations

import mimetypes
import re
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import urllib3

from sandbox import daemons, stack
from sandbox.errors import SandboxError
from sandbox.place import Place
from sandbox.viewer import bundle

READS = re.compile(
    r"/api/(?:dashboards/uid/[\w-]+|search|datasources/uid/[\w-]+/resources/[\w/-]+|prometheus/grafana/api/v1/rules)"
)
QUERY = "/api/ds/query"
LARGEST_QUERY = 1_000_000
RECONNECT_SECONDS = 10.0
"""The stack's outputs, such as the password, are read at most this often."""
POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; script-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; frame-ancestors 'none'"
)
"""Everything on the page comes from this server."""


class Grafana:
    """The stack's Grafana, called as its administrator; its certificate is checked against the stack's CA."""

    def __init__(self, place: Place, name: str) -> None:
        self._place = place
        self._name = name
        self._lock = threading.Lock()
        self._read = 0.0
        self._connect()

    def _connect(self) -> None:
        outputs = stack.outputs(self._place, self._name)
        if "grafanaUrl" not in outputs:
            raise SandboxError(f"The stack {self._name} has no Grafana yet. Run: make up")
        authority = self._place.state / "viewer-ca.pem"
        authority.write_text(outputs["caCertificate"])
        self.url = str(outputs["grafanaUrl"])
        self._headers = urllib3.make_headers(
            basic_auth=f"{outputs['grafanaAdminUser']}:{outputs['grafanaAdminPassword']}"
        )
        self._pool = urllib3.PoolManager(
            ca_certs=str(authority) if outputs["caCertificate"] else None,
            maxsize=8,
            retries=False,
            timeout=urllib3.Timeout(connect=5, read=60),
        )
        self._read = time.monotonic()

    def ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        """The status and the JSON of Grafana's response. If the login is refused, retries with the current password."""
        status, answer = self._ask_once(method, path, body)
        if status == HTTPStatus.UNAUTHORIZED:
            with self._lock:
                if time.monotonic() - self._read > RECONNECT_SECONDS:
                    self._connect()
            status, answer = self._ask_once(method, path, body)
        return status, answer

    def _ask_once(self, method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
        headers = {**self._headers, "Content-Type": "application/json"}
        response = self._pool.request(method, self.url + path, body=body, headers=headers)
        return response.status, response.data


class Handler(BaseHTTPRequestHandler):
    """Serves the bundle's files, and forwards the requests that `READS` and `QUERY` allow."""

    protocol_version = "HTTP/1.1"
    timeout = 60
    server: Server

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if not self._has_own_host():
            return
        if path.startswith("/api/"):
            if READS.fullmatch(path):
                self._forward("GET", None)
            else:
                self._refuse(HTTPStatus.FORBIDDEN, "The local viewer only reads dashboards and data.")
            return
        self._file(path)

    def do_POST(self) -> None:
        if not self._has_own_host():
            return
        # Another site's page cannot send this content type without a preflight request, which is always refused.
        json_only = self.headers.get("Content-Type", "").split(";")[0].strip() == "application/json"
        length = self.headers.get("Content-Length", "")
        if self.path != QUERY or not json_only:
            self.close_connection = True
            self._refuse(HTTPStatus.FORBIDDEN, "The local viewer only reads dashboards and data.")
        elif not length.isdecimal() or int(length) > LARGEST_QUERY:
            self.close_connection = True
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The query is too long.")
        else:
            self._forward("POST", self.rfile.read(int(length)))

    def _has_own_host(self) -> bool:
        """Whether the request names this server as its host; refuses it otherwise."""
        port = self.server.server_port
        if self.headers.get("Host") in (f"127.0.0.1:{port}", f"localhost:{port}"):
            return True
        self.close_connection = True
        self._refuse(HTTPStatus.MISDIRECTED_REQUEST, f"The local viewer's address is http://127.0.0.1:{port}.")
        return False

    def _forward(self, method: str, body: bytes | None) -> None:
        try:
            status, answer = self.server.grafana.ask(method, self.path, body)
        except (urllib3.exceptions.HTTPError, SandboxError) as error:
            self.log_message("Grafana did not answer: %s", error)
            self._refuse(HTTPStatus.BAD_GATEWAY, f"Grafana did not answer: {type(error).__name__}")
            return
        self._send(status, "application/json", answer)

    def _file(self, path: str) -> None:
        is_page = path == "/" or path.startswith("/d/")
        file = (self.server.www / ("index.html" if is_page else path.lstrip("/"))).resolve()
        if not file.is_relative_to(self.server.www) or not file.is_file():
            self._refuse(HTTPStatus.NOT_FOUND, "There is no such file.")
            return
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        self._send(HTTPStatus.OK, kind, file.read_bytes())

    def _refuse(self, status: HTTPStatus, message: str) -> None:
        self._send(status, "application/json", f'{{"message": "{message}"}}'.encode())

    def _send(self, status: int, kind: str, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Content-Security-Policy", POLICY)
        self.end_headers()
        self.wfile.write(content)


class Server(ThreadingHTTPServer):
    """The listening server, and what its handlers need. www: the bundle's folder."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, port: int, www: Path, grafana: Grafana) -> None:
        self.www = www.resolve()
        self.grafana = grafana
        try:
            super().__init__(("127.0.0.1", port), Handler)
        except OSError as error:
            raise SandboxError(f"The viewer cannot listen on 127.0.0.1:{port}: {error.strerror}.") from error


def serve(place: Place) -> None:
    """Serve until SIGTERM. Raises SandboxError if the stack is not complete or the port is in use."""
    with Server(place.viewer_port, bundle.ensure(), Grafana(place, stack.name())) as server:
        daemons.serve(place, "viewer", server)
