"""The double reloads its certificate while it serves, if it is configured to watch the files."""

from __future__ import annotations

import shutil
import socket
import ssl
import time
from pathlib import Path

from tests.sandbox.grafana.support import Authority, Grafana, running


def shown(grafana: Grafana) -> str:
    """The serial number of the certificate that the server presents now."""
    port = int(grafana.url.rsplit(":", 1)[1])
    context = ssl.create_default_context(cafile=str(grafana.ca))
    with (
        socket.create_connection(("127.0.0.1", port), timeout=5) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as secure,
    ):
        certificate = secure.getpeercert()
    assert certificate
    return str(certificate["serialNumber"])


def changes(grafana: Grafana, serial: str, seconds: float = 60) -> bool:
    """Whether the server presents another certificate in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if shown(grafana) != serial:
            return True
        time.sleep(0.05)
    return False


def test_a_changed_certificate_is_loaded_once_its_key_matches(tmp_path: Path, authority: Authority) -> None:
    new_certificate, new_key = authority.server_files("other")
    with running(tmp_path, authority, server__certs_watch_interval="50ms") as grafana:
        serial = shown(grafana)
        shutil.copy(new_certificate, authority.file.with_name("grafana.crt"))
        assert not changes(grafana, serial, 0.4)
        shutil.copy(new_key, authority.file.with_name("grafana.key"))
        assert changes(grafana, serial)


def test_files_are_not_watched_without_the_setting(tmp_path: Path, authority: Authority) -> None:
    new_certificate, new_key = authority.server_files("other")
    with running(tmp_path, authority) as grafana:
        serial = shown(grafana)
        shutil.copy(new_certificate, authority.file.with_name("grafana.crt"))
        shutil.copy(new_key, authority.file.with_name("grafana.key"))
        assert not changes(grafana, serial, 0.4)
