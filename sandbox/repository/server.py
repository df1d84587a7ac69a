"""The HTTP server, which serves the files below a folder to anyone."""

from __future__ import annotations

import io
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from sandbox.errors import SandboxError

IDLE_SECONDS = 60


class _Handler(SimpleHTTPRequestHandler):
    """Serves files only, no folder listings. Connections stay open, as apt requests many files in a row."""

    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    server_version = "packages"

    def list_directory(self, path: object) -> io.BytesIO | None:
        self.send_error(HTTPStatus.NOT_FOUND)
        return None


def open_server(address: str, port: int, folder: Path) -> ThreadingHTTPServer:
    """A server bound to the address, which serves the files below `folder`.

    Raises SandboxError if the address does not exist or is in use.
    """
    try:
        server = ThreadingHTTPServer((address, port), partial(_Handler, directory=str(folder)))
    except OSError as error:
        raise SandboxError(f"The package server cannot listen on {address}:{port}: {error.strerror}.") from error
    server.daemon_threads = True
    return server
