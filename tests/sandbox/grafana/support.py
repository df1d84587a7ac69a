"""Runs the double and InfluxDB for tests, with certificates of a private CA."""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import ec

from sandbox import toolchain
from sandbox.grafana import package
from sandbox.grafana.double import server
from sandbox.grafana.double.bundled import Bundled
from sandbox.grafana.double.configuration import Configuration
from sandbox.grafana.double.settings import Settings
from sandbox.loopback import free_port, influxdb_configuration
from tests.support.certificates import certificate_text, issue, key_text

PASSWORD = "correct horse"
DEFAULTS = Path(server.__file__).parent.parent / "files" / "usr/share/grafana/conf/defaults.ini"


class Authority:
    """A private CA that signs certificates for servers."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._key = folder, ec.generate_private_key(ec.SECP256R1())
        self._certificate = issue(self._key, subject=name, authority=True)
        self.pem = certificate_text(self._certificate)
        self.file = folder / f"{name}.pem"
        self.file.write_text(self.pem)

    def server_files(self, name: str, address: str = "127.0.0.1") -> tuple[Path, Path]:
        """The certificate and key files for a server at an address."""
        key = ec.generate_private_key(ec.SECP256R1())
        signer = (self._certificate.subject, self._key)
        certificate, key_file = self._folder / f"{name}.crt", self._folder / f"{name}.key"
        certificate.write_text(certificate_text(issue(key, names=(), address=address, subject=name, signer=signer)))
        key_file.touch(mode=0o600)  # InfluxDB refuses a more permissive mode
        key_file.write_text(key_text(key))
        return certificate, key_file


@dataclass
class Grafana:
    """A running Grafana and how to call it.

    ca: the CA's certificate, unless all clients trust it. data: the double's folder, None for another Grafana.
    """

    url: str
    ca: Path | None
    data: Path | None
    user: str = "admin"
    password: str = PASSWORD

    def call(self, method: str, path: str, body: Any = None, **options: Any) -> requests.Response:
        options.setdefault("auth", (self.user, self.password))
        return requests.request(method, self.url + path, json=body, verify=self.verify, timeout=30, **options)

    @property
    def verify(self) -> str | bool:
        """What `requests` trusts."""
        return str(self.ca) if self.ca else True

    def files(self) -> bytes:
        """The content of the double's database; empty for another Grafana."""
        return b"".join(path.read_bytes() for path in self.data.glob("grafana.db*")) if self.data else b""

    def query(self, *queries: dict[str, Any], start: Any = "now-1h", end: Any = "now") -> requests.Response:
        return self.call("POST", "/api/ds/query", {"queries": list(queries), "from": start, "to": end})


def settings(data: Path, **changes: str) -> Settings:
    """Settings with the package's own defaults, as the server reads them. changes: section__key=value."""
    overrides = [f"cfg:{name.replace('__', '.')}={value}" for name, value in changes.items()]
    if not (plugins := data / "plugins-bundled").exists():
        package.bundle(plugins)
    base = [
        *(f"cfg:paths.data={data}", f"cfg:paths.logs={data}", f"cfg:paths.bundled_plugins={plugins}"),
        *("cfg:plugins.preinstall_disabled=true", f"cfg:security.admin_password={PASSWORD}"),
    ]
    return Settings.from_configuration(Configuration.read([DEFAULTS], [*base, *overrides], {}))


def running(folder: Path, authority: Authority, **changes: str) -> AbstractContextManager[Grafana]:
    """Run the double over TLS on a free port, in a thread. Its plugins are registered, but their thirteen processes are
    not started: they do nothing, and would take half as long as starting the double."""
    return _running(folder, authority, changes, plugin_processes=False)


def running_with_plugins(folder: Path, authority: Authority, **changes: str) -> AbstractContextManager[Grafana]:
    """Like `running`, but with the plugins' processes."""
    return _running(folder, authority, changes, plugin_processes=True)


@contextmanager
def _running(
    folder: Path, authority: Authority, changes: dict[str, str], *, plugin_processes: bool
) -> Iterator[Grafana]:
    certificate, key = authority.server_files("grafana")
    port = free_port()
    served = server.make(
        settings(
            folder,
            server__protocol="https",
            server__http_addr="127.0.0.1",
            server__http_port=str(port),
            server__cert_file=str(certificate),
            server__cert_key=str(key),
            **changes,
        )
    )
    if not plugin_processes:
        served.bundled = Bundled({}, frozenset())
    served.shutdown_timeout, served.expiration_interval = 0.2, 0.02
    served.prepare()
    thread = threading.Thread(target=served.serve, daemon=True)
    thread.start()
    try:
        yield Grafana(f"https://127.0.0.1:{port}", authority.file, folder)
    finally:
        served.stop()
        thread.join(5)


def influxd() -> str:
    """The built influxd; skips the test if it has not been built."""
    built = toolchain.binaries() / "influxd"
    found = str(built) if built.exists() else shutil.which("influxd")
    if found is None:
        pytest.skip("influxd is not built: run `make up` once, or python -m sandbox.toolchain")
    return found


@dataclass
class Influx:
    """A running InfluxDB with the database telegraf, a read-only user grafana, and an administrator."""

    url: str
    ca: Authority
    admin: tuple[str, str] = ("admin", "administrator")
    reader: tuple[str, str] = ("grafana", "read only")

    def run(self, statement: str, auth: tuple[str, str] | None = None) -> dict[str, Any]:
        answer = requests.post(
            f"{self.url}/query", data={"q": statement}, auth=auth, verify=str(self.ca.file), timeout=60
        )
        return dict(answer.json())

    def write(self, lines: str) -> None:
        answer = requests.post(
            f"{self.url}/write?db=telegraf",
            data=lines.encode(),
            auth=self.admin,
            verify=str(self.ca.file),
            timeout=60,
        )
        answer.raise_for_status()


@contextmanager
def influxdb(folder: Path, authority: Authority) -> Iterator[Influx]:
    """Run a real InfluxDB with TLS and authentication."""
    certificate, key = authority.server_files("influxdb")
    port = free_port()
    configuration = folder / "influxdb.conf"
    options = (
        *("auth-enabled = true", "https-enabled = true"),
        *(f'https-certificate = "{certificate}"', f'https-private-key = "{key}"'),
    )
    configuration.write_text(influxdb_configuration(folder, port, http_options=options))
    process = subprocess.Popen([influxd(), "-config", str(configuration)], stderr=subprocess.DEVNULL)
    try:
        instance = Influx(f"https://127.0.0.1:{port}", authority)
        _wait(instance)
        (admin, admin_password), (reader, reader_password) = instance.admin, instance.reader
        instance.run(f"CREATE USER {admin} WITH PASSWORD '{admin_password}' WITH ALL PRIVILEGES")
        for statement in (
            "CREATE DATABASE telegraf",
            f"CREATE USER {reader} WITH PASSWORD '{reader_password}'",
            f"GRANT READ ON telegraf TO {reader}",
        ):
            instance.run(statement, instance.admin)
        yield instance
    finally:
        process.terminate()
        process.wait(60)


def _wait(instance: Influx) -> None:
    end = time.monotonic() + 120
    while True:
        try:
            requests.get(f"{instance.url}/ping", verify=str(instance.ca.file), timeout=20)
            return
        except requests.ConnectionError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
