"""A certificate authority on another machine: pebble, Let's Encrypt's own server for testing clients, which checks the
DNS-01 challenge as in RFC 8555, 8.4. It asks a name server that serves the records of the local Route 53."""

from __future__ import annotations

import json
import shutil
import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sandbox import toolchain
from sandbox.machines.machine import Machine
from sandbox.machines.register import find
from sandbox.machines.standpoint import at
from sandbox.toolchain.recipes import ACME
from tests.live.environment import Environment
from tests.sandbox.grafana.support import Authority
from tests.support.waiting import eventually

MACHINE, HOME, UNIT = "web-1", "/opt/acme", "acme-pebble"
TXT, IN = 16, 1
"""Type and class of a question (RFC 1035, 3.2)."""


@dataclass(frozen=True)
class Acme:
    """The authority, not running yet. ca: the CA that signed the certificate for its own address."""

    machine: Machine
    ca: str

    @property
    def directory(self) -> str:
        return f"https://{self.machine.address}/dir"

    @contextmanager
    def running(self, environment: Environment, zone: str) -> Iterator[str]:
        """Run the authority, for names in that zone; yields its root as PEM, which browsers would trust."""
        with _names(self.machine, environment.aws("route53"), zone) as port:
            command = [f"{HOME}/pebble", "-config", f"{HOME}/pebble.json", "-strict", "-dnsserver", f"127.0.0.1:{port}"]
            # Otherwise it rejects one nonce in twenty, and a request fails if that happens to its repetition, too.
            settings = ["--setenv=PEBBLE_VA_NOSLEEP=1", "--setenv=PEBBLE_WFE_NONCEREJECT=0"]
            started = ["systemd-run", "--unit", UNIT, "--collect", *settings, *command]
            done = self.machine.run(started, timeout=60)
            assert done.returncode == 0, done.stdout + done.stderr
            try:
                root = eventually(self._root)
                assert root
                yield root
            finally:
                self.machine.run(["systemctl", "stop", UNIT], timeout=60)

    def _root(self) -> str:
        """The root, which is a new one at each start. It is served on a second port, on the machine itself."""
        done = self.machine.run(["curl", "-sSfk", "https://127.0.0.1:15000/roots/0"], timeout=60)
        return str(done.stdout) if done.returncode == 0 else ""

    def log(self) -> str:
        """What the authority has logged."""
        return self.machine.run(["journalctl", "-u", UNIT, "-o", "cat"], timeout=60).stdout


def prepare(environment: Environment) -> Acme:
    """Put the authority's files on the machine."""
    machine = find(environment.place, MACHINE)
    authority = Authority(environment.place.state, "acme")
    folder = machine.root / HOME.lstrip("/")
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(toolchain.ensure(ACME) / "pebble", folder)
    certificate, key = authority.server_files("pebble", str(machine.address))
    shutil.copy(certificate, folder / "tls.crt")
    shutil.copy(key, folder / "tls.key")
    settings = {
        **{"listenAddress": "0.0.0.0:443", "managementListenAddress": "127.0.0.1:15000"},
        **{"certificate": f"{HOME}/tls.crt", "privateKey": f"{HOME}/tls.key", "keyAlgorithm": "ecdsa"},
        "profiles": {"default": {"description": "90 days", "validityPeriod": 90 * 86400}},
    }
    (folder / "pebble.json").write_text(json.dumps({"pebble": settings}))
    return Acme(machine, authority.pem)


@contextmanager
def _names(machine: Machine, route53: Any, zone: str) -> Iterator[int]:
    """Run a name server on the machine's loopback that serves a zone's current TXT records; yields its port. Pebble
    asks over TCP, where two bytes give the length of a message (RFC 1035, 4.2.2)."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            (length,) = struct.unpack("!H", self.rfile.read(2))
            said = answer(self.rfile.read(length), _records(route53, zone))
            self.wfile.write(struct.pack("!H", len(said)) + said)

    with at(machine):
        server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()


def _records(route53: Any, zone: str) -> dict[str, list[str]]:
    """The TXT records by name, which is in lower case and without the last dot."""
    sets = route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    return {
        one["Name"].lower().rstrip("."): [each["Value"].strip('"') for each in one["ResourceRecords"]]
        for one in sets
        if one["Type"] == "TXT"
    }


def answer(question: bytes, records: dict[str, list[str]]) -> bytes:
    """The response to a question about one name (RFC 1035, 4): its TXT records, or NXDOMAIN (3) if there are none."""
    number, flags = struct.unpack("!HH", question[:4])
    labels, at_ = [], 12
    while length := question[at_]:
        labels.append(question[at_ + 1 : at_ + 1 + length].decode())
        at_ += 1 + length
    kind, class_ = struct.unpack("!HH", question[at_ + 1 : at_ + 5])
    name = ".".join(labels).lower()
    found = records.get(name, []) if (kind, class_) == (TXT, IN) else []
    status = 0 if name in records else 3
    # An authoritative response, which echoes the bit "recursion desired".
    head = struct.pack("!HHHHHH", number, 0x8480 | flags & 0x0100 | status, 1, len(found), 0, 0)
    texts = [bytes([len(text)]) + text.encode() for text in found]
    # Each has a pointer to the question's name, and a time to live of 0.
    each = [struct.pack("!HHHIH", 0xC00C, TXT, IN, 0, len(text)) + text for text in texts]
    return head + question[12 : at_ + 5] + b"".join(each)
