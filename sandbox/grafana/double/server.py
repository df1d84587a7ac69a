"""Serves the application over HTTP or HTTPS until SIGTERM."""

from __future__ import annotations

import logging
import logging.handlers
import math
import os
import signal
import socket
import ssl
import sys
from pathlib import Path
from types import FrameType

from cheroot.server import HTTPConnection
from cheroot.ssl.builtin import BuiltinSSLAdapter
from cheroot.wsgi import Server

from . import application
from .alerting.scheduler import Scheduler
from .bundled import Bundled
from .certificates import Watcher
from .errors import ConfigurationError
from .settings import Settings
from .version import VERSION

THREADS = 10
BACKLOG = 128
_FORMAT = "logger=%(name)s t=%(asctime)s level=%(levelname)s msg=%(message)s"

log = logging.getLogger("grafana")


class _Adapter(BuiltinSSLAdapter):
    """TLS with the handshake in the connection's own thread, as in Go's server, which Grafana uses. cheroot would do it
    in the thread that accepts and closes all connections, where one silent peer blocks all others for `timeout`: they
    then look idle, and waiting requests are reset."""

    def wrap(self, sock: socket.socket) -> tuple[ssl.SSLSocket, dict[str, str]]:
        """The wrapped socket, and its variables in the WSGI environment."""
        wrapped = self.context.wrap_socket(sock, do_handshake_on_connect=False, server_side=True)
        return wrapped, {"wsgi.url_scheme": "https", "HTTPS": "on"}


class _Server(Server):
    """cheroot's server, which also runs the scheduler, the plugins and the certificate watcher while it serves."""

    keep_alive_conn_limit = 10_000
    scheduler: Scheduler
    bundled: Bundled
    certificates: Watcher | None = None

    def prepare(self) -> None:
        """Listen, and start the plugins, the scheduler and the certificate watcher."""
        super().prepare()
        self.bundled.start()
        self.scheduler.start()
        if self.certificates:
            self.certificates.start()

    def stop(self) -> None:
        """Stop everything that `prepare` has started."""
        if self.certificates:
            self.certificates.stop()
        self.scheduler.stop()
        self.bundled.stop()
        super().stop()

    def put_conn(self, conn: HTTPConnection) -> None:
        """Keep an idle connection open until the peer closes it: Grafana sets `read_timeout = 0`
        (pkg/api/http_server.go), with which Go never closes an idle connection. cheroot would close it after ten
        seconds, even while a request is on its way."""
        super().put_conn(conn)
        conn.last_used = math.inf

    def error_log(self, msg: str = "", level: int = logging.INFO, traceback: bool = False) -> None:  # noqa: FBT001
        """Log cheroot's own errors, such as broken TLS handshakes, to Grafana's log."""
        log.log(level, msg, exc_info=traceback)


def prepare_logging(settings: Settings) -> None:
    """Log to the console (the journal) and to grafana.log, as with `[log] mode = console file`."""
    settings.logs_path.mkdir(parents=True, exist_ok=True)
    file = logging.handlers.RotatingFileHandler(
        settings.logs_path / "grafana.log", maxBytes=1 << 28, backupCount=7, encoding="utf-8"
    )
    logging.basicConfig(
        level=logging.INFO,
        format=_FORMAT,
        datefmt="%Y-%m-%dT%H:%M:%S%z",
        handlers=[logging.StreamHandler(sys.stdout), file],
        force=True,
    )
    # If a peer aborts a TLS handshake, log a line instead of a traceback in the journal.
    sys.unraisablehook = lambda broken: log.info("Connection broken off: %s", broken.exc_value)
    # At level INFO, these log the addresses and headers of requests.
    for name in ("botocore", "urllib3"):
        logging.getLogger(name).setLevel(logging.WARNING)


def make(settings: Settings) -> _Server:
    """The server, ready to listen; ConfigurationError if the certificate cannot be used."""
    app = application.create(settings)
    server = _Server(
        (settings.http_addr or "0.0.0.0", settings.http_port),  # noqa: S104 (Grafana's default: everywhere)
        app,
        numthreads=THREADS,
        request_queue_size=BACKLOG,
        server_name="grafana",
    )
    server.scheduler = app.extensions["alerting"]
    server.bundled = app.extensions["grafana"].bundled
    server.shutdown_timeout = 2
    if settings.protocol == "https":
        try:
            server.ssl_adapter = _Adapter(settings.cert_file, settings.cert_key)
        except (ssl.SSLError, OSError) as error:
            raise ConfigurationError(f"cannot use the certificate {settings.cert_file}: {error}") from None
        context = server.ssl_adapter.context
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        server.certificates = Watcher(context, settings.cert_file, settings.cert_key, settings.certs_watch_interval)
    return server


def serve(settings: Settings, pid_file: Path | None = None) -> int:
    """Serve until SIGTERM or SIGINT; returns the exit status."""
    server = make(settings)

    def stop(number: int, frame: FrameType | None) -> None:
        del frame
        log.info("Shutdown started reason=%s", signal.Signals(number).name)
        raise SystemExit(0)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    try:
        server.prepare()
    except OSError as error:
        raise ConfigurationError(f"failed to listen on port {settings.http_port}: {error}") from None
    if pid_file:
        pid_file.parent.mkdir(parents=True, exist_ok=True)
        pid_file.write_text(f"{os.getpid()}\n")
    log.info(
        "HTTP Server Listen version=%s address=%s:%s protocol=%s (local stand-in)",
        VERSION,
        settings.http_addr or "[::]",
        settings.http_port,
        settings.protocol,
    )
    try:
        server.serve()
    except SystemExit:
        server.stop()
    finally:
        if pid_file:
            pid_file.unlink(missing_ok=True)
    return 0
