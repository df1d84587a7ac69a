"""Threaded HTTP servers on one address and port, with or without TLS."""

from __future__ import annotations

import errno
import socket
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import BaseWSGIServer, make_server

from sandbox.errors import SandboxError

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

IDLE_SECONDS = 75
"""How long a connection may be idle before it is closed."""


class QuietHandler(MotoRequestHandler):
    """Logs no requests: the machines daemon sends several per second."""

    timeout = IDLE_SECONDS

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing; the application logs what it refuses."""


def listen(host: str, port: int, app: WSGIApplication, tls: tuple[Path, Path] | None = None) -> BaseWSGIServer:
    """A server bound to the address; it serves once `serve_forever` is called.

    tls: certificate (with its chain) and private key. Raises SandboxError if the address does not exist, or if the
    port is taken, naming the process that has it.
    """
    # Bound here and not by werkzeug, which exits if the port is taken, with advice about other ports.
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
        bound.listen(128)
    except OSError as error:
        bound.close()
        raise SandboxError(_why(error, host, port)) from None
    server = make_server(host, port, app, threaded=True, request_handler=QuietHandler, fd=bound.fileno())
    bound.close()  # werkzeug has its own copy
    if tls is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*tls)
        server.ssl_context = context
        # The connection's own thread does the handshake, at its first read. During accept(), a client that connects
        # and sends nothing would block all others.
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    return server


def _why(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRNOTAVAIL:
        return f"The address {host} does not exist: the local environment's bridge is missing. Run: make up"
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} of {host} is taken by {owner(host, port)}. End it, then run: make up"
    return f"Cannot listen on port {port} of {host}: {error.strerror}"


def owner(host: str, port: int) -> str:
    """The process that listens on an address and port, as text: command and pid."""
    for connection in psutil.net_connections("tcp"):
        local: Any = connection.laddr
        listening = connection.status == psutil.CONN_LISTEN and local.port == port
        if listening and local.ip in (host, "0.0.0.0", "::") and connection.pid:  # noqa: S104 - compared, not bound
            process = psutil.Process(connection.pid)
            return f"{' '.join(process.cmdline()[:3]) or process.name()} (pid {process.pid})"
    return "another process"
