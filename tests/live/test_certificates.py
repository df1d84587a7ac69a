"""No client talks to a server whose certificate is not the expected one."""

from __future__ import annotations

import socket
import ssl
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from tests.live.environment import Environment
from tests.live.services import Ask, from_agent_machine
from tests.support.certificates import self_signed
from tools.wait_until_ready import check_applied, check_grafana
from tools.waiting import Grafana, NotYetError

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def another_authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for localhost, which nobody here trusts."""
    made = self_signed(tmp_path_factory.mktemp("another"))
    made.write_text(made.read_text().partition("-----BEGIN EC")[0])
    return made


def from_allowed_machine(environment: Environment, port: int) -> AbstractContextManager[None]:
    """Within this context, connections come from a machine that the security group lets reach the port."""
    return from_agent_machine(environment) if port == 8086 else nullcontext()


@pytest.mark.parametrize("port", [3000, 8086])
def test_the_certificate_is_not_trusted_by_clients_of_another_ca(
    environment: Environment, another_authority: Path, port: int
) -> None:
    host = urlsplit(environment.grafana.url).hostname
    for verify in (True, str(another_authority)):
        with (
            from_allowed_machine(environment, port),
            pytest.raises(requests.exceptions.SSLError, match=r"(?i)certificate[ _]verify[ _]failed"),
        ):
            requests.get(f"https://{host}:{port}/ping", verify=verify, timeout=10)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
@pytest.mark.parametrize("port", [3000, 8086])
def test_old_versions_of_tls_are_refused(environment: Environment, port: int) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    host = urlsplit(environment.grafana.url).hostname
    with (
        from_allowed_machine(environment, port),
        socket.create_connection((host, port), timeout=10) as plain,
        pytest.raises(ssl.SSLError, match="alert protocol version"),
    ):
        context.wrap_socket(plain)


@pytest.mark.parametrize("refused", ["ECDHE+AES+SHA1", "ECDHE+AES+SHA256:!AESGCM", "kRSA+AESGCM", "kRSA+AES"])
def test_influxdb_refuses_cbc_and_suites_without_forward_secrecy(environment: Environment, refused: str) -> None:
    def handshake(suites: str) -> str:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(suites)
        with from_agent_machine(environment):
            plain = socket.create_connection((host, 8086), timeout=10)
        with plain, context.wrap_socket(plain) as connection:
            return str(connection.cipher())

    host = urlsplit(environment.grafana.url).hostname
    assert "GCM" in handshake("ECDHE+AESGCM"), "TLS 1.2 itself is refused"
    with pytest.raises(ssl.SSLError, match="alert handshake failure"):
        handshake(refused)


WRONG = {
    "another authority": "s#/etc/telegraf/ca.pem#/run/another.pem#",
    "no authority of ours": "/tls_ca/d",
    "another name": "s#https://[^/]*:8086#https://{private}:8086#",
}


@pytest.mark.parametrize("wrong", WRONG)
def test_an_agent_sends_nothing_to_a_server_it_cannot_verify(
    environment: Environment, another_authority: Path, wrong: str
) -> None:
    """Telegraf runs with the server's own configuration, in which one line is changed."""
    environment.guest("sh", "-c", "cat >/run/another.pem", stdin=another_authority.read_text())
    private = environment.guest("hostname", "-I").stdout.split()[0]
    script = (
        f"sed '{WRONG[wrong].format(private=private)}' /etc/telegraf/telegraf.conf >/run/wrong.conf\n"
        ". /etc/default/telegraf; export INFLUX_PASSWORD INFLUX_ADMIN\n"
        "! cmp -s /run/wrong.conf /etc/telegraf/telegraf.conf || exit 3\n"
        "timeout 200 telegraf --once --config /run/wrong.conf 2>&1"
    )
    done = environment.guest("bash", "-c", script)
    assert done.returncode not in (0, 3), done.stdout[-1500:]
    assert "x509: certificate" in done.stdout, done.stdout[-1500:]


@pytest.mark.parametrize("wrong", ["another authority", "no authority of ours"])
def test_grafana_queries_no_influxdb_it_cannot_verify(
    grafana: Ask, administrator: tuple[str, str], passwords: dict[str, str], another_authority: Path, wrong: str
) -> None:
    ours = grafana("GET", "/api/datasources/uid/influxdb", administrator).json()
    mine = wrong == "another authority"
    made = {
        **{key: ours[key] for key in ("type", "url", "user", "access")},
        **{"name": "wrong", "uid": "wrong", "database": "telegraf"},
        "jsonData": {"dbName": "telegraf", "httpMethod": "POST", "tlsAuthWithCACert": mine},
        "secureJsonData": {
            "password": passwords["grafana"],
            **({"tlsCACert": another_authority.read_text()} if mine else {}),
        },
    }
    assert grafana("POST", "/api/datasources", administrator, json=made).status_code == 200
    try:
        health = grafana("GET", "/api/datasources/uid/wrong/health", administrator)
        assert health.status_code == 400
        assert "certificate" in health.json()["message"], health.text
    finally:
        assert grafana("DELETE", "/api/datasources/uid/wrong", administrator).status_code == 200


def test_the_readiness_gate_waits_for_the_right_certificate(environment: Environment, another_authority: Path) -> None:
    """The program's own checks, against the running server, with somebody else's certificate."""
    host = str(urlsplit(environment.grafana.url).hostname)
    right = environment.outputs["caCertificate"]
    check_grafana(Grafana(host, 3000, host, right, ("nobody", "any")))
    for ca, name in ((another_authority.read_text(), host), (right, "monitoring.example.com"), ("", host)):
        stranger = Grafana(host, 3000, name, ca, ("nobody", "any"))
        with pytest.raises(NotYetError, match="certificate is not the expected one"):
            check_grafana(stranger)
        with pytest.raises(NotYetError, match="certificate is not the expected one"):
            check_applied(stranger, "any")


def test_pulumi_verifies_grafana(environment: Environment) -> None:
    """What the provider does with a wrong certificate is tested in tests/sandbox/plugins/grafana/test_provider.py."""
    provider = next(r for r in environment.resources() if r["type"] == "pulumi:providers:grafana")
    assert provider["inputs"]["caCert"] == environment.outputs["caCertificate"]
    assert "insecureSkipVerify" not in provider["inputs"]
