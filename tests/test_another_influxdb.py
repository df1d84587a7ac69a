"""The InfluxDB of the setting `influxdb`, asked at a preview: a real 1.12.4, and servers that are none."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pulumi
import pytest

from program import boards, engine
from sandbox.loopback import free_port
from settings import Settings
from settings.load import load
from tests.sandbox.grafana import support

PASSWORD = 'p w"\\ä$:%@{x}#&+='
"""Of every kind of character that the setting accepts."""


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> support.Authority:
    return support.Authority(tmp_path_factory.mktemp("authority"), "theirs")


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory, authority: support.Authority) -> Iterator[support.Influx]:
    with support.influxdb(tmp_path_factory.mktemp("influxdb"), authority) as influx:
        for name, password, right in (("both", PASSWORD, "ALL"), ("writer", "p", "WRITE")):
            escaped = password.replace("\\", "\\\\")
            influx.run(f"CREATE USER {name} WITH PASSWORD '{escaped}'", influx.admin)
            influx.run(f"GRANT {right} ON telegraf TO {name}", influx.admin)
        yield influx


@pytest.fixture
def warnings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    given: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", given.append)
    monkeypatch.setattr(pulumi, "get_stack", lambda: "test")
    return given


def settings(
    url: str, ca: str | None, username: str = "both", password: str = PASSWORD, database: str = "telegraf"
) -> Settings:
    """Of a stack that uses an InfluxDB; at an address of this machine, which the settings themselves would refuse."""
    given = {"url": "https://influx.example.com", "username": username, "password": password, "database": database}
    raw = {
        "aws:region": "eu-central-1",
        "monitoring:operatorCidrs": '["203.0.113.0/24"]',
        "monitoring:influxdb": json.dumps(given | ({"ca": ca} if ca else {})),
    }
    loaded = load(raw, {"monitoring:influxdb"})
    assert loaded.influxdb is not None
    return loaded.model_copy(update={"influxdb": loaded.influxdb.model_copy(update={"url": url})})


def verify(given: Settings) -> None:
    engine.verify(given, boards.boards(given))


def refused(given: Settings) -> str:
    with pytest.raises(pulumi.RunError) as error:
        verify(given)
    assert PASSWORD not in str(error.value)
    return str(error.value)


def test_every_query_of_the_stack_runs(
    theirs: support.Influx, authority: support.Authority, warnings: list[str]
) -> None:
    given = settings(theirs.url, authority.pem)
    verify(given)
    assert warnings == []
    asked = [*engine._of_boards(boards.boards(given)), *engine._of_rules(given)]
    assert len({each.where for each in asked}) > 50
    assert not [each for each in asked if "$" in engine.plain(each.statement).replace("$/", "")]


@pytest.mark.usefixtures("warnings")
@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"username": "nobody"}, 'influxdb.username = "nobody": is refused with this password'),
        ({"password": "wrong"}, 'influxdb.username = "both": is refused with this password'),
        ({"database": "theirs"}, 'influxdb.database = "theirs": does not exist there'),
        ({"username": "writer", "password": "p"}, "influxdb.username: may not read telegraf"),
        ({"username": "grafana", "password": "read only"}, "may not write to telegraf"),
    ],
    ids=["user", "password", "database", "write only", "read only"],
)
def test_what_it_refuses_is_named(
    theirs: support.Influx, authority: support.Authority, changed: dict[str, str], said: str
) -> None:
    assert said in refused(settings(theirs.url, authority.pem, **changed))


@pytest.mark.usefixtures("warnings")
def test_another_authority_is_named(theirs: support.Influx) -> None:
    assert "has a certificate that is not trusted" in refused(settings(theirs.url, None))


@pytest.mark.usefixtures("warnings")
def test_another_path_is_no_influxdb(theirs: support.Influx, authority: support.Authority) -> None:
    said = refused(settings(f"{theirs.url}/elsewhere", authority.pem))
    assert "does not answer like an InfluxDB" in said
    assert "write the address of its HTTP API" in said


def test_one_that_cannot_be_reached_from_here_is_a_warning(warnings: list[str]) -> None:
    verify(settings(f"https://127.0.0.1:{free_port()}", None))
    (said,) = warnings
    assert "does not answer here" in said
    assert "Connection refused" in said


def test_queries_that_an_engine_cannot_run_are_named(
    theirs: support.Influx, authority: support.Authority, warnings: list[str]
) -> None:
    given = settings(theirs.url, authority.pem)
    panels = [
        {"title": title, "targets": [{"datasource": {"uid": "influxdb"}, "query": query}]}
        for title, query in (
            ("good", 'SELECT last("x") FROM "y" WHERE $timeFilter'),
            ("unknown", 'SELECT foo("x") FROM "y" WHERE $timeFilter'),
            ("unreadable", 'SELEC last("x")'),
            ("as good", 'SELECT mean("x") FROM "y" WHERE $timeFilter GROUP BY time($__interval)'),
        )
    ]
    row = {"type": "row", "title": "below", "panels": panels}
    engine.verify(given, [boards.Board("theirs", "Theirs", json.dumps({"panels": [row]}))])
    (said,) = warnings
    assert "InfluxDB 1.12.4" in said
    assert "the panel “unknown” of “Theirs” (undefined function foo())" in said
    assert "the panel “unreadable” of “Theirs” (error parsing query" in said
    assert "good" not in said


class _Silent(BaseHTTPRequestHandler):
    """Answers a write as InfluxDB does, and nothing to queries."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.send_response(204 if self.path.startswith("/write") else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


def test_an_engine_without_an_answer_to_queries_is_reported_and_ends(
    authority: support.Authority, warnings: list[str]
) -> None:
    server = HTTPServer(("127.0.0.1", 0), _Silent)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.server_files("silent"))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        verify(settings(f"https://127.0.0.1:{server.server_port}", authority.pem))
    finally:
        server.shutdown()
    (said,) = warnings
    assert "and " in said
    assert "status 200" in said
