"""The HTTP side: files below one folder, for anyone who asks."""

from __future__ import annotations

import io
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from sandbox.errors import SandboxError

IDLE_SECONDS = 60


class _Handler(SimpleHTTPRequestHandler):
    """Files only: no folder listings. Connections stay open, as apt asks for many files in a row."""

    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    server_version = "packages"

    def list_directory(self, path: object) -> io.BytesIO | None:
        self.send_error(HTTPStatus.NOT_FOUND)
        return None


def open_server(address: str, port: int, folder: Path) -> ThreadingHTTPServer:
    """A server bound to the address; its `serve_forever` answers with the files below `folder`.

    Raises SandboxError when the address does not exist or is taken.
    """
    try:
        server = ThreadingHTTPServer((address, port), partial(_Handler, directory=str(folder)))
    except OSError as error:
        raise SandboxError(f"The package server cannot listen on {address}:{port}: {error.strerror}.") from error
    server.daemon_threads = True
    return server
