"""Five wrong passwords lock out the administrator, but neither Pulumi nor the server's boot; and what the two gates of
`up` let through."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
import requests

from tests.live.environment import Environment
from tests.live.server import BOOT_SCRIPT
from tests.live.services import Ask
from tests.live.stacks import refresh_or_fail, tail, up, up_or_fail
from tests.support.waiting import eventually

pytestmark = [pytest.mark.live, pytest.mark.disrupts]

IDLE = "/run/systemd/system/telegraf.service.d"
ATTEMPTS = 5
OTHER_CONTENT = {"alertThresholds": {"cpu": 84}}
FORGET = """
import sqlite3
with sqlite3.connect("/var/lib/grafana/grafana.db", timeout=30) as database:
    database.execute("DELETE FROM login_attempt")
"""


def locked(grafana: Ask, administrator: tuple[str, str]) -> bool:
    """Whether the administrator's right password is refused."""
    return bool(grafana("GET", "/api/org", administrator).status_code == 401)


@contextmanager
def lockout(environment: Environment, grafana: Ask, administrator: tuple[str, str]) -> Iterator[None]:
    """Within this context the administrator is locked out: somebody keeps mistyping the password, as
    Grafana forgets each attempt after five minutes."""
    wrong = {"user": administrator[0], "password": "wrong"}
    url, ca, end = environment.grafana.url, str(environment.grafana.ca_file), threading.Event()

    def mistype() -> None:
        while not end.wait(1):
            with suppress(requests.RequestException):  # Grafana is starting
                requests.post(f"{url}/login", json=wrong, verify=ca, timeout=20)

    for _ in range(ATTEMPTS):
        assert grafana("POST", "/login", json=wrong).status_code == 401
    assert locked(grafana, administrator)
    mistyping = threading.Thread(target=mistype)
    mistyping.start()
    try:
        yield
        assert eventually(lambda: locked(grafana, administrator)), "the lockout ended too early"
    finally:
        end.set()
        mistyping.join()
        assert environment.guest("python3", "-", stdin=FORGET).returncode == 0
        assert not locked(grafana, administrator)


def pulumi_login(environment: Environment) -> tuple[str, str]:
    """The login of Pulumi's user in Grafana, from the server's parameters."""
    ssm, folder = environment.aws("ssm"), environment.parameters
    conf, password = (
        ssm.get_parameter(Name=f"{folder}/{name}", WithDecryption=True)["Parameter"]
        for name in ("server.conf", "grafana-automation-password")
    )
    (login,) = [line.partition("=")[2] for line in conf["Value"].splitlines() if line.startswith("AUTOMATION=")]
    return login, password["Value"]


@pytest.mark.usefixtures("quiet_server")
def test_a_locked_out_administrator_blocks_neither_pulumi_nor_the_boot(
    environment: Environment, grafana: Ask, administrator: tuple[str, str]
) -> None:
    with lockout(environment, grafana, administrator):
        refresh_or_fail(environment)
        with environment.settings(**OTHER_CONTENT):
            up_or_fail(environment)
        booted = environment.guest(BOOT_SCRIPT)
        assert booted.returncode == 0, booted.stdout[-2000:]


@pytest.mark.usefixtures("quiet_server")
def test_a_server_boots_with_an_old_volume_whose_only_user_is_locked_out(
    environment: Environment, grafana: Ask, administrator: tuple[str, str]
) -> None:
    login, password = pulumi_login(environment)
    number = grafana("GET", f"/api/users/lookup?loginOrEmail={login}", administrator).json()["id"]
    assert grafana("DELETE", f"/api/admin/users/{number}", administrator).status_code == 200
    assert grafana("GET", "/api/user", (login, password)).status_code == 401
    with lockout(environment, grafana, administrator):
        booted = environment.guest(BOOT_SCRIPT)
        assert booted.returncode == 0, booted.stdout[-2000:]
        refresh_or_fail(environment, "--expect-no-changes")
    assert grafana("GET", "/api/user", (login, password)).json()["isGrafanaAdmin"] is True


@pytest.mark.usefixtures("quiet_server")
def test_the_boot_resets_the_admin_password_and_deletes_older_pulumi_users(
    environment: Environment, grafana: Ask, administrator: tuple[str, str]
) -> None:
    """As on an older volume, or one restored from another stack's backup."""
    older = {"login": "pulumi-" + "0a" * 10, "password": "still-good-there"}
    person = {"login": "pulumi-team", "password": "nobody-s-business"}
    for user in (older, person):
        assert grafana("POST", "/api/admin/users", administrator, json=user).status_code == 200
    mine = {"oldPassword": administrator[1], "newPassword": "chosen by hand"}
    assert grafana("PUT", "/api/user/password", administrator, json=mine).status_code == 200
    booted = environment.guest(BOOT_SCRIPT)
    assert booted.returncode == 0, booted.stdout[-2000:]
    assert grafana("GET", "/api/org", administrator).status_code == 200
    logins = {user["login"]: user["id"] for user in grafana("GET", "/api/users", administrator).json()}
    assert older["login"] not in logins
    assert grafana("DELETE", f"/api/admin/users/{logins['pulumi-team']}", administrator).status_code == 200
    assert pulumi_login(environment)[0] in logins


def test_a_grafana_that_has_lost_the_pulumi_user_gets_it_back(
    environment: Environment, grafana: Ask, administrator: tuple[str, str]
) -> None:
    login, password = pulumi_login(environment)
    number = grafana("GET", f"/api/users/lookup?loginOrEmail={login}", administrator).json()["id"]
    assert grafana("DELETE", f"/api/admin/users/{number}", administrator).status_code == 200
    assert environment.guest("systemctl", "restart", "grafana-server").returncode == 0

    def restored() -> bool:
        try:
            return bool(grafana("GET", "/api/user", (login, password)).status_code == 200)
        except OSError:  # requests': Grafana is starting
            return False

    assert eventually(restored)


@pytest.mark.usefixtures("quiet_server")
def test_only_the_current_revision_passes_the_gate(environment: Environment, grafana: Ask, influxdb: Ask) -> None:
    """Neither an older revision from the server, nor a higher one from someone who may write measurements."""
    login = pulumi_login(environment)
    before = grafana("GET", "/api/user", login).json()
    older = {"login": login[0], "email": before["email"], "name": f"{'f' * 32} on {environment.instance_id}"}
    instance = environment.instance_id
    forged = f'monitoring_server,host=monitoring-{environment.name} revision="999999",instance="{instance}"'
    with environment.settings(retention="29d", bootTimeout="1m"):
        assert influxdb("POST", "/write?db=telegraf", "telegraf", data=forged).status_code == 204
        assert grafana("PUT", "/api/user", login, json=older).status_code == 200
        failed = up(environment)
        assert failed.returncode != 0
        assert "has not applied this revision of its parameters yet" in failed.stdout, tail(failed)
        assert "Traceback" not in failed.stdout
        # Everything continues after the server's next check.
        booted = environment.guest(BOOT_SCRIPT)
        assert booted.returncode == 0, booted.stdout[-2000:]
        up_or_fail(environment)


@pytest.mark.long_fault
def test_up_fails_with_the_reason_when_grafana_cannot_query_cloudwatch(environment: Environment) -> None:
    iam = environment.aws("iam")
    (user,) = [one["UserName"] for one in iam.list_users()["Users"] if one["UserName"].startswith("cloudwatch-")]
    key = {"UserName": user, "AccessKeyId": environment.outputs["cloudwatchAccessKeyId"]}
    # A change of `bootTimeout` reaches both gates, so that they run again. The last one then waits 80 s: 60, and two
    # intervals of measuring.
    with environment.settings(bootTimeout="61s"):
        iam.update_access_key(**key, Status="Inactive")
        try:
            failed = up(environment)
        finally:
            iam.update_access_key(**key, Status="Active")
        assert failed.returncode != 0
        lines = [line.strip() for line in failed.stdout.splitlines()]
        (line,) = {line for line in lines if line.startswith("Grafana shows no data")}
        assert "from CloudWatch: not ready after 80 s" in line, tail(failed)
        assert "InvalidClientTokenId" in line
        assert "accessKeyGeneration creates a new key" in line
        assert "Traceback" not in failed.stdout
        up_or_fail(environment)


@pytest.mark.long_fault
def test_up_fails_with_the_reason_when_no_measurement_arrives(environment: Environment) -> None:
    # The boot script would start a stopped Telegraf; this one runs but measures nothing.
    idle = (
        "mkdir -p {0} && printf '[Service]\\nType=exec\\nExecStart=\\nExecStart=/bin/sleep infinity\\n' >{0}/idle.conf"
    )
    restart = "systemctl daemon-reload && systemctl restart telegraf"
    assert environment.guest("sh", "-c", f"{idle.format(IDLE)} && {restart}").returncode == 0
    with environment.settings(bootTimeout="62s"):
        try:
            failed = up(environment)
        finally:
            assert environment.guest("sh", "-c", f"rm {IDLE}/idle.conf && {restart}").returncode == 0
        assert failed.returncode != 0
        assert "Grafana shows no data from InfluxDB: not ready after 80 s" in failed.stdout, tail(failed)
        up_or_fail(environment)
