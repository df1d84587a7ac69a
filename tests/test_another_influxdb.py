"""A preview checks the InfluxDB of the setting `influxdb`: here real ones, and servers that are not InfluxDB."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, ClassVar

import pulumi
import pytest
import requests

from program import boards, engine, queries
from sandbox.loopback import free_port
from sandbox.toolchain.influxdb import shortfall
from settings import Settings
from settings.load import load
from tests.sandbox.grafana import support
from tests.support.configuration import raw
from tests.support.serving import serving
from tests.userdata.test_timestream import LOGIN, Managed, managed  # noqa: F401

PASSWORD = 'p w"\\ä$:%@{x}#&+='
"""With every kind of character that the setting accepts."""
CHARACTERS = [chr(code) for code in range(0x20, 0x180) if chr(code).isprintable() and chr(code) != "'"]
PASSWORDS = ["x" + "".join(CHARACTERS[at : at + 30]) + "x" for at in range(0, len(CHARACTERS), 30)]
"""Every ASCII character that the setting accepts, and letters of two bytes. InfluxDB 1.x takes up to 72 bytes."""
USER = "aZ._-"
"""Every kind of character that names can have."""


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
    """The settings of a stack with such an InfluxDB, at an address of this machine, which settings refuse."""
    given = {"url": "https://influx.example.com", "username": username, "password": password, "database": database}
    loaded = load(raw(agentCidrs=[], influxdb=given | ({"ca": ca} if ca else {})), {"monitoring:influxdb"})
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
    asked = queries.asked(given, boards.boards(given))
    assert len({each.where for each in asked}) > 50
    assert not [each for each in asked if "$" in queries.plain(each.statement).replace("$/", "")]


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
def test_a_refused_login_or_permission_is_named(
    theirs: support.Influx, authority: support.Authority, changed: dict[str, str], said: str
) -> None:
    assert said in refused(settings(theirs.url, authority.pem, **changed))


@pytest.mark.usefixtures("warnings")
def test_a_certificate_from_an_unknown_authority_is_named(theirs: support.Influx) -> None:
    assert "has a certificate that is not trusted" in refused(settings(theirs.url, None))


@pytest.mark.usefixtures("warnings")
def test_a_path_without_influxdb_s_api_is_refused(theirs: support.Influx, authority: support.Authority) -> None:
    said = refused(settings(f"{theirs.url}/elsewhere", authority.pem))
    assert "does not answer like InfluxDB" in said
    assert "write the address of its HTTP API" in said


def test_an_influxdb_that_cannot_be_reached_from_here_is_a_warning(warnings: list[str]) -> None:
    verify(settings(f"https://127.0.0.1:{free_port()}", None))
    (said,) = warnings
    assert "cannot be reached from here" in said
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
    sql = {"title": "good", "targets": [{"datasource": {"uid": "theirs"}, "query": "SELECT 1"}]}
    row = {"type": "row", "title": "below", "panels": [*panels, sql]}
    listed = [
        {"name": name, "datasource": {"uid": "influxdb"}, "query": query}
        for name, query in (("host", {"query": "SHOW TAGS"}), ("good", {"query": "SHOW DATABASES"}), ("none", ""))
    ]
    content = {"panels": [row], "templating": {"list": listed}}
    engine.verify(given, [boards.Board("theirs", "Theirs", json.dumps(content))])
    (said,) = warnings
    assert "InfluxDB 1.12.4" in said
    assert "the panel “unknown” of “Theirs” (undefined function foo())" in said
    assert "the panel “unreadable” of “Theirs” (error parsing query" in said
    assert "the variable “host” of “Theirs” (error parsing query" in said
    assert "good" not in said


class _Silent(BaseHTTPRequestHandler):
    """Answers a write as InfluxDB does, and a query with an empty body."""

    headers_sent: ClassVar[dict[str, str]] = {}

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.send_response(204 if self.path.startswith("/write") else 200)
        for name, value in self.headers_sent.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def silent(authority: support.Authority, **headers: str) -> Iterator[Settings]:
    """A stack with such a server. headers: what its answers have, with _ for -."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    server = HTTPServer(("127.0.0.1", 0), type("Handler", (_Silent,), {"headers_sent": sent}))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.server_files("silent"))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with serving(server):
        yield settings(f"https://127.0.0.1:{server.server_port}", authority.pem)


def test_an_engine_that_does_not_answer_queries_is_a_warning(authority: support.Authority, warnings: list[str]) -> None:
    with silent(authority) as given:
        verify(given)
    (said,) = warnings
    assert "and " in said
    assert "status 200" in said


@pytest.mark.usefixtures("warnings")
def test_opengemini_is_refused(authority: support.Authority) -> None:
    """Recognized by the headers of its ts-sql; a build from source sends an empty version."""
    with silent(authority, X_Geminidb_Build="OSS", X_Geminidb_Version="") as given:
        said = refused(given)
    assert "is openGemini, whose results for the dashboards' and alert rules' queries differ" in said
    assert "write the address of an InfluxDB 1.x or 2.x" in said


@pytest.mark.parametrize(("version", "known"), [("1.8.10", True), ("v2.7.12", True), ("3.4.0", False)])
def test_an_untested_version_of_influxdb_is_a_warning(
    authority: support.Authority, warnings: list[str], version: str, known: bool
) -> None:
    with silent(authority, X_Influxdb_Version=version) as given:
        verify(given)
    assert any("has not been tested; 1.x and 2.x have" in said for said in warnings) is not known


def access(given: Settings) -> None:
    """What a preview checks first: login, database, permissions."""
    assert given.influxdb is not None
    engine._Engine(given.influxdb).check_access()


def test_every_accepted_character_of_a_login_reaches_influxdb_1(
    theirs: support.Influx, authority: support.Authority
) -> None:
    for number, password in enumerate(PASSWORDS):
        user, escaped = f"{USER}{number}", password.replace("\\", "\\\\")
        theirs.run(f"CREATE USER \"{user}\" WITH PASSWORD '{escaped}'", theirs.admin)
        theirs.run(f'GRANT ALL ON telegraf TO "{user}"', theirs.admin)
        access(settings(theirs.url, authority.pem, user, password))


class Second:
    """An InfluxDB 2.7, as its administrator."""

    def __init__(self, managed: Managed) -> None:  # noqa: F811
        self.url, self._session = managed.url, requests.Session()
        login = (LOGIN["username"], LOGIN["password"])
        cookie = requests.post(f"{self.url}/api/v2/signin", auth=login, timeout=10).headers["Set-Cookie"]
        self._session.headers["Cookie"] = cookie.partition(";")[0]  # its path would leave /private out
        self._org = self._get("orgs")["orgs"][0]["id"]
        self._bucket = self._get("buckets?name=telegraf")["buckets"][0]["id"]

    def _get(self, path: str) -> Any:
        return self._session.get(f"{self.url}/api/v2/{path}", timeout=10).json()

    def _post(self, path: str, **body: Any) -> Any:
        answer = self._session.post(f"{self.url}/{path}", json=body, timeout=10)
        assert answer.ok, answer.text
        return answer.json() if answer.content else {}

    def _rights(self, *actions: str) -> dict[str, Any]:
        on = {"type": "buckets", "id": self._bucket, "orgID": self._org}
        return {"orgID": self._org, "permissions": [{"action": action, "resource": on} for action in actions]}

    def login(self, user: str, password: str, *actions: str) -> None:
        """A v1 authorization."""
        made = self._post("private/legacy/authorizations", token=user, **self._rights(*actions))
        self._post(f"private/legacy/authorizations/{made['id']}/password", password=password)

    def token(self, *actions: str) -> str:
        """An API token."""
        return str(self._post("api/v2/authorizations", **self._rights(*actions))["token"])


@pytest.fixture
def second(managed: Managed) -> Second:  # noqa: F811
    if shortfall():
        pytest.skip("InfluxDB 2 cannot be built here either: compilers are missing")
    return Second(managed)


@pytest.mark.slow
def test_every_accepted_character_of_a_login_reaches_influxdb_2(second: Second) -> None:
    for number, password in enumerate(PASSWORDS):
        second.login(f"{USER}{number}", password, "read", "write")
        access(settings(second.url, None, f"{USER}{number}", password))


@pytest.mark.slow
def test_influxdb_2_takes_a_token_as_the_password_of_any_user(second: Second, warnings: list[str]) -> None:
    verify(settings(second.url, None, "anybody", second.token("read", "write")))
    assert warnings == []
    assert "may not write to telegraf" in refused(settings(second.url, None, "anybody", second.token("read")))
    assert "may not read telegraf" in refused(settings(second.url, None, "anybody", second.token("write")))
    assert "is refused with this password" in refused(settings(second.url, None, "anybody", "no token"))


@pytest.mark.slow
def test_a_login_of_influxdb_2_that_cannot_read_and_write_is_named(second: Second) -> None:
    second.login("reads", "password of reads", "read")
    second.login("writes", "password of writes", "write")
    assert "may not write to telegraf" in refused(settings(second.url, None, "reads", "password of reads"))
    assert "may not read telegraf" in refused(settings(second.url, None, "writes", "password of writes"))
    assert "does not exist there" in refused(settings(second.url, None, "reads", "password of reads", "elsewhere"))
