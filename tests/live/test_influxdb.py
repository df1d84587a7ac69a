"""What users may do in InfluxDB."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import yaml

from tests.live.environment import Environment
from tests.live.points import SERVER
from tests.live.services import Ask, influxdb_admin_password, query
from tests.support.waiting import eventually
from tools.wait_for_data import Measurements
from tools.waiting import Grafana, NotYetError

pytestmark = pytest.mark.live


PAGES = (
    *(("GET", "/query?q=SHOW+DATABASES"), ("POST", "/query?q=SHOW+DATABASES"), ("POST", "/write?db=telegraf")),
    *(("POST", "/api/v1/prom/read?db=telegraf"), ("POST", "/api/v1/prom/write?db=telegraf")),
    *(("GET", "/metrics"), ("GET", "/ping"), ("HEAD", "/ping"), ("GET", "/health"), ("GET", "/status")),
    *(("GET", "/debug/vars"), ("GET", "/debug/requests"), ("GET", "/debug/pprof/"), ("GET", "/debug/pprof/cmdline")),
    *(("GET", "/debug/pprof/heap"), ("GET", "/debug/pprof/profile?seconds=1"), ("GET", "/debug/pprof/all")),
)


@pytest.mark.parametrize(("method", "path"), PAGES)
def test_influxdb_requires_a_login(influxdb: Ask, method: str, path: str) -> None:
    answer = influxdb(method, path, data="system uptime=1" if method == "POST" else None)
    assert answer.status_code in (400, 401, 404), answer.text[:300]
    assert len(answer.content) < 200, "more than a refusal"
    assert answer.status_code == 401 or "pprof" in path or "prom" in path


def test_influxdb_shows_only_its_version_without_a_login(influxdb: Ask) -> None:
    """In a header of every answer, as docs/security.md says. Other pages are for its users."""
    verbose = influxdb("GET", "/ping?verbose=true", "telegraf")
    assert verbose.json().keys() == {"version"}
    assert influxdb("GET", "/ping").headers["X-Influxdb-Version"] == verbose.json()["version"]
    assert "go_goroutines" in influxdb("GET", "/metrics", "telegraf").text


@pytest.mark.parametrize("user", ["telegraf", "grafana", "admin", "nobody"])
def test_a_wrong_password_is_refused(influxdb: Ask, user: str) -> None:
    answer = influxdb("GET", "/query?q=SHOW+DATABASES", user, password="x" * 32)
    assert (answer.status_code, answer.json()["error"]) == (401, "authorization failed")


ADMINISTRATION = (
    *("SHOW USERS", "CREATE USER \"me\" WITH PASSWORD 'me' WITH ALL PRIVILEGES", 'DROP USER "admin"'),
    *('GRANT ALL PRIVILEGES TO "{user}"', 'GRANT READ ON "_internal" TO "{user}"', 'SHOW GRANTS FOR "admin"'),
    *("SET PASSWORD FOR \"admin\" = 'me'", 'CREATE DATABASE "mine"', 'DROP DATABASE "telegraf"', "SHOW STATS"),
    *("SHOW DIAGNOSTICS", "SHOW SHARDS", "SHOW SUBSCRIPTIONS", "KILL QUERY 1", "DROP SHARD 1"),
    'CREATE RETENTION POLICY "a" ON "telegraf" DURATION 1d REPLICATION 1',
    'ALTER RETENTION POLICY "autogen" ON "telegraf" DURATION 1h',
    'CREATE SUBSCRIPTION "s" ON "telegraf"."autogen" DESTINATIONS ALL \'udp://198.18.0.9:9\'',
    'DROP MEASUREMENT "system"',
)
INCLUDED = ('DELETE FROM "{it}"', 'DROP SERIES FROM "{it}"', 'DROP RETENTION POLICY "autogen" ON "{it}"')
"""What InfluxDB's privilege WRITE includes."""
READING = ('SELECT * FROM "system" LIMIT 1', "SHOW MEASUREMENTS", "SHOW SERIES", "SHOW TAG KEYS", "SHOW FIELD KEYS")
ELSEWHERE = ('SELECT * FROM "_internal"."monitor"."httpd" LIMIT 1', 'SHOW MEASUREMENTS ON "_internal"')


@pytest.mark.parametrize("statement", ADMINISTRATION + ELSEWHERE)
@pytest.mark.parametrize("user", ["telegraf", "grafana"])
def test_neither_user_can_administer_or_read_another_database(influxdb: Ask, user: str, statement: str) -> None:
    answer = query(influxdb, user, statement.format(user=user))
    assert answer.startswith("error: "), answer[:300]
    assert "not authorized" in answer or "requires admin privilege" in answer, answer


@pytest.mark.parametrize("statement", READING)
def test_the_writing_user_cannot_read(influxdb: Ask, statement: str) -> None:
    answer = query(influxdb, "telegraf", statement)
    assert "not authorized" in answer or (answer.startswith("{") and '"series"' not in answer), answer[:300]


@pytest.mark.parametrize("statement", [*INCLUDED, 'SELECT * INTO "copy" FROM "system"'])
def test_the_reading_user_cannot_change_anything(influxdb: Ask, statement: str) -> None:
    assert "not authorized" in query(influxdb, "grafana", statement.format(it="telegraf"))


def test_writing_includes_deleting(influxdb: Ask, passwords: dict[str, str]) -> None:
    """As docs/security.md says; tried with a user and a database that exist only for this."""
    for statement in (
        'CREATE DATABASE "trial"',
        "CREATE USER \"trial\" WITH PASSWORD 'x'",
        'GRANT WRITE ON "trial" TO "trial"',
    ):
        assert query(influxdb, "admin", statement).startswith("{")
    passwords["trial"] = "x"
    try:
        assert influxdb("POST", "/write?db=trial", "trial", data="trial value=1").status_code == 204
        for statement in INCLUDED:
            assert query(influxdb, "trial", statement.format(it="trial"), "trial").startswith("{"), statement
    finally:
        del passwords["trial"]
        query(influxdb, "admin", 'DROP DATABASE "trial"')
        query(influxdb, "admin", 'DROP USER "trial"')


def test_the_reading_user_reads(influxdb: Ask) -> None:
    assert '"values"' in query(influxdb, "grafana", 'SELECT last("uptime") FROM "system"')
    assert '"telegraf"' in (databases := query(influxdb, "grafana", "SHOW DATABASES"))
    assert "_internal" not in databases


def test_each_writes_only_where_it_may(influxdb: Ask) -> None:
    def write(user: str, database: str) -> int:
        return int(influxdb("POST", f"/write?db={database}", user, data="access_test value=1").status_code)

    assert write("telegraf", "telegraf") == 204
    assert write("grafana", "telegraf") == 403
    assert write("telegraf", "_internal") == 403
    assert write("telegraf", "mine") in (403, 404)
    assert query(influxdb, "admin", 'DROP MEASUREMENT "access_test"').startswith("{")


@pytest.mark.parametrize("path", ["/debug/vars", "/debug/requests", "/debug/pprof/cmdline"])
def test_only_the_administrator_sees_the_internals_of_influxdb(influxdb: Ask, path: str) -> None:
    assert [influxdb("GET", path, user).status_code for user in ("telegraf", "grafana", "admin")] == [403, 403, 200]


def test_telegraf_on_the_server_reads_the_statistics_of_influxdb(influxdb: Ask) -> None:
    for field, measurement in (("pointReq", "influxdb_write"), ("req", "influxdb_httpd")):
        text = f'SELECT count("{field}") FROM "{measurement}" WHERE time > now() - 1m'  # noqa: S608
        assert '"values"' in query(influxdb, "grafana", text), measurement


def test_only_the_server_knows_the_password_of_the_administrator(environment: Environment, influxdb: Ask) -> None:
    password = influxdb_admin_password(environment)
    assert query(influxdb, "admin", "SHOW USERS").startswith("{")
    pages = environment.aws("ssm").get_paginator("get_parameters_by_path")
    stored = [page["Parameters"] for page in pages.paginate(Path="/", Recursive=True, WithDecryption=True)]
    assert password not in str(stored)
    exported = environment.pulumi("stack", "export", "--show-secrets").stdout
    environment.transcript.pop()  # this output shows secrets on purpose
    assert "grafana-admin" in exported
    assert password not in exported
    files = ("/etc/monitoring/influxdb-administrator", "/etc/default/telegraf")
    read = environment.guest("runuser", "-u", "nobody", "--", "cat", *files)
    assert (read.stdout, read.stderr.count("Permission denied")) == ("", 2), read.stderr


def test_influxdb_is_the_same_package_as_on_aws(environment: Environment) -> None:
    default = yaml.safe_load((environment.place.checkout / "Pulumi.yaml").read_text())["config"]
    installed = environment.guest("dpkg-query", "-W", "-f", "${Version}", "influxdb").stdout
    assert installed == default["influxdbVersion"]["default"]
    unit = environment.guest("systemctl", "show", "influxdb", "-p", "Type", "-p", "FragmentPath").stdout.splitlines()
    # With its own start script, systemd would kill it after 90 s (userdata/server/influxdb-start.conf).
    assert sorted(unit) == ["FragmentPath=/usr/lib/systemd/system/influxdb.service", "Type=exec"]


def test_each_key_file_belongs_to_its_service_alone(environment: Environment) -> None:
    """InfluxDB 1.12.3 and later refuse to start with a key that others can read, even their own group."""
    listing = environment.guest("find", "/etc", "-name", "server-key", "-printf", "%m %u:%g %p\\n").stdout
    assert sorted(listing.splitlines()) == [
        "600 grafana:grafana /etc/grafana/server-key",
        "600 influxdb:influxdb /etc/influxdb/server-key",
    ]


@pytest.fixture
def silent_server(environment: Environment, quiet_server: None) -> Iterator[None]:
    """The server itself measures nothing during the test. A whole run of the boot script would start Telegraf."""
    assert environment.guest("systemctl", "stop", "telegraf").returncode == 0
    yield
    assert environment.guest("systemctl", "start", "telegraf").returncode == 0


def test_no_point_of_an_agent_passes_the_gate(environment: Environment, influxdb: Ask, silent_server: None) -> None:
    """An agent can write any measurement under any name, so the gate looks for something that only the server
    knows."""
    url = urlsplit(environment.grafana.url)
    login = (environment.grafana.user, environment.grafana.password)
    grafana = Grafana(str(url.hostname), 3000, str(url.hostname), environment.outputs["caCertificate"], login)
    revision = environment.guest("cut", "-d", '"', "-f", "2", "/etc/monitoring/revision").stdout.strip()
    assert len(revision) == 32
    gate = Measurements(grafana, SERVER, revision)
    refused = "no new measurement of the server has arrived yet"
    with pytest.raises(NotYetError, match=refused):
        gate()
    points = f'system,host={SERVER} uptime=1i\nmonitoring_server,host={SERVER} revision="{"0" * 32}"'
    assert influxdb("POST", "/write?db=telegraf", "telegraf", data=points).status_code == 204
    with pytest.raises(NotYetError, match=refused):
        gate()
    assert environment.guest("systemctl", "start", "telegraf").returncode == 0

    def satisfied() -> bool:
        try:
            gate()
        except NotYetError:
            return False
        return True

    assert eventually(satisfied)
