"""A server with the setting `publicCertificate`: its first boot without a certificate authority, the certificate once
there is one, its renewal, and the removal of the setting. The authority is pebble, on another machine
(tests/live/acme.py)."""

from __future__ import annotations

import copy
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509

from sandbox import operator
from tests.live import acme
from tests.live.acme import Acme
from tests.live.aws_reach import RECORD, REQUESTS, allowed_actions, answered_actions, documented_for, try_requests
from tests.live.environment import Environment
from tests.live.identities import server_role
from tests.live.stacks import console, stack_named, up_or_fail
from tests.live.test_reach import REACH, listening, reached, readers
from tests.support.waiting import eventually
from userdata.templates import FOLDER

pytestmark = [pytest.mark.live, pytest.mark.disrupts]

DOMAIN = f"monitoring.{operator.ZONE}"
URL = f"https://{DOMAIN}"
UNIT = "monitoring-certificate"
SERVED = "/etc/haproxy/grafana.pem"
STATUS = ("/etc/monitoring/public-certificate", "status")


@pytest.fixture(scope="module")
def authority(environment: Environment) -> Acme:
    return acme.prepare(environment)


@pytest.fixture(scope="module")
def zone(environment: Environment) -> str:
    return operator.zone(environment.place)


@pytest.fixture(scope="module")
def stack(authority: Acme, zone: str) -> Iterator[Environment]:
    """The stack, raised before the authority runs."""
    wanted = {"directory": authority.directory, "ca": authority.ca, "email": "ops@example.com"}
    with stack_named("public", hosts=[], domain=DOMAIN, route53Zone=zone, publicCertificate=wanted) as made:
        up_or_fail(made)
        yield made


def record_types(environment: Environment, zone: str) -> set[str]:
    found = environment.aws("route53").list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    return {each["Type"] for each in found}


class Visitor:
    """Somebody with a browser, for whom DOMAIN resolves to the server's address."""

    def __init__(self, stack: Environment, folder: Path) -> None:
        (address,) = [each["outputs"]["publicIp"] for each in stack.resources() if each["type"] == "aws:ec2/eip:Eip"]
        self._resolve, self._folder = ["--resolve", f"{DOMAIN}:443:{address}"], folder

    def visits(self, root: str, *more: str, path: str = "/api/health") -> subprocess.CompletedProcess[str]:
        """Request a page with curl, trusting only that root."""
        file = self._folder / "root.pem"
        file.write_text(root)
        trust = ["--cacert", str(file), "--capath", "/nonexistent"]
        command = ["curl", "-sS", "-m", "20", *trust, *self._resolve, *more, URL + path]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def sees(self, root: str) -> bool:
        """Whether Grafana answers somebody who trusts only that root."""
        answer = self.visits(root)
        return answer.returncode == 0 and json.loads(answer.stdout)["database"] == "ok"


@pytest.fixture
def visitor(stack: Environment, tmp_path: Path) -> Visitor:
    return Visitor(stack, tmp_path)


def served(stack: Environment) -> x509.Certificate:
    return x509.load_pem_x509_certificate(stack.guest("cat", SERVED).stdout.encode())


def account(stack: Environment) -> str:
    """What the authority knows about the server's account, as certbot prints it."""
    trust = "cat /etc/ssl/certs/ca-certificates.crt /etc/monitoring/acme-ca.pem >/run/trusted.pem"
    ask = "certbot show_account --non-interactive --server $DIRECTORY --config-dir /srv/monitoring/certificate/*"
    script = f"set -e; . /etc/monitoring/acme.conf; {trust}; REQUESTS_CA_BUNDLE=/run/trusted.pem {ask}"
    return stack.guest("bash", "-c", script).stdout


def test_without_an_authority_the_server_boots_with_its_own_certificate(stack: Environment, visitor: Visitor) -> None:
    assert stack.outputs["grafanaUrl"] == URL
    assert visitor.sees(stack.outputs["caCertificate"])
    said = f"monitoring: no public certificate for {DOMAIN}; it will be tried again"
    assert eventually(lambda: said in console(stack))
    assert stack.guest("runuser", "-u", "telegraf", "--", *STATUS).stdout == "public_certificate left=0i\n"
    # People can log in, and Grafana knows its own address.
    password = stack.outputs["grafanaAdminPassword"]
    settings = visitor.visits(stack.outputs["caCertificate"], "-u", f"admin:{password}", path="/api/frontend/settings")
    assert json.loads(settings.stdout)["appUrl"] == f"{URL}/"


def test_the_certificate_is_obtained_and_renewed(
    stack: Environment, authority: Acme, zone: str, visitor: Visitor
) -> None:
    own = stack.outputs["caCertificate"]
    with authority.running(stack, zone) as root:
        assert stack.guest("systemctl", "restart", UNIT).returncode == 0, authority.log()
        assert eventually(lambda: visitor.sees(root), 60)
        assert eventually(lambda: not visitor.sees(own))  # HAProxy's process from before accepts a moment longer
        assert eventually(lambda: f"the public certificate of {DOMAIN} is valid until" in console(stack))
        left = stack.guest("runuser", "-u", "telegraf", "--", *STATUS).stdout
        assert 89 * 86400 < int(left.partition("=")[2].rstrip("i\n")) <= 90 * 86400
        # The challenge's record is gone, and agents and Pulumi still see the server's own certificate.
        assert record_types(stack, zone) == {"A", "NS", "SOA"}
        address = stack.outputs["influxdbUrl"].replace(DOMAIN, "localhost")
        pinned = stack.guest("curl", "-sS", "--cacert", "/etc/monitoring/ca.pem", "-o", "/dev/null", f"{address}/ping")
        assert pinned.returncode == 0, pinned.stderr
        first, asked = served(stack), authority.log().count("POST /order-plz")
        # Another server with this volume requests no certificate.
        stack.guest("rm", SERVED)
        assert stack.guest("systemctl", "restart", UNIT).returncode == 0
        assert served(stack) == first
        assert authority.log().count("POST /order-plz") == asked
        # Make the certificate due for renewal, by certbot's own setting.
        late = "sed -i 's/^# *renew_before_expiry.*/renew_before_expiry = 100 days/'"
        file = f"/srv/monitoring/certificate/*/renewal/{DOMAIN}.conf"
        assert stack.guest("sh", "-c", f"{late} {file}").returncode == 0
        assert stack.guest("systemctl", "restart", UNIT).returncode == 0, authority.log()
        assert served(stack).serial_number != first.serial_number
        assert eventually(lambda: visitor.sees(root), 60)
        assert "ops@example.com" in account(stack)
        wanted = {**stack.setting("publicCertificate"), "email": "others@example.com"}
        stack.configure(publicCertificate=wanted)
        up_or_fail(stack)
        # Wait without running certbot: only one can run at a time, and the server's would fail.
        written = ("sh", "-c", "cat /srv/monitoring/certificate/*/email")
        assert eventually(lambda: stack.guest(*written).stdout == "others@example.com"), console(stack)
        assert "Email contact: others@example.com" in account(stack)
    # The authority is out of reach again: the certificate stays.
    assert stack.guest("systemctl", "restart", UNIT).returncode != 0
    assert visitor.sees(root)


def test_the_tables_of_who_reaches_what_are_right(stack: Environment) -> None:
    """Those in docs/security.md, for what exists only with this setting."""
    https = "127.0.0.1:443"
    assert reached(stack, https) == REACH[https]
    assert listening(stack) <= set(REACH)
    for file in (SERVED, "/srv/monitoring/certificate"):
        assert readers(stack, file) == REACH[file]
    role = server_role(stack)
    wanted = {request: yes for request, yes in documented_for("the server's role").items() if "`route53:" in request}
    try:
        assert try_requests(role, wanted) == wanted
    finally:
        record = copy.deepcopy(REQUESTS[RECORD][2])
        record["ChangeBatch"]["Changes"][0]["Action"] = "DELETE"
        role.call("route53", "change_resource_record_sets", record)
    assert {each for each in allowed_actions(stack, role.arn) if each.startswith("route53:")} == answered_actions(
        wanted
    )


def test_without_the_setting_nothing_is_left_running(stack: Environment) -> None:
    """Runs only the part of the boot script that runs without the setting, as an `up` would take a minute."""
    head = "set -euo pipefail; here=/etc/monitoring data=/srv/monitoring; . /dev/stdin"
    part = (FOLDER / "server/public.sh").read_text()
    for _ in range(2):
        done = stack.guest("bash", "-c", head, stdin=part)
        assert (done.returncode, done.stdout + done.stderr) == (0, "")
    for unit in ("haproxy", "monitoring-certificate.timer", UNIT):
        assert stack.guest("systemctl", "is-active", unit).stdout == "inactive\n"
        assert stack.guest("systemctl", "is-enabled", unit).stdout in ("disabled\n", "static\n")
    assert "127.0.0.1:443" not in listening(stack)
    assert stack.guest("test", "-e", SERVED).returncode == 1
    assert stack.guest("sh", "-c", "ls /srv/monitoring/certificate/*/live").stdout, "the certificate is lost"
