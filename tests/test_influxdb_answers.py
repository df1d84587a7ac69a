"""What a preview makes of the answers of the InfluxDB in the settings, here a server that answers what a test says. A
real InfluxDB: test_another_influxdb.py."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs

import pulumi
import pytest

from program import engine, queries
from program.boards import Board
from program.queries import Asked
from settings import Settings
from settings.load import load
from tests.support.configuration import raw
from tests.support.serving import serving

Answer = tuple[int, Any]
READABLE: Answer = (200, {"results": [{"series": []}, {"series": []}]})
PASSWORD = "of the agents"


class Server(HTTPServer):
    """write: its answer to a write. query: its answer to statements. version: what it calls itself."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.write: Answer = (204, None)
        self.query: Callable[[list[str]], Answer] = lambda _: READABLE
        self.version = "1.12.4"
        self.asked: list[list[str]] = []

    @property
    def settings(self) -> Settings:
        """Of a stack that uses it; at an address that the settings themselves would refuse."""
        given = {"url": "https://a.example.com", "username": "agents", "password": PASSWORD}
        loaded = load(raw(influxdb=given, agentCidrs=[]), {"monitoring:influxdb"})
        assert loaded.influxdb is not None
        here = loaded.influxdb.model_copy(update={"url": f"http://127.0.0.1:{self.server_port}"})
        return loaded.model_copy(update={"influxdb": here})


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        if self.path.startswith("/write?db=telegraf"):
            status, content = self.server.write
        else:
            statements = parse_qs(body)["q"][0].split("; ")
            self.server.asked.append(statements)
            status, content = self.server.query(statements)
        self.send_response(status)
        if self.server.version:
            self.send_header("X-Influxdb-Version", self.server.version)
        self.end_headers()
        self.wfile.write(b"" if content is None else json.dumps(content).encode())

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(Server()) as running:
        yield running


@pytest.fixture(autouse=True)
def warnings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    given: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", given.append)
    monkeypatch.setattr(pulumi, "get_stack", lambda: "test")
    return given


def board(*asked: str) -> Board:
    """A dashboard with a panel for each query."""
    panels = [{"title": query, "targets": [{"datasource": {"uid": "influxdb"}, "query": query}]} for query in asked]
    return Board("mine", "Mine", json.dumps({"panels": panels}))


def verify(server: Server, monkeypatch: pytest.MonkeyPatch, *asked: str) -> None:
    monkeypatch.setattr(queries, "_of_rules", lambda _: iter(()))
    engine.verify(server.settings, [board(*asked)])


def test_a_usable_influxdb_is_not_mentioned(
    server: Server, monkeypatch: pytest.MonkeyPatch, warnings: list[str]
) -> None:
    server.query = lambda statements: (200, {"results": [{} for _ in statements]})
    verify(server, monkeypatch, "SELECT 1", "SELECT 2")
    assert warnings == []
    assert server.asked == [[engine.READ, engine.READ], ["SELECT 1", "SELECT 2"]]


@pytest.mark.parametrize(
    ("write", "said"),
    [
        ((401, {"error": "authorization failed"}), 'influxdb.username = "agents": is refused with this password'),
        ((403, {"message": "insufficient permissions"}), 'influxdb.username = "agents": may not write to telegraf'),
        ((404, {"error": "database not found"}), 'influxdb.database = "telegraf": does not exist there'),
        ((404, {"error": "no dbrp mapping found"}), 'influxdb.database = "telegraf": does not exist there'),
        ((404, None), "does not answer like InfluxDB"),
        ((200, None), "does not answer like InfluxDB"),
        ((500, {"error": "timeout"}), "does not answer like InfluxDB (InfluxDB 1.12.4 at http://127.0.0.1"),
    ],
)
def test_a_refused_write_names_the_setting(server: Server, write: Answer, said: str) -> None:
    server.write = write
    with pytest.raises(pulumi.RunError) as error:
        engine.verify(server.settings, [])
    assert said in str(error.value)
    assert PASSWORD not in str(error.value)
    assert server.asked == []


@pytest.mark.parametrize(
    "answer",
    [
        (200, {"results": [{"error": "not executed"}, {"error": "not executed"}]}),
        (200, {"results": [{"error": "user is not authorized to execute statement"}]}),
        (403, {"error": "forbidden"}),
    ],
)
def test_a_refused_query_names_the_missing_permission(server: Server, answer: Answer) -> None:
    server.query = lambda _: answer
    with pytest.raises(pulumi.RunError, match=r"influxdb\.username: may not read telegraf \(.*let it read and write"):
        engine.verify(server.settings, [])


def test_an_unknown_version_is_a_warning(server: Server, warnings: list[str]) -> None:
    server.version = "3.4.0"
    engine._Engine(server.settings.influxdb).check_access()  # type: ignore[arg-type]
    (said,) = warnings
    assert "InfluxDB 3.4.0 at http://127.0.0.1" in said and "has not been tested; 1.x and 2.x have" in said


def test_one_that_does_not_answer_is_a_warning(warnings: list[str]) -> None:
    with serving(Server()) as server:
        gone = server.settings
    engine.verify(gone, [])
    (said,) = warnings
    assert "cannot be reached from here" in said


def test_a_stack_without_the_setting_asks_nobody(warnings: list[str]) -> None:
    engine.verify(load(raw()), [board("SELECT 1")])
    assert warnings == []


def failing(*wrong: str) -> Callable[[list[str]], Answer]:
    """As InfluxDB answers: up to the first statement that fails."""

    def answer(statements: list[str]) -> Answer:
        results: list[dict[str, Any]] = []
        for statement in statements:
            results.append({"error": f"no {statement}"} if statement in wrong else {})
            if statement in wrong:
                results += [{"error": engine.NOT_EXECUTED}] * (len(statements) - len(results))
                break
        return 200, {"results": results}

    return answer


def unreadable(statements: list[str]) -> Answer:
    """As InfluxDB answers a request with a statement that it cannot read: not at all."""
    if any("SELEC " in each for each in statements):
        return 400, {"error": "error parsing query"}
    return 200, {"results": [{} for _ in statements]}


def test_queries_after_one_that_fails_are_asked_again(
    server: Server, monkeypatch: pytest.MonkeyPatch, warnings: list[str]
) -> None:
    server.query = failing("b", "d")
    verify(server, monkeypatch, "a", "b", "c", "d", "e")
    assert server.asked[1:] == [["a", "b", "c", "d", "e"], ["c", "d", "e"], ["e"]]
    (said,) = warnings
    assert "cannot run all of the 5 queries" in said
    assert said.endswith(": the panel “b” of “Mine” (no b); the panel “d” of “Mine” (no d)")


def test_queries_next_to_an_unreadable_one_are_asked_alone(
    server: Server, monkeypatch: pytest.MonkeyPatch, warnings: list[str]
) -> None:
    server.query = unreadable
    verify(server, monkeypatch, "a", "SELEC b", "c")
    assert server.asked[1:] == [["a", "SELEC b", "c"], ["a"], ["SELEC b"], ["c"]]
    (said,) = warnings
    assert said.endswith(": the panel “SELEC b” of “Mine” (error parsing query)")


def test_only_the_first_of_many_failures_are_named(
    server: Server, monkeypatch: pytest.MonkeyPatch, warnings: list[str]
) -> None:
    names = [f"q{number}" for number in range(engine.MOST_NAMED + 2)]
    server.query = failing(*names)
    verify(server, monkeypatch, *names)
    (said,) = warnings
    assert said.count("the panel") == engine.MOST_NAMED
    assert said.endswith("; and 2 more")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ('SELECT last("x") FROM ${policy}"y" WHERE $timeFilter', 'SELECT last("x") FROM "y" WHERE time > now() - 1s'),
        ("GROUP BY time($__interval)", "GROUP BY time(10s)"),
        ("GROUP BY time($interval)", "GROUP BY time(10s)"),
        ("GROUP BY time(5m, ${__from}ms)", "GROUP BY time(5m, now())"),
        ("time > ${__from}ms - 1h AND time < ${__to}ms", "time > now() - 1s AND time < now()"),
        ("time > now() - 30d", "time > now() - 1s"),
        ("${__to} - ${__from}", "0 - 0"),
        ('"host"::tag =~ /^$host$/', '"host"::tag =~ /.*/'),
        ('"host"::tag =~ /^${host:regex}$/', '"host"::tag =~ /.*/'),
        ('"a" = ${b:raw} OR "a" = $c', '"a" = x OR "a" = x'),
    ],
)
def test_a_query_reads_next_to_nothing(query: str, expected: str) -> None:
    assert queries.plain(query) == expected


def test_all_queries_of_the_stack_are_asked() -> None:
    sql = {"title": "SQL", "targets": [{"datasource": {"uid": "other"}, "query": "SELECT 1"}]}
    inner = {"title": "inner", "targets": [{"datasource": {"uid": "influxdb"}, "query": "inside"}, {"refId": "B"}]}
    variables = [
        {"name": name, "datasource": {"uid": uid}, "query": query}
        for name, uid, query in (
            ("a", "influxdb", {"query": "SHOW A"}),
            ("b", "influxdb", "SHOW B"),
            ("c", "influxdb", ""),
            ("d", "other", "SHOW D"),
        )
    ]
    content = {"panels": [{"title": "row", "panels": [inner, sql]}], "templating": {"list": variables}}
    found = queries.asked(load(raw()), [Board("mine", "Mine", json.dumps(content))])
    rules = [each for each in found if each.where.startswith("the alert “")]
    assert len(rules) > 20
    assert [each for each in found if each not in rules] == [
        Asked("the panel “inner” of “Mine”", "inside"),
        Asked("the variable “a” of “Mine”", "SHOW A"),
        Asked("the variable “b” of “Mine”", "SHOW B"),
    ]
