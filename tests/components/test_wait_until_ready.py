"""The readiness gate: what it waits for, what it tells, and when it gives up."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import unquote

import pytest

from components import wait_until_ready as gate
from components.wait_until_ready import (
    Endpoint,
    NotYetError,
    Store,
    check_grafana,
    check_point,
    check_revision,
    wait,
)
from tests.components.certificates import make_certificate


class Double(BaseHTTPRequestHandler):
    """Answers as the class attribute says, by path without query."""

    answers: dict[str, tuple[int, str]] = {}  # noqa: RUF012 - set by each test
    seen: list[str] = []  # noqa: RUF012

    def do_GET(self) -> None:
        self.seen.append(f"{self.path} {self.headers.get('Authorization')}")
        status, body = self.answers.get(self.path.partition("?")[0], (404, ""))
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def endpoint(tmp_path: Path) -> Iterator[Endpoint]:
    """A TLS server on loopback, and where and how to reach it."""
    certificate = make_certificate(tmp_path)
    server = HTTPServer(("127.0.0.1", 0), Double)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    Double.answers, Double.seen = {}, []
    yield Endpoint("127.0.0.1", server.server_port, "localhost", certificate.read_text().partition("-----BEGIN EC")[0])
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "PAUSE", 0.01)
    monkeypatch.setattr(gate, "CONSOLE_PAUSE", 0.0)


def test_grafana_is_ready_when_healthy_and_the_password_works(endpoint: Endpoint) -> None:
    Double.answers = {"/api/health": (200, ""), "/api/org": (200, "")}
    check_grafana(endpoint, "word")
    assert Double.seen == ["/api/health None", "/api/org Basic YWRtaW46d29yZA=="]


def test_grafana_with_another_password_is_not_ready(endpoint: Endpoint) -> None:
    Double.answers = {"/api/health": (200, ""), "/api/org": (401, "")}
    with pytest.raises(NotYetError, match="does not accept"):
        check_grafana(endpoint, "word")


def test_a_stored_point_counts_and_an_empty_answer_does_not(endpoint: Endpoint) -> None:
    Double.answers = {"/query": (200, '{"results":[{"statement_id":0}]}')}
    with pytest.raises(NotYetError, match="not stored yet"):
        check_point(Store(endpoint, "telegraf", ("reader", "word")), "monitoring-dev")
    Double.answers = {"/query": (200, '{"results":[{"series":[{"values":[[1,2]]}]}]}')}
    check_point(Store(endpoint, "telegraf", ("reader", "word")), "monitoring-dev")
    assert "db=telegraf" in Double.seen[0]
    assert "monitoring-dev" in Double.seen[0]


def test_another_authority_is_not_trusted(endpoint: Endpoint, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    ca = make_certificate(other).read_text().partition("-----BEGIN EC")[0]
    stranger = Endpoint(endpoint.address, endpoint.port, endpoint.server_name, ca)
    with pytest.raises(NotYetError, match="certificate is not the expected one"):
        stranger.get("/")


def test_another_name_is_not_trusted(endpoint: Endpoint) -> None:
    with pytest.raises(NotYetError, match="certificate is not the expected one"):
        Endpoint(endpoint.address, endpoint.port, "example.com", endpoint.ca).get("/")


def test_nobody_listening_is_not_ready() -> None:
    with pytest.raises(NotYetError, match="no answer"):
        Endpoint("127.0.0.1", 1, "localhost", "").get("/")


def failing_times(times: int) -> object:
    left = iter(range(times))

    def check() -> None:
        for _ in left:
            raise NotYetError("no answer yet")

    return check


def test_progress_is_told_once_a_change(capsys: pytest.CaptureFixture[str]) -> None:
    console = "boot\nmonitoring: installing grafana=1\n"
    assert wait([("Grafana", failing_times(5))], lambda: console, 5) is None  # type: ignore[list-item]
    assert capsys.readouterr().out.splitlines() == [
        "Grafana: no answer yet · server: installing grafana=1",
        "Grafana: ready",
    ]


def test_a_failed_boot_ends_the_waiting_with_its_line() -> None:
    looks = iter(["x\n", "x\nmonitoring: boot failed at line 42 of boot.sh: mount $place (10:00:00)\ny"])
    why = wait([("Grafana", failing_times(10**6))], lambda: next(looks), 60)  # type: ignore[list-item]
    assert why == "the server's boot failed at line 42 of boot.sh: mount $place (10:00:00)"


def test_an_earlier_failure_does_not_count_but_the_same_again_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "CONSOLE_PAUSE", 0.0)
    monkeypatch.setattr(gate, "PAUSE", 0.001)
    line = "monitoring: boot failed at line 42 of boot.sh: apt update ({})\n"
    earlier = line.format("10:00:00")
    looks = iter([earlier, earlier, earlier, earlier + line.format("10:01:00")])
    why = wait([("Grafana", failing_times(10**6))], lambda: next(looks), 60)  # type: ignore[list-item]
    assert why == "the server's boot failed at line 42 of boot.sh: apt update (10:01:00)"
    assert next(looks, None) is None


def test_only_this_instance_with_this_revision_counts(endpoint: Endpoint) -> None:
    store = Store(endpoint, "telegraf", ("reader", "word"))
    Double.answers = {"/query": (200, '{"results":[{"statement_id":0}]}')}
    with pytest.raises(NotYetError, match="revision 7 is not applied yet"):
        check_revision(store, "monitoring-dev", "i-1", 7)
    Double.answers = {"/query": (200, '{"results":[{"series":[{"values":[[1,2]]}]}]}')}
    check_revision(store, "monitoring-dev", "i-1", 7)
    asked = unquote(Double.seen[0])
    assert """"host" = 'monitoring-dev' AND "instance" = 'i-1' AND "revision" >= 7""" in asked


def test_the_time_is_over() -> None:
    why = wait([("Grafana", failing_times(10**6))], lambda: "", 0.05)  # type: ignore[list-item]
    assert why == "not ready after 0 s; Grafana: no answer yet"
