"""New passwords, certificates and keys by changing one setting while everything continues: nothing is lost, and the old
ones stop working."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import pytest
import requests

from tests.live.environment import Environment
from tests.live.points import HOSTS, INTERVAL, lost, steady
from tests.live.services import from_agent_machine, generation, grafana_request, influxdb_login
from tests.live.stacks import up_or_fail
from tests.support.waiting import eventually

pytestmark = [pytest.mark.live, pytest.mark.filterwarnings("ignore:Unverified HTTPS request"), pytest.mark.disrupts]

WATCHER = ("watcher", "looks-at-dashboards-all-day")


class Watcher:
    """A viewer of a dashboard: queries Grafana's datasource twice a second in its own session. failures: when queries
    failed, and how."""

    def __init__(self, environment: Environment) -> None:
        self._url = str(environment.outputs["grafanaUrl"])
        self._session = requests.Session()
        # The certificate changes in the meantime; trust is tested elsewhere.
        self._session.trust_env = self._session.verify = False
        who = {"user": WATCHER[0], "password": WATCHER[1]}
        self._session.post(self._url + "/login", json=who, timeout=60).raise_for_status()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self.asked = 0
        self.failures: list[tuple[float, str]] = []

    def _look(self) -> None:
        query = {
            "refId": "A",
            "datasource": {"uid": "influxdb"},
            "query": 'SELECT last("uptime") FROM "system"',
            "rawQuery": True,
            "resultFormat": "time_series",
        }
        body = {"queries": [query], "from": "now-5m", "to": "now"}
        while not self._end.wait(0.5):
            self.asked += 1
            now = time.monotonic()
            try:
                answer = self._ask(body)
                if answer.status_code != requests.codes.ok:
                    self.failures.append((now, f"{answer.status_code} {answer.text[:300]}"))
            except requests.RequestException as error:
                self.failures.append((now, str(error)))

    def _ask(self, body: dict[str, Any]) -> requests.Response:
        """Query like a browser, which retries on a new connection when one that was kept open ends without an answer
        (RFC 9112, 9.3.1). A Grafana that is restarting refuses the new one."""
        url = self._url + "/api/ds/query"
        try:
            return self._session.post(url, json=body, timeout=20)
        except requests.ConnectionError as error:
            if "RemoteDisconnected" not in str(error):
                raise
            return self._session.post(url, json=body, timeout=20)

    def __enter__(self) -> Watcher:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join(30)


@pytest.fixture(scope="module")
def watching(environment: Environment) -> Iterator[None]:
    """The watcher is a user of Grafana, with the default role."""

    def administer(method: str, path: str, body: dict[str, str]) -> requests.Response:
        answer = grafana_request(environment.grafana, method, f"/api/admin/users{path}", body)
        answer.raise_for_status()
        return answer

    user = {"name": WATCHER[0], "login": WATCHER[0], "password": WATCHER[1]}
    number = administer("POST", "", user).json()["id"]
    yield
    administer("DELETE", f"/{number}", {})


def rotate(environment: Environment, *settings: str) -> float:
    """Run `up` with the next generation, for good, as there is no way back. Returns when it began."""
    environment.configure(**{name: generation(environment, name) + 1 for name in settings})
    began = time.time()
    up_or_fail(environment)
    return began


def status(environment: Environment, login: tuple[str, str], query: str = "SHOW DATABASES") -> int:
    """The status of InfluxDB's answer to a user's query."""
    url, trusted = environment.outputs["influxdbUrl"] + "/query", environment.grafana.verify
    with from_agent_machine(environment):
        asked = requests.get(url, params={"db": "telegraf", "q": query}, auth=login, verify=trusted, timeout=60)
    return asked.status_code


def most_lost(environment: Environment, since: float) -> int:
    """Intervals lost by the host that lost most. If Telegraf restarts just when it would measure, one is lost."""
    found = lost(environment, since)
    assert set(found) >= HOSTS
    return max(found.values())


def test_new_passwords_and_a_new_access_key_interrupt_nothing(environment: Environment, watching: None) -> None:
    steady(environment)
    old = {user: influxdb_login(environment, user) for user in ("telegraf", "grafana", "admin")}
    admin = ("admin", str(environment.outputs["grafanaAdminPassword"]))
    key = environment.outputs["cloudwatchAccessKeyId"]
    instance = environment.instance_id
    assert status(environment, old["grafana"]) == requests.codes.ok
    with Watcher(environment) as watcher:
        began = rotate(environment, "passwordGeneration", "accessKeyGeneration")
        # The old users are deleted once the server knows that nothing needs them any more.
        assert eventually(lambda: status(environment, old["grafana"]) == requests.codes.unauthorized)
        time.sleep(2 * INTERVAL)
    assert environment.instance_id == instance
    assert watcher.asked > INTERVAL
    assert watcher.failures == []
    assert most_lost(environment, began) <= 1
    assert {status(environment, one) for one in old.values()} == {requests.codes.unauthorized}
    assert status(environment, influxdb_login(environment, "grafana")) == requests.codes.ok
    assert environment.outputs["grafanaAdminPassword"] != admin[1]
    url = environment.outputs["grafanaUrl"] + "/api/org"
    assert requests.get(url, auth=admin, verify=environment.grafana.verify, timeout=60).status_code == 401
    iam = environment.aws("iam")
    (user,) = [one["UserName"] for one in iam.list_users()["Users"] if one["UserName"].startswith("cloudwatch-")]
    keys = iam.list_access_keys(UserName=user)["AccessKeyMetadata"]
    assert [one["AccessKeyId"] for one in keys] == [environment.outputs["cloudwatchAccessKeyId"]]
    assert environment.outputs["cloudwatchAccessKeyId"] != key
    assert environment.grafana.get("/api/datasources/uid/cloudwatch/health").json()["status"] == "OK"


def serial_number(environment: Environment, port: int, authorities: str) -> str:
    """The serial number of the certificate at a port of the server, for a client that trusts these CAs."""
    address = environment.address
    context = ssl.create_default_context(cadata=authorities)
    with (
        from_agent_machine(environment) if port == 8086 else nullcontext(),
        socket.create_connection((address, port), timeout=60) as plain,
        context.wrap_socket(plain, server_hostname=address) as secure,
    ):
        certificate = secure.getpeercert()
        assert certificate
        return str(certificate["serialNumber"])


def test_a_certificate_of_a_new_ca_costs_only_a_restart_of_influxdb(environment: Environment, watching: None) -> None:
    steady(environment)
    before, following = split(environment.outputs["caCertificate"])
    serial = serial_number(environment, 3000, before)
    instance = environment.instance_id
    with Watcher(environment) as watcher:
        began = rotate(environment, "certificateGeneration")
        time.sleep(3 * INTERVAL)
    assert environment.instance_id == instance
    # InfluxDB cannot reload a certificate and is restarted, which takes a moment.
    times = [when for when, _ in watcher.failures]
    assert not times or times[-1] - times[0] < INTERVAL, watcher.failures
    assert most_lost(environment, began) <= 1
    for port in (3000, 8086):
        # Clients have trusted the new CA since before it was used; the old one signs nothing here any more.
        assert serial_number(environment, port, following) != serial
        with pytest.raises(ssl.SSLCertVerificationError):
            serial_number(environment, port, before)
    assert split(environment.outputs["caCertificate"])[0] == following


def split(pem: str) -> list[str]:
    """The certificates of a bundle."""
    end = "-----END CERTIFICATE-----\n"
    return [part + end for part in pem.split(end) if part.strip()]
