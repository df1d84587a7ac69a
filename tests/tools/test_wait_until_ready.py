"""The gates: what they wait for, what they say, and when they give up."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.exceptions import ClientError

from program.revision import listing, revision_of
from tests.support.certificates import self_signed
from tests.support.serving import serving
from tools import wait_for_data, wait_until_ready, waiting
from tools.wait_for_data import Measurements, check_cloudwatch
from tools.wait_until_ready import applied, check_applied, check_grafana
from tools.waiting import Answer, Grafana, NotYetError, wait

LOGIN = ("pulumi-x", "word")


class Double(BaseHTTPRequestHandler):
    """Answers what the class attribute `answers` has for the path without its query."""

    answers: dict[str, tuple[int, Any]] = {}  # noqa: RUF012 - set by each test
    seen: list[tuple[str, str, Any]] = []  # noqa: RUF012

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        asked = json.loads(body) if body else self.headers["Authorization"]
        self.seen.append((self.command, self.path, asked))
        status, content = self.answers.get(self.path.partition("?")[0], (404, {"message": "Not found"}))
        self.send_response(status)
        self.end_headers()
        self.wfile.write(content if isinstance(content, bytes) else json.dumps(content).encode())

    do_GET = do_POST = answer  # noqa: N815 - the library's names

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def tls_server(folder: Path) -> Iterator[tuple[HTTPServer, str]]:
    """A Double on loopback, and the PEM of its certificate, which is for localhost."""
    certificate = self_signed(folder)
    server = HTTPServer(("127.0.0.1", 0), Double)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    Double.answers, Double.seen = {}, []
    with serving(server):
        yield server, certificate.read_text().partition("-----BEGIN EC")[0]


@pytest.fixture
def grafana(tmp_path: Path) -> Iterator[Grafana]:
    """A TLS server on loopback, and where and how to reach it."""
    with tls_server(tmp_path) as (server, ca):
        yield Grafana("127.0.0.1", server.server_port, "localhost", ca, LOGIN)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "PAUSE", 0.01)
    monkeypatch.setattr(waiting, "CONSOLE_PAUSE", 0.0)


# --- The server


def test_grafana_is_ready_when_it_is_healthy(grafana: Grafana) -> None:
    Double.answers = {"/api/health": (503, {"database": "failing"})}
    with pytest.raises(NotYetError, match="not healthy yet"):
        check_grafana(grafana)
    Double.answers = {"/api/health": (200, {})}
    check_grafana(grafana)


def test_the_server_is_ready_when_pulumis_user_has_the_revision(grafana: Grafana) -> None:
    Double.answers = {"/api/user": (200, {"login": LOGIN[0], "name": "abc on i-1"})}
    check_applied(grafana, applied("abc", "i-1"))
    assert Double.seen == [("GET", "/api/user", "Basic cHVsdW1pLXg6d29yZA==")]


@pytest.mark.parametrize("said", ["", "ab on i-1", "abc on i-10", "abcd on i-1", "abc on i-2", "zzz on i-1"])
def test_only_this_revision_on_this_instance_counts(grafana: Grafana, said: str) -> None:
    Double.answers = {"/api/user": (200, {"login": LOGIN[0], "name": said})}
    with pytest.raises(NotYetError, match="not applied this revision"):
        check_applied(grafana, applied("abc", "i-1"))


def test_the_server_is_not_ready_before_pulumis_user_exists(grafana: Grafana) -> None:
    Double.answers = {"/api/user": (401, {"message": "Invalid username or password"})}
    with pytest.raises(NotYetError, match="has not created Pulumi's user"):
        check_applied(grafana, "abc on i-1")
    Double.answers = {"/api/user": (502, b"<html>")}
    with pytest.raises(NotYetError, match=r"cannot be queried yet: no reason given \(status 502\)"):
        check_applied(grafana, "abc on i-1")


def test_a_revision_depends_on_values_versions_and_key() -> None:
    values, versions = {"a": "1", "b": "2"}, {"a": 1, "b": 1}
    revision = revision_of("key", values, versions)
    others = [
        revision_of("another", values, versions),
        revision_of("key", values | {"a": "2"}, versions),
        revision_of("key", values, versions | {"a": 2}),
        # As after somebody deleted the parameters: versions start again, and the values differ.
        revision_of("key", {"a": "3", "b": "4"}, versions),
    ]
    assert len({revision, *others}) == 5
    assert revision == revision_of("key", dict(reversed(values.items())), versions)
    assert listing(revision, versions) == f"# {revision}\na 1\nb 1\n"


# --- Its datasources


def frames(*newest: int) -> dict[str, Any]:
    """Grafana's answer to a query: a series for each of these times of the newest point."""
    found = [{"schema": {"fields": []}, "data": {"values": [[moment], [1]]}} for moment in newest]
    return {"results": {"A": {"status": 200, "frames": found}}}


def test_only_a_measurement_that_arrives_while_waiting_counts(grafana: Grafana) -> None:
    check = Measurements(grafana, "monitoring-dev", "abc")
    for moment in (5000, 5000):
        Double.answers = {"/api/ds/query": (200, frames(moment))}
        with pytest.raises(NotYetError, match="no new measurement of the server has arrived yet"):
            check()
    Double.answers = {"/api/ds/query": (200, frames(6000))}
    check()
    (query,) = Double.seen[0][2]["queries"]
    assert query["datasource"] == {"uid": "influxdb", "type": "influxdb"}
    assert (query["rawQuery"], query["resultFormat"]) == (True, "time_series")
    assert "\"host\"::tag = 'monitoring-dev'" in query["query"]
    assert "\"revision\" = 'abc'" in query["query"], "the query does not ask for what agents do not know"


def test_the_newest_point_of_several_series_counts(grafana: Grafana) -> None:
    Double.answers = {"/api/ds/query": (200, frames(3000, 7000, 5000))}
    assert Measurements(grafana, "h", "abc").newest() == 7000
    Double.answers = {"/api/ds/query": (200, {"results": {"A": {"status": 200, "frames": None}}})}
    assert Measurements(grafana, "h", "abc").newest() == 0


def test_the_first_measurement_ever_counts(grafana: Grafana) -> None:
    check = Measurements(grafana, "it's", "abc")
    Double.answers = {"/api/ds/query": (200, frames())}
    with pytest.raises(NotYetError, match="has arrived yet"):
        check()
    Double.answers = {"/api/ds/query": (200, frames(1))}
    check()
    assert "'it\\'s'" in Double.seen[0][2]["queries"][0]["query"]


@pytest.mark.parametrize(
    ("status", "content", "words"),
    [
        (400, {"results": {"A": {"error": "InfluxDB says: authorization\nfailed"}}}, "says: authorization failed"),
        (404, {"message": "Plugin not registered", "messageId": "plugin.unregistered"}, "Plugin not registered"),
        (500, b"oops", "no reason given"),
    ],
)
def test_the_answer_of_grafana_about_influxdb_is_reported(
    grafana: Grafana, status: int, content: Any, words: str
) -> None:
    Double.answers = {"/api/ds/query": (status, content)}
    with pytest.raises(NotYetError, match=f"Grafana cannot query it: .*{words}.*status {status}"):
        Measurements(grafana, "h", "abc")()


CLOUDWATCH = "/api/datasources/uid/cloudwatch/resources/dimension-values"


def test_the_query_to_cloudwatch_can_only_be_answered_by_aws(grafana: Grafana) -> None:
    Double.answers = {CLOUDWATCH: (200, [])}
    check_cloudwatch(grafana, "eu-central-1")
    asked = parse_qs(urlsplit(Double.seen[0][1]).query)
    assert asked == {
        "region": ["eu-central-1"],
        "namespace": ["AWS/EC2"],
        "metricName": ["CPUUtilization"],
        "dimensionKey": ["InstanceId"],
        "dimensionFilters": ["{}"],
    }


def test_the_answer_of_grafana_about_cloudwatch_is_reported(grafana: Grafana) -> None:
    refused = {"Message": "error in DimensionValuesHandler: InvalidClientTokenId", "Error": "…", "StatusCode": 500}
    Double.answers = {CLOUDWATCH: (500, refused)}
    with pytest.raises(NotYetError, match=r"InvalidClientTokenId \(status 500\)"):
        check_cloudwatch(grafana, "eu-central-1")
    Double.answers = {CLOUDWATCH: (200, {"message": "not a list"})}
    with pytest.raises(NotYetError, match="did not answer with a list"):
        check_cloudwatch(grafana, "eu-central-1")


@pytest.fixture
def variables(grafana: Grafana, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment variables of both commands."""
    monkeypatch.setattr(wait_for_data, "CONSISTENCY", 0.05)
    monkeypatch.setattr(waiting.Console, "read", lambda _: "")
    for name, value in {
        "ADDRESS": grafana.address,
        "PORT": str(grafana.port),
        "SERVER_NAME": grafana.server_name,
        "CA": grafana.ca,
        "USER": LOGIN[0],
        "PASSWORD": LOGIN[1],
        "TIMEOUT": "0.05",
        "HOST": "monitoring-dev",
        "CLOUDWATCH_REGION": "eu-central-1",
        "REGION": "eu-central-1",
        "INSTANCE": "i-1",
        "REVISION": "abc",
    }.items():
        monkeypatch.setenv(f"READY_{name}", value)


def test_each_datasource_without_data_is_named_with_a_remedy(
    variables: None, capsys: pytest.CaptureFixture[str]
) -> None:
    refused = {"Message": "InvalidClientTokenId"}
    Double.answers = {CLOUDWATCH: (500, refused), "/api/ds/query": (404, {"message": "gone"})}
    assert wait_for_data.main() == 1
    said = capsys.readouterr().out
    for name, why, cure in (("CloudWatch", "InvalidClientTokenId", "access key"), ("InfluxDB", "gone", "journalctl")):
        (line,) = [line for line in said.splitlines() if line.startswith(f"Grafana shows no data from {name}: ")]
        assert why in line
        assert cure in line
    assert LOGIN[1] not in said


def test_each_further_account_is_queried_and_named_with_a_remedy(
    variables: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    accounts = [
        {"name": name, "uid": f"cloudwatch-{name}", "region": "us-east-1", "role": f"arn:aws:iam::1:role/{name}"}
        for name in ("shop", "data")
    ]
    monkeypatch.setenv("READY_CLOUDWATCH_ACCOUNTS", json.dumps(accounts))
    data = CLOUDWATCH.replace("/cloudwatch/", "/cloudwatch-data/")
    shop = CLOUDWATCH.replace("/cloudwatch/", "/cloudwatch-shop/")
    refused = {"Message": "AccessDenied: not authorized to perform: sts:AssumeRole"}
    Double.answers = {CLOUDWATCH: (200, []), data: (200, []), shop: (500, refused)}
    assert wait_for_data.main() == 1
    said = capsys.readouterr().out.splitlines()
    assert {"CloudWatch: ready", "CloudWatch data: ready"} <= set(said)
    (line,) = [line for line in said if line.startswith("Grafana shows no data from CloudWatch shop: ")]
    assert "sts:AssumeRole" in line
    assert "Check that the role arn:aws:iam::1:role/shop has the two policies" in line
    assert [urlsplit(path).path for _, path, _ in Double.seen].count(data) == 1
    regions = [parse_qs(urlsplit(path).query)["region"] for _, path, _ in Double.seen if data in path]
    assert regions == [["us-east-1"]]


def test_both_commands_succeed(
    variables: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("READY_TIMEOUT", "60")
    moments = iter((1, 2))
    Double.answers = {"/api/health": (200, {}), "/api/user": (200, {"name": "abc on i-1"}), CLOUDWATCH: (200, [])}
    assert wait_until_ready.main() == 0

    def measured(self: Measurements) -> float:
        return next(moments)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Measurements, "newest", measured)
        assert wait_for_data.main() == 0
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "InfluxDB: no new measurement of the server has arrived yet",
        "InfluxDB: ready",
    ]


def test_a_server_that_never_applies_the_revision_fails_the_gate(
    variables: None, capsys: pytest.CaptureFixture[str]
) -> None:
    Double.answers = {"/api/health": (200, {}), "/api/user": (200, {"name": "older on i-1"})}
    assert wait_until_ready.main() == 1
    said = capsys.readouterr().out
    assert "The server is not ready: not ready after 0 s; server: has not applied this revision" in said
    assert "aws ec2 get-console-output --region eu-central-1 --instance-id i-1 --output text\n" in said
    assert "run `pulumi up` again" in said


def test_the_console_is_read_as_the_identity_of_the_aws_provider(
    variables: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made: list[tuple[Any, str, str]] = []

    class Recorded(waiting.Console):
        def __init__(self, given: Any, region: str, instance: str) -> None:
            made.append((given, region, instance))
            super().__init__(given, region, instance)

    monkeypatch.setattr(wait_until_ready, "Console", Recorded)
    monkeypatch.setenv("READY_AWS", '{"profile": "team"}')
    assert wait_until_ready.main() == 1
    assert made == [({"profile": "team"}, "eu-central-1", "i-1")]


# --- Waiting


def test_another_ca_is_not_trusted(grafana: Grafana, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    ca = self_signed(other).read_text().partition("-----BEGIN EC")[0]
    with pytest.raises(NotYetError, match="certificate is not the expected one"):
        replace(grafana, ca=ca).ask("GET", "/")


def test_commands_for_people_also_trust_the_cas_of_the_system(
    grafana: Grafana, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With `publicCertificate`, the server at `grafanaUrl` shows a public certificate or the stack's own."""
    other = tmp_path / "other"
    other.mkdir()
    ca = self_signed(other).read_text().partition("-----BEGIN EC")[0]
    system = tmp_path / "system.pem"
    system.write_text(grafana.ca)
    monkeypatch.setenv("SSL_CERT_FILE", str(system))
    Double.answers = {"/": (200, {})}
    assert replace(grafana, ca=ca, or_system=True).ask("GET", "/").status == 200
    assert replace(grafana, or_system=True).ask("GET", "/").status == 200
    with pytest.raises(NotYetError, match="certificate is not the expected one"):
        replace(grafana, ca=ca).ask("GET", "/")


def test_another_name_is_not_trusted(grafana: Grafana) -> None:
    with pytest.raises(NotYetError, match="certificate is not the expected one"):
        replace(grafana, server_name="example.com").ask("GET", "/")


def test_a_closed_port_is_not_ready() -> None:
    with pytest.raises(NotYetError, match="no answer"):
        Grafana("127.0.0.1", 1, "localhost", "", LOGIN).ask("GET", "/")


def test_a_long_message_is_cut_and_no_login_is_shown(grafana: Grafana) -> None:
    assert len(Answer(500, {"message": "x" * 5000}).message) < 500
    assert LOGIN[1] not in repr(grafana)


def test_an_answer_that_is_not_text_is_no_json(grafana: Grafana) -> None:
    Double.answers = {"/": (502, b"\xff\xfe")}
    assert grafana.ask("GET", "/") == Answer(502, None)


def failing_times(times: int) -> Callable[[], None]:
    left = iter(range(times))

    def check() -> None:
        for _ in left:
            raise NotYetError("no answer yet")

    return check


def test_progress_is_reported_once_per_change(capsys: pytest.CaptureFixture[str]) -> None:
    console = "boot\nmonitoring: installing grafana=1\n"
    assert wait([("Grafana", failing_times(5))], lambda: console, 5) is None
    assert capsys.readouterr().out.splitlines() == [
        "Grafana: no answer yet · server: installing grafana=1",
        "Grafana: ready",
    ]


def test_a_failed_boot_ends_the_wait_with_its_line() -> None:
    looks = iter(["x\n", "x\nmonitoring: boot failed at line 42 of boot.sh: mount $place (10:00:00)\ny"])
    why = wait([("Grafana", failing_times(10**6))], lambda: next(looks), 60)
    assert why == "the server's boot failed at line 42 of boot.sh: mount $place (10:00:00)"


def test_an_earlier_failure_does_not_count_unless_it_happens_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "PAUSE", 0.001)
    line = "monitoring: boot failed at line 42 of boot.sh: apt update ({})\n"
    earlier = line.format("10:00:00")
    looks = iter([earlier, earlier, earlier, earlier + line.format("10:01:00")])
    why = wait([("Grafana", failing_times(10**6))], lambda: next(looks), 60)
    assert why == "the server's boot failed at line 42 of boot.sh: apt update (10:01:00)"
    assert next(looks, None) is None


def test_an_earlier_failure_that_leaves_the_console_does_not_count() -> None:
    """For example, when the console cannot be read once."""
    looks = iter(["monitoring: boot failed at line 42 of boot.sh: apt update (10:00:00)\n"])
    assert wait([("Grafana", failing_times(3))], lambda: next(looks, ""), 60) is None


def test_the_checks_succeed_one_after_the_other(capsys: pytest.CaptureFixture[str]) -> None:
    assert wait([("Grafana", failing_times(1)), ("server", failing_times(2))], lambda: "", 60) is None
    assert capsys.readouterr().out.splitlines() == [
        "Grafana: no answer yet",
        "Grafana: ready",
        "server: no answer yet",
        "server: ready",
    ]


def test_the_wait_ends_after_its_timeout() -> None:
    why = wait([("Grafana", failing_times(10**6))], lambda: "", 0.05)
    assert why == "not ready after 0 s; Grafana: no answer yet"


class Ec2:
    """A double of the EC2 client, which returns this output or raises it. Without nitro, `Latest` is refused."""

    def __init__(self, output: str | Exception, *, nitro: bool = True) -> None:
        self.output, self.nitro = output, nitro
        self.asked: list[dict[str, Any]] = []

    def get_console_output(self, **asked: Any) -> dict[str, str]:
        self.asked.append(asked)
        if "Latest" in asked and not self.nitro:
            raise ClientError({"Error": {"Code": "UnsupportedOperation"}}, "GetConsoleOutput")
        if isinstance(self.output, Exception):
            raise self.output
        return {"Output": self.output} if self.output else {}


def console(monkeypatch: pytest.MonkeyPatch, ec2: Ec2) -> waiting.Console:
    identities = {"profile": "team"}, "eu-central-1"

    def identity(*given: Any) -> Any:
        assert given == identities
        return SimpleNamespace(client={"ec2": ec2}.get)

    monkeypatch.setattr(waiting, "identity", identity)
    return waiting.Console(*identities, "i-1")


def test_the_newest_output_of_the_console_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    ec2 = Ec2("monitoring: installing\n")
    assert console(monkeypatch, ec2).read() == "monitoring: installing\n"
    assert ec2.asked == [{"InstanceId": "i-1", "Latest": True}]
    assert console(monkeypatch, Ec2("")).read() == ""


def test_the_console_of_an_older_instance_type_is_read_without_latest(monkeypatch: pytest.MonkeyPatch) -> None:
    ec2 = Ec2("booting", nitro=False)
    assert console(monkeypatch, ec2).read() == "booting"
    assert ec2.asked[1:] == [{"InstanceId": "i-1"}]


def test_a_console_that_aws_refuses_is_requested_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The refusal is reported once."""
    ec2 = Ec2(ClientError({"Error": {"Code": "UnauthorizedOperation", "Message": "no"}}, "GetConsoleOutput"))
    denied = console(monkeypatch, ec2)
    assert [denied.read(), denied.read()] == ["", ""]
    ec2.output = "booted"
    assert denied.read() == "booted"
    (line,) = capsys.readouterr().out.splitlines()
    assert "UnauthorizedOperation" in line


def test_a_console_that_cannot_be_read_is_reported_once(capsys: pytest.CaptureFixture[str]) -> None:
    """The gate has the AWS provider's identity; if that is not available, it waits without the boot script's
    messages."""
    given = {"assumeRoleWithWebIdentity": {"roleArn": "arn", "webIdentityTokenFile": "/no/such/token"}}
    console = waiting.Console(given, "eu-central-1", "i-1")
    assert [console.read(), console.read()] == ["", ""]
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 1
    assert said[0].startswith("The server's console cannot be read, so its progress is not shown: ")
    assert "/no/such/token" in said[0]
