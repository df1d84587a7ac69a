"""Which users reach what on the server: every cell of the table in docs/security.md is tried, and the table is
complete."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.live.aws_reach import documented_table
from tests.live.environment import Environment
from tests.live.server import BOOT_SCRIPT
from tests.live.services import Ask

pytestmark = pytest.mark.live

METADATA, METADATA_IPV6 = "169.254.169.254", "fd00:ec2::254"
RESET, HTTPS = "8087", "443"
SERVICE_USERS = ("influxdb", "grafana", "telegraf", "admin", "nobody")


def table() -> tuple[dict[str, dict[str, bool]], set[str]]:
    """What → user → whether the user reaches it, according to docs/security.md; and what exists only sometimes."""
    header, *rows = documented_table("reach")
    users = header[1:-1]
    found, sometimes = {}, set()
    for row in rows:
        name = re.match(r"`([^`]+)`", row[0])
        assert name, row
        assert set(row[1:-1]) <= {"yes", "no"}, row
        found[name[1]] = {user: cell == "yes" for user, cell in zip(users, row[1:-1], strict=True)}
        if re.search(r", (with `|while )", row[0]):
            sometimes.add(name[1])
    return found, sometimes


REACH, SOMETIMES = table()
PORTS = [what for what in REACH if not what.startswith("/")]
FILES = [what for what in REACH if what.startswith("/")]


def as_user(environment: Environment, user: str, *command: str) -> Any:
    return environment.guest("runuser", "-u", user, "--", *command)


@pytest.fixture(scope="module")
def metadata_over_ipv6(environment: Environment) -> Iterator[None]:
    """Something on the server itself answers at the address, as the local network has no IPv6."""
    listener = (
        f"systemd-run -q --unit=ipv6-metadata python3 -m http.server 80 --bind {METADATA_IPV6} --directory /proc/net"
    )
    assert environment.guest("ip", "address", "add", f"{METADATA_IPV6}/128", "dev", "lo").returncode == 0
    assert environment.guest(*listener.split()).returncode == 0
    root = f"until curl -sSf -o /dev/null 'http://[{METADATA_IPV6}]/'; do sleep 0.2; done"
    assert environment.guest("timeout", "120", "bash", "-c", root).returncode == 0
    yield
    environment.guest("systemctl", "stop", "ipv6-metadata")
    environment.guest("ip", "address", "delete", f"{METADATA_IPV6}/128", "dev", "lo")


@pytest.mark.usefixtures("metadata_over_ipv6")
@pytest.mark.parametrize("what", PORTS)
def test_each_port_is_reached_by_exactly_the_users_in_the_table(environment: Environment, what: str) -> None:
    _, _, port = what.rpartition(":")
    if port == RESET:
        pytest.skip("something listens there only while a password is reset, which another test tries")
    if port == HTTPS:
        pytest.skip("only with `publicCertificate`: tests/live/test_public_certificate.py")
    assert reached(environment, what) == REACH[what]


def reached(environment: Environment, what: str) -> dict[str, bool]:
    """Which users reach a port."""
    host, _, port = what.rpartition(":")
    connect = ("timeout", "60", "bash", "-c", f"exec 3<>/dev/tcp/{host}/{port}")
    return {user: as_user(environment, user, *connect).returncode == 0 for user in REACH[what]}


@pytest.mark.parametrize("what", FILES)
def test_each_file_is_read_by_exactly_the_users_in_the_table(environment: Environment, what: str) -> None:
    if what in SOMETIMES and environment.guest("test", "-e", what).returncode != 0:
        pytest.skip("does not exist with these settings")
    assert readers(environment, what) == REACH[what]


def readers(environment: Environment, what: str) -> dict[str, bool]:
    """Which users can read a file or a folder."""
    read = ("sh", "-c", 'if [ -d "$0" ]; then ls "$0"; else head -c 1 "$0"; fi', what)
    return {user: as_user(environment, user, *read).returncode == 0 for user in REACH[what]}


def test_the_table_lists_every_listening_port(environment: Environment) -> None:
    assert listening(environment) <= set(PORTS)


def listening(environment: Environment) -> set[str]:
    """The ports that something listens on, as the table names them."""
    bound = {line.split()[3] for line in environment.guest("ss", "-Hltn").stdout.splitlines()}
    ports = {re.sub(r"%\w+", "", each) for each in bound}
    # The table lists what listens on every address under 127.0.0.1.
    named = {re.sub(r"^(\*|0\.0\.0\.0|\[::\]):", "127.0.0.1:", each) for each in ports}
    return {re.sub(r"[][]", "", each) for each in named}


def test_the_table_lists_every_protected_file(environment: Environment) -> None:
    folders = (
        "/etc/monitoring /etc/grafana /etc/influxdb /etc/telegraf /etc/default/telegraf /etc/default/grafana-server"
    )
    # Grafana's package also protects its examples.
    find = f"find {folders} -type f ! -perm -004 ! -name sample.yaml"
    protected = environment.guest("sh", "-c", find).stdout.split()
    assert protected
    assert set(protected) <= set(FILES)


TOKEN = ("curl", "-sS", "-m", "60", "-X", "PUT", "-H", "X-aws-ec2-metadata-token-ttl-seconds: 60")


@pytest.mark.parametrize("user", SERVICE_USERS)
def test_no_service_user_gets_a_token_from_the_metadata_service(environment: Environment, user: str) -> None:
    """A token gives access to the role's credentials and so to every secret of the stack."""
    url = f"http://{METADATA}/latest/api/token"
    assert environment.guest(*TOKEN, "-f", url).returncode == 0, "not even root gets one"
    refused = as_user(environment, user, *TOKEN, url)
    assert (refused.returncode, refused.stdout) == (7, ""), "curl's status 7 means no connection"


@pytest.mark.parametrize("path", ["latest/api/token", "latest/meta-data/iam/security-credentials/"])
def test_grafana_does_not_reach_the_metadata_service(grafana: Ask, administrator: tuple[str, str], path: str) -> None:
    """Not even for its administrator, who adds a datasource at that address and asks it through Grafana's proxy."""
    headers = {"httpHeaderName1": "X-aws-ec2-metadata-token-ttl-seconds"}
    source = {
        "name": "metadata",
        "uid": "metadata",
        "type": "influxdb",
        "access": "proxy",
        "url": f"http://{METADATA}",
        "jsonData": headers,
        "secureJsonData": {"httpHeaderValue1": "60"},
    }
    assert grafana("POST", "/api/datasources", administrator, json=source).status_code == 200
    try:
        method = "PUT" if path.endswith("token") else "GET"
        answer = grafana(method, f"/api/datasources/proxy/uid/metadata/{path}", administrator)
        # Any other answer would come from the service.
        assert (answer.status_code, answer.content) == (502, b"")
        health = grafana("GET", "/api/datasources/uid/metadata/health", administrator)
        assert "connection refused" in health.json()["message"]
    finally:
        grafana("DELETE", "/api/datasources/uid/metadata", administrator)


BACKUP = "cd $(mktemp -d); timeout 120 influxd backup -portable -db telegraf ./b"


@pytest.mark.parametrize("user", SERVICE_USERS)
def test_no_service_user_can_back_up_influxdb(environment: Environment, user: str) -> None:
    """A restored backup reveals every measurement and every user of InfluxDB."""
    # influxd would retry for long, so it ends at the first refusal.
    taken = as_user(environment, user, "sh", "-c", f"{BACKUP} 2>&1 | grep -m 1 'connection refused'; ls ./b")
    assert "connection refused" in taken.stdout
    assert ".manifest" not in taken.stdout


def test_root_can_back_up_influxdb(environment: Environment) -> None:
    taken = environment.guest("sh", "-c", f"{BACKUP} && ls ./b/*.manifest")
    assert taken.returncode == 0, taken.stdout + taken.stderr


def test_the_firewall_rules_are_loaded_before_any_service(environment: Environment) -> None:
    """At every boot, systemd loads the rules before there is a network, and starts no service without them."""
    shown = environment.guest("systemctl", "show", "-p", "Before,RequiredBy,WantedBy", "monitoring-firewall").stdout
    facts = {key: set(value.split()) for key, _, value in (line.partition("=") for line in shown.splitlines())}
    services = {"influxdb.service", "grafana-server.service", "telegraf.service"}
    assert services <= facts["RequiredBy"]
    assert services | {"network-pre.target"} <= facts["Before"]
    assert "sysinit.target" in facts["WantedBy"]


SPIED = f"""
rm /etc/monitoring/influxdb-administrator
runuser -u nobody -- bash -c 'while :; do
  curl -sk -m 1 https://localhost:{RESET}/query --data-urlencode "q=SHOW USERS" && exit 7
  sleep 0.05
done' &
spy=$!
{BOOT_SCRIPT} >&2
kill $spy
wait $spy
echo "status $?"
"""


@pytest.mark.disrupts
@pytest.mark.usefixtures("quiet_server")
def test_nobody_reaches_influxdb_while_its_administrator_gets_a_password(environment: Environment) -> None:
    """It listens without requiring a login then (userdata/server/influxdb.sh, reset_password)."""
    spied = environment.guest("bash", "-c", SPIED)
    assert "giving InfluxDB's administrator a password" in spied.stderr
    assert spied.stdout == "status 143\n", "InfluxDB answered somebody"
