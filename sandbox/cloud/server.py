"""The daemon: AWS on loopback, AWS over TLS for the machines, the metadata service."""

from __future__ import annotations

import errno
import json
import os
import signal
import threading
from pathlib import Path
from typing import Any

import psutil
from werkzeug.serving import BaseWSGIServer, make_server

from sandbox.cloud import certificates, images
from sandbox.errors import SandboxError
from sandbox.place import Place

TLS_PORT = 443
METADATA_PORT = 1338
ADMINISTRATOR = "administrator"
EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def create_app(place: Place, folder: Path) -> Any:
    """moto's WSGI application, mended for the place, its administrator's key in `folder`/admin.json."""
    os.environ |= {
        "MOTO_AMIS_PATH": str(images.write(folder)),
        "MOTO_ENABLE_AMI_VALIDATION": "1",
        "MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION": "1",
        "MOTO_PORT": str(place.aws_port),
    }
    # moto reads its environment when it is imported.
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app  # noqa: PLC0415

    from sandbox.cloud import mends  # noqa: PLC0415

    mends.apply(place)
    _make_administrator(folder)
    mends.iam.enforce()
    return DomainDispatcherApplication(create_backend_app)


def _make_administrator(folder: Path) -> None:
    from moto.iam.models import iam_backends  # noqa: PLC0415

    from sandbox.cloud import ACCOUNT  # noqa: PLC0415

    iam = iam_backends[ACCOUNT]["aws"]
    iam.create_user("aws", ADMINISTRATOR)
    iam.put_user_policy(ADMINISTRATOR, "everything", json.dumps(EVERYTHING))
    key = iam.create_access_key(ADMINISTRATOR)
    path = folder / "admin.json"
    path.touch(mode=0o600)
    path.write_text(
        json.dumps({"AWS_ACCESS_KEY_ID": key.access_key_id, "AWS_SECRET_ACCESS_KEY": key.secret_access_key})
    )


def serve(place: Place) -> None:
    """Serve until SIGTERM. Raises SandboxError, naming who has it, when a port is taken."""
    folder = place.state / "cloud"
    folder.mkdir(parents=True, exist_ok=True)
    app = create_app(place, folder)
    certificate, key = certificates.ensure(folder)
    from moto.moto_server.werkzeug_app import MotoRequestHandler  # noqa: PLC0415

    from sandbox.cloud import metadata  # noqa: PLC0415

    gateway = str(place.gateway)
    servers = [
        listen("127.0.0.1", place.aws_port, app, request_handler=MotoRequestHandler),
        listen(
            *(gateway, TLS_PORT, app),
            request_handler=MotoRequestHandler,
            ssl_context=(str(certificate), str(key)),
        ),
        listen(gateway, METADATA_PORT, metadata.create_app()),
    ]
    done = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: done.set())
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    ready = place.state / "cloud.ready"
    ready.write_text(str(os.getpid()))
    try:
        done.wait()
    finally:
        ready.unlink(missing_ok=True)


def listen(host: str, port: int, app: Any, **options: Any) -> BaseWSGIServer:
    """A threaded server bound to the address. Raises SandboxError when it is taken or not there."""
    # Bound here rather than by werkzeug, which ends the process with advice about other ports.
    try:
        return make_server(host, port, app, threaded=True, **options)
    except (OSError, SystemExit) as error:
        if isinstance(error, OSError) and error.errno == errno.EADDRNOTAVAIL:
            raise SandboxError(f"The address {host} is not there: the bridge is missing. Type: make up") from None
        raise SandboxError(f"Port {port} of {host} is taken by {owner(port)}. End it, then type: make up") from None


def owner(port: int) -> str:
    """Who listens on a port, for people: its command and pid."""
    for connection in psutil.net_connections("tcp"):
        local: Any = connection.laddr
        if connection.status == psutil.CONN_LISTEN and local.port == port and connection.pid:
            process = psutil.Process(connection.pid)
            return f"{process.name()} (pid {process.pid})"
    return "another process"
