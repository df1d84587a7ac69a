"""External InfluxDBs for the setting `influxdb`, on a machine outside AWS with its own CA: 1.12.4 behind a proxy, at a
path on port 443, and 2.x on a port of its own."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox import toolchain
from sandbox.machines.machine import Machine
from sandbox.machines.register import find
from sandbox.toolchain.influxdb import shortfall
from sandbox.toolchain.recipes import FOR_TESTS
from tests.live.environment import Environment
from tests.sandbox.grafana.support import Authority
from tests.support.waiting import eventually

MACHINE = "db-1"
HOME = "/opt/elsewhere"
USER = "writer.of_telegraf-1"
CA = Path("elsewhere.pem")
"""The certificate of their CA, in the environment's folder."""
NO_VERSION_2 = "InfluxDB 2.x needs compilers that are missing here" if shortfall() else ""
"""Why InfluxDB 2.x cannot run here; empty if it can."""
PASSWORD = 'p w"\\ä$:%@{x}#&+='
"""Contains every kind of character that the setting accepts."""

PROXY = """
import http.client, http.server, ssl

LENGTHS = ("transfer-encoding", "content-length", "connection")


class Proxy(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def pass_on(self):
        if not self.path.startswith("/metrics/influx/"):
            return self.send_error(404)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in LENGTHS}
        behind = http.client.HTTPConnection("127.0.0.1", 8087)
        behind.request(self.command, self.path.removeprefix("/metrics/influx"), self.body(), headers)
        answer = behind.getresponse()
        content = answer.read()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in LENGTHS:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def body(self):
        if self.headers.get("Transfer-Encoding") != "chunked":  # Telegraf's are
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    do_GET = do_POST = do_HEAD = pass_on

server = http.server.ThreadingHTTPServer(("0.0.0.0", 443), Proxy)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("/opt/elsewhere/tls.crt", "/opt/elsewhere/tls.key")
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
server.serve_forever()
"""

FIRST = """reporting-disabled = true
bind-address = "127.0.0.1:8089"
[meta]
dir = "/opt/elsewhere/1/meta"
[data]
dir = "/opt/elsewhere/1/data"
wal-dir = "/opt/elsewhere/1/wal"
[http]
bind-address = "127.0.0.1:8087"
auth-enabled = true
log-enabled = false
"""


@dataclass(frozen=True)
class ExternalInfluxdb:
    """What the setting `influxdb` needs, except for the password, which is PASSWORD."""

    url: str
    ca: str
    database: str = "telegraf"

    @property
    def setting(self) -> dict[str, Any]:
        return {"url": self.url, "database": self.database, "username": USER, "ca": self.ca}


def start_version_1(environment: Environment) -> ExternalInfluxdb:
    """Start InfluxDB 1.12.4 behind a proxy."""
    machine, ca = _prepared(environment)
    root = machine.root / HOME.lstrip("/")
    shutil.copy(toolchain.binaries() / "influxd", root)
    (root / "influxdb.conf").write_text(FIRST)
    (root / "proxy.py").write_text(PROXY)
    _start(machine, "influxdb1", f"{HOME}/influxd", "-config", f"{HOME}/influxdb.conf")
    _start(machine, "proxy", "/usr/bin/python3", f"{HOME}/proxy.py")
    made = ExternalInfluxdb(f"https://{machine.address}/metrics/influx", ca)
    verify = str(_ca_file(environment))
    escaped = PASSWORD.replace("\\", "\\\\")

    def ask(statement: str, auth: tuple[str, str] | None = ("root", "root")) -> bool:
        try:
            answer = requests.post(f"{made.url}/query", data={"q": statement}, auth=auth, verify=verify, timeout=20)
        except requests.ConnectionError:
            return False
        return answer.ok and "error" not in answer.text

    assert eventually(lambda: ask("CREATE USER root WITH PASSWORD 'root' WITH ALL PRIVILEGES", None))
    for statement in (
        "CREATE DATABASE telegraf",
        f"CREATE USER \"{USER}\" WITH PASSWORD '{escaped}'",
        f'GRANT ALL ON telegraf TO "{USER}"',
    ):
        assert ask(statement), statement
    return made


def start_version_2(environment: Environment) -> ExternalInfluxdb:
    """Start InfluxDB 2.x, whose bucket `telegraf` is the database, with a version 1 login. Skips the test if it cannot
    run here."""
    if NO_VERSION_2:
        pytest.skip(NO_VERSION_2)
    machine, ca = _prepared(environment)
    shutil.copy(toolchain.ensure(FOR_TESTS) / "influxd2", machine.root / HOME.lstrip("/"))
    _start(
        machine,
        "influxdb2",
        *(f"{HOME}/influxd2", "--bolt-path", f"{HOME}/2/bolt", "--engine-path", f"{HOME}/2/engine"),
        *("--sqlite-path", f"{HOME}/2/sqlite", "--reporting-disabled", "--http-bind-address", "0.0.0.0:9999"),
        *("--tls-cert", f"{HOME}/tls.crt", "--tls-key", f"{HOME}/tls.key"),
    )
    external = ExternalInfluxdb(f"https://{machine.address}:9999", ca)
    session = requests.Session()
    session.trust_env = False
    session.verify = str(_ca_file(environment))

    def call(path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = session.post(external.url + path, json=body, timeout=20)
        assert answer.ok, answer.text
        return dict(answer.json()) if answer.content else {}

    def answers() -> bool:
        try:
            return session.get(f"{external.url}/health", timeout=20).ok
        except requests.ConnectionError:
            return False

    assert eventually(answers)
    owner = {"username": "root", "password": "root-root", "org": "they", "bucket": "telegraf"}
    made = call("/api/v2/setup", owner)
    session.headers["Authorization"] = f"Token {made['auth']['token']}"
    org, bucket = made["org"]["id"], made["bucket"]["id"]
    rights = [
        {"action": action, "resource": {"type": "buckets", "id": bucket, "orgID": org}} for action in ("read", "write")
    ]
    login = call("/private/legacy/authorizations", {"token": USER, "orgID": org, "permissions": rights})
    call(f"/private/legacy/authorizations/{login['id']}/password", {"password": PASSWORD})
    return external


def stop(environment: Environment) -> None:
    """Stop both and delete their files."""
    units = [f"elsewhere-{name}" for name in ("influxdb1", "proxy", "influxdb2")]
    environment.machine(MACHINE, "systemctl", "stop", *units)
    environment.machine(MACHINE, "rm", "-rf", HOME)


def _prepared(environment: Environment) -> tuple[Machine, str]:
    """Put a certificate from an external CA on the machine; returns the machine and that CA as PEM."""
    machine = find(environment.place, MACHINE)
    folder = machine.root / HOME.lstrip("/")
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "tls.crt").exists():
        authority = Authority(environment.place.state, CA.stem)
        certificate, key = authority.server_files("influxdb", str(machine.address))
        shutil.copy(certificate, folder / "tls.crt")
        shutil.copy(key, folder / "tls.key")
    return machine, _ca_file(environment).read_text()


def _ca_file(environment: Environment) -> Path:
    return environment.place.state / CA


def _start(machine: Machine, name: str, *command: str) -> None:
    unit = ["systemd-run", "--unit", f"elsewhere-{name}", "--collect", "--setenv", f"HOME={HOME}", *command]
    done = machine.run(unit, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def use(environment: Environment, external: ExternalInfluxdb) -> None:
    """Write it to the stack's file, with the password encrypted."""
    environment.configure(influxdb=external.setting, agentCidrs=[], retention="30d")
    done = environment.pulumi("config", "set", "--secret", "--path", "monitoring:influxdb.password", PASSWORD)
    assert done.returncode == 0, done.stderr
