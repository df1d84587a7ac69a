"""The daemon: serves AWS on loopback, AWS over TLS for the machines, and the metadata service."""

from __future__ import annotations

import logging
import signal
import threading
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import BaseWSGIServer

from sandbox import daemons
from sandbox.cloud import (
    ACCOUNT,
    ANOTHER_ACCOUNT,
    admin_file,
    administrator,
    certificates,
    changes,
    grants,
    issuer,
    listeners,
    metadata,
    patches,
    regions,
    web_identity,
)
from sandbox.cloud.application import LocalAws
from sandbox.place import Place

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

TLS_PORT = 443
METADATA_PORT = 1338


def create_app(place: Place) -> LocalAws:
    """The local AWS as a WSGI application. No access key exists until `initialize` is called.

    Call it once per process: moto's classes and its state belong to the process.
    """
    # moto warns about each error code that botocore's models do not list; AWS has many more.
    warnings.filterwarnings("ignore", module=r"moto\.")
    patches.apply(place)
    return LocalAws(DomainDispatcherApplication(create_backend_app), changes.file(place).touch)


def initialize(place: Place) -> None:
    """Create each account's administrator, with its key in a file; empty the lists of used regions and grants."""
    regions.reset(place)
    grants.reset(place)
    for account in (ACCOUNT, ANOTHER_ACCOUNT):
        administrator.create(admin_file(place, account), account)


def identity_provider(folder: Path, address: str, port: int) -> BaseWSGIServer:
    """A stand-in for GitHub's identity provider, which the local AWS will use. folder: for its keys."""
    issuer.ensure(folder)
    tls = certificates.ensure_for(folder, issuer.HOST)
    server = listeners.listen(address, port, issuer.create_app(folder), tls=tls)
    web_identity.HOSTS[issuer.HOST] = web_identity.Host(address, server.port, tls[0])
    return server


def as_over_tls(app: WSGIApplication) -> WSGIApplication:
    """The application, with each request marked as sent over TLS.

    The operator uses plain HTTP that never leaves this machine; for policies it counts as AWS's endpoint, over TLS.
    """

    def over_tls(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ["wsgi.url_scheme"] = "https"
        return app(environ, start_response)

    return over_tls


def serve(place: Place) -> None:
    """Serve until SIGTERM. Raises SandboxError if a port is taken, naming the process that has it."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    done = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: done.set())
    folder = place.state / "cloud"
    folder.mkdir(parents=True, exist_ok=True)
    gateway = str(place.gateway)
    aws = create_app(place)
    servers = [
        listeners.listen("127.0.0.1", place.aws_port, as_over_tls(aws)),
        listeners.listen(gateway, TLS_PORT, aws, tls=certificates.ensure(folder)),
        listeners.listen(gateway, METADATA_PORT, metadata.create_app(aws.lock)),
        identity_provider(folder, "127.0.0.1", 0),
    ]
    # Only once every port is ours: another local AWS of this place would lose its administrator.
    initialize(place)
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with daemons.ready(place, "cloud"):
            done.wait()
    finally:
        for server in servers:
            server.server_close()
