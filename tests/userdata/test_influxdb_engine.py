"""What the server's scripts make of InfluxDB's answers, against one that answers what a test says. A real InfluxDB:
test_rollup.py and test_moving.py."""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from socketserver import BaseRequestHandler, TCPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support.certificates import CA, certificate_text, ec_key, issue, key_text, signed
from tests.support.serving import serving
from userdata.server.influxdb_engine import Engine, RefusedError, quoted

LOGIN = ["admin", "pass:word"]


class InfluxDB(HTTPServer):
    """Gives each request the same answer, and keeps the last request."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.scheme = "http"
        self.status, self.lines, self.ends = 200, [b""], True
        self.path, self.body, self.login = "", "", ""

    def answer(self, *lines: bytes, status: int = 200, ends: bool = True) -> None:
        """ends: whether the connection stays until the answer has ended."""
        self.status, self.lines, self.ends = status, list(lines), ends

    def asked(self) -> dict[str, list[str]]:
        """The fields of the last query."""
        return parse_qs(self.body)

    @cached_property
    def engine(self) -> Engine:
        return Engine(f"{self.scheme}://localhost:{self.server_port}", "telegraf", "", LOGIN)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: InfluxDB

    def do_POST(self) -> None:
        influxdb = self.server
        length = int(self.headers["Content-Length"])
        influxdb.path, influxdb.body = self.path, self.rfile.read(length).decode()
        scheme, _, login = self.headers["Authorization"].partition(" ")
        influxdb.login = f"{scheme} {base64.b64decode(login).decode()}"
        self.send_response(influxdb.status)
        self.send_header("Connection", "close")
        if influxdb.status != 204:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for line in influxdb.lines:
            self.wfile.write(f"{len(line):x}\r\n".encode() + line + b"\r\n")
        if influxdb.ends and influxdb.status != 204:
            self.wfile.write(b"0\r\n\r\n")

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""


@pytest.fixture
def influxdb() -> Iterator[InfluxDB]:
    with serving(InfluxDB()) as server:
        yield server


@contextmanager
def encrypted(folder: Path, certificate: str) -> Iterator[InfluxDB]:
    pem = folder / "server.pem"
    pem.write_text(key_text(ec_key()) + certificate)
    server = InfluxDB()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.scheme = "https"
    server.answer(chunk({"name": "system"}))
    with serving(server):
        yield server


def chunk(*series: object, **more: object) -> bytes:
    """One of the lines of a chunked answer."""
    return (
        json.dumps({"results": [{"statement_id": 0, **({"series": series} if series else {}), **more}]}).encode()
        + b"\n"
    )


def test_a_query_returns_the_series_of_every_chunk(influxdb: InfluxDB) -> None:
    first, second, third = ({"name": name, "values": [[1, 2]]} for name in "abc")
    influxdb.answer(chunk(first, second), chunk(third), chunk())
    assert list(influxdb.engine.ask("SELECT 1", epoch="s")) == [first, second, third]
    asked = {"db": ["telegraf"], "q": ["SELECT 1"], "epoch": ["s"], "chunked": ["true"]}
    assert (influxdb.path, influxdb.asked()) == ("/query", asked)
    assert influxdb.login == "Basic admin:pass:word"


def test_a_query_can_have_a_login_of_its_own(influxdb: InfluxDB) -> None:
    influxdb.answer(chunk())
    header = f"Basic {base64.b64encode(b'other:secret').decode()}"
    assert list(influxdb.engine.ask("SELECT 1", header)) == []
    assert influxdb.login == "Basic other:secret"
    assert influxdb.asked()["epoch"] == ["ns"]


def test_written_lines_are_the_body_and_the_rest_is_in_the_address(influxdb: InfluxDB) -> None:
    influxdb.answer(status=204)
    influxdb.engine.post("write", lines="system,host=ä uptime=1i 1", precision="s").close()
    path = urlsplit(influxdb.path)
    assert (path.path, parse_qs(path.query)) == ("/write", {"db": ["telegraf"], "precision": ["s"]})
    assert influxdb.body == "system,host=ä uptime=1i 1"


def test_a_refused_query_is_told_from_a_server_that_fails(influxdb: InfluxDB) -> None:
    """Only what InfluxDB refuses is left out; after any other failure the script ends, and runs again."""
    influxdb.answer(chunk({"name": "a"}), chunk(error="field type conflict"))
    with pytest.raises(RefusedError, match="field type conflict: SELECT 1"):
        list(influxdb.engine.ask("SELECT 1"))
    influxdb.answer(b'{"error":"authorization failed"}\n', status=401)
    with pytest.raises(OSError, match="authorization failed") as error:
        list(influxdb.engine.ask("SELECT 1"))
    assert not isinstance(error.value, RefusedError)
    assert error.value.errno == 401
    assert error.value.strerror == f'{influxdb.engine.url}: {{"error":"authorization failed"}}'


@pytest.mark.parametrize(
    "lines",
    [
        [b"<html>"],
        [b"5\n"],
        [b"{}\n"],
        [b'{"results": []}\n'],
        [b'{"results": [{}, {}]}\n'],
        [chunk({"name": "a"})[:-20]],
        [chunk({"name": "a"}), chunk({"name": "b"})[:-20]],
    ],
)
def test_an_answer_that_is_not_influxdb_s_is_no_data(influxdb: InfluxDB, lines: list[bytes]) -> None:
    influxdb.answer(*lines)
    with pytest.raises(OSError, match="breaks off, or is not InfluxDB's") as error:
        list(influxdb.engine.ask("SELECT 1"))
    assert not isinstance(error.value, RefusedError)


def test_an_answer_that_ends_between_two_chunks_is_not_taken_for_all_data(influxdb: InfluxDB) -> None:
    """As when InfluxDB is stopped: it sends each chunk as a whole."""
    influxdb.answer(chunk({"name": "a"}), chunk({"name": "b"}), ends=False)
    with pytest.raises(OSError, match="breaks off"):
        list(influxdb.engine.ask("SELECT 1"))


class Garbage(BaseRequestHandler):
    def handle(self) -> None:
        self.request.recv(65536)
        self.request.sendall(b"not HTTP\r\n")


def test_what_does_not_speak_http_is_no_influxdb() -> None:
    with serving(TCPServer(("127.0.0.1", 0), Garbage)) as server:
        engine = Engine(f"http://127.0.0.1:{server.server_address[1]}", "telegraf", "", LOGIN)
        with pytest.raises(OSError, match="its answer breaks off"):
            engine.post("query", q="SELECT 1")


def test_an_influxdb_that_does_not_answer() -> None:
    with pytest.raises(OSError, match="refused"):
        Engine("http://127.0.0.1:1", "telegraf", "", LOGIN).post("query", q="SELECT 1")


def test_only_the_given_authority_is_trusted(tmp_path: Path) -> None:
    """The certificates here lack extensions that Python has required since 3.13, and Telegraf does not."""
    ca, other = tmp_path / "ca.pem", tmp_path / "other.pem"
    ca.write_text(CA)
    other.write_text(certificate_text(issue(ec_key(1), subject="another authority", authority=True)))
    with encrypted(tmp_path, certificate_text(signed(ec_key(), names=("localhost",)))) as influxdb:
        url = influxdb.engine.url
        assert list(Engine(url, "telegraf", str(ca), LOGIN).ask("SELECT 1")) == [{"name": "system"}]
        for wrong in ("", str(other)):
            with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
                list(Engine(url, "telegraf", wrong, LOGIN).ask("SELECT 1"))


def test_the_name_in_the_certificate_is_checked(tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_text(CA)
    with (
        encrypted(tmp_path, certificate_text(signed(ec_key(), names=("elsewhere.example.com",)))) as influxdb,
        pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"),
    ):
        list(Engine(influxdb.engine.url, "telegraf", str(ca), LOGIN).ask("SELECT 1"))


@pytest.mark.parametrize(
    ("name", "written"),
    [("cpu", "cpu"), ('a"b', r"a\"b"), ("a\\", r"a\\"), ("a\nb", r"a\nb"), (r"\"", r"\\\""), ("ä 'b'", "ä 'b'")],
)
def test_a_name_is_quoted_for_influxql(name: str, written: str) -> None:
    assert quoted(name) == written
