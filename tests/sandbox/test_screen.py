"""The screen at the end of `make up`: its exit status, and the reasons for it."""

from __future__ import annotations

import math
import os
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests
from cryptography import x509

from sandbox import screen, stack
from sandbox.place import Place
from sandbox.progress import console
from tests.support.certificates import CA, certificate_text, ec_key, issue, key_text, signed
from tests.support.serving import serving


def test_a_healthy_environment_has_no_problems() -> None:
    assert screen.problems([], {"influxdb": True, "cloudwatch": True}, {"web-1": 3.0}) == []


@pytest.mark.parametrize("age", [screen.SILENT_SECONDS, math.inf])
def test_every_problem_is_named(age: float) -> None:
    found = screen.problems(["machines"], {"influxdb": True, "cloudwatch": False}, {"web-1": age, "db-1": 3.0})
    assert found == ["machines is not running", "CloudWatch is not healthy in Grafana", "web-1 is sending no data"]


@pytest.mark.parametrize("failure", [requests.ReadTimeout("slow"), requests.JSONDecodeError("half", "", 0)])
def test_a_grafana_too_slow_to_answer_causes_no_traceback(monkeypatch: pytest.MonkeyPatch, failure: Exception) -> None:
    def query(*_: object, **__: object) -> None:
        raise failure

    monkeypatch.setattr(requests, "post", query)
    grafana = screen.Grafana("https://127.0.0.1:1", "admin", "password", Path("/dev/null"))
    assert screen._await_points(grafana, {"web-1"}, 0) == {"web-1": math.inf}


def test_up_waits_for_a_grafana_that_restarts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused connection is reported with the operating system's message; health checks are retried."""
    grafana = screen.Grafana("http://127.0.0.1:1", "admin", "password", None)
    once = screen._await_health(grafana, 0)
    assert set(once.values()) == {(False, "Grafana did not answer: [Errno 111] Connection refused")}
    real, asked = screen._health, 0

    def health(*which: object) -> tuple[bool, str]:
        nonlocal asked
        asked += 1
        return (True, "well") if asked > 3 else real(*which)  # type: ignore[arg-type]

    monkeypatch.setattr(screen, "_health", health)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    assert set(screen._await_health(grafana, math.inf).values()) == {(True, "well")}


@contextmanager
def encrypted(folder: Path, certificate: x509.Certificate) -> Iterator[int]:
    """A server with this certificate, whose key is `ec_key()`; yields its port."""
    files = {"certificate": certificate_text(certificate), "key": key_text(ec_key())}
    for name, text in files.items():
        (folder / name).write_text(text)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate", folder / "key")
    server = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with serving(server):
        yield server.server_port


@pytest.mark.parametrize(
    ("certificate", "authority"),
    [
        pytest.param(issue(ec_key(), names=("localhost",)), CA, id="self-signed"),
        pytest.param(signed(ec_key(), names=("localhost",), days=(-3, -1)), CA, id="expired"),
        pytest.param(signed(ec_key(), names=("somewhere.else",)), CA, id="for another name"),
        pytest.param(signed(ec_key(), names=("localhost",)), "", id="of a CA unknown to this machine"),
    ],
)
def test_an_untrusted_certificate_is_reported_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, certificate: x509.Certificate, authority: str
) -> None:
    """The output `caCertificate` is empty for a stack whose certificate is not signed by its own CA."""
    with encrypted(tmp_path, certificate) as port:
        outputs = {"grafanaUrl": f"https://localhost:{port}", "grafanaAdminUser": "admin", "grafanaAdminPassword": "a"}
        outputs |= {"influxdbUrl": "https://localhost:1", "caCertificate": authority}
        monkeypatch.setattr(stack, "outputs", lambda *_: outputs)
        monkeypatch.setattr(stack, "host_names", lambda *_: {"web-1"})
        nothing = SimpleNamespace(pid=lambda *_: None, running=lambda _: [], ended=lambda _: [], NAMES=())
        monkeypatch.setattr(screen, "daemons", nothing)
        with console.capture() as printed:
            assert screen.show(Place(tmp_path), "dev") == 1
    text = " ".join(printed.get().split())
    assert text.count("Grafana's certificate is not trusted: ") == 2
    assert "InfluxDB is not healthy in Grafana" in text


def test_long_rows_are_not_wrapped_in_a_file() -> None:
    """Such as a CI log, which is not a terminal of 80 columns."""
    long = f"the metrics of {'x' * 60}, {'y' * 60}"
    script = f"from sandbox import screen; screen.console.print(screen._health_table({{'influxdb': (True, {long!r})}}))"
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60)
    assert long in done.stdout


def test_nothing_is_truncated_on_a_narrow_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The terminal wraps an address that is longer than its lines."""
    outputs = {"grafanaUrl": "https://127.0.0.1:1", "grafanaAdminUser": "admin", "grafanaAdminPassword": "a"}
    address = "https://198.51.100.7:3000/d/monitoring-server"
    outputs |= {"influxdbUrl": address, "caCertificate": ""}
    monkeypatch.setattr(stack, "outputs", lambda *_: outputs)
    monkeypatch.setattr(stack, "host_names", lambda *_: {"a-host-with-a-long-name-indeed-1.example.com"})
    nothing = SimpleNamespace(pid=lambda *_: None, running=lambda _: [], ended=lambda _: [], NAMES=())
    monkeypatch.setattr(screen, "daemons", nothing)
    monkeypatch.setattr(console, "_width", 40)
    with console.capture() as printed:
        screen.show(Place(tmp_path), "dev")
    lines = printed.get().splitlines()
    assert any(address in line for line in lines)
    assert any(line.split()[:1] == ["a-host-with-a-long-name-indeed-1.example.com"] for line in lines)
