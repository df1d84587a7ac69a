"""A server that boots with the setting `oauth`, and an OpenID provider on another machine (tests/support/provider.py),
with a certificate that the server trusts like a public one."""

from __future__ import annotations

import configparser
import ctypes
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import requests
from cheroot import wsgi
from cheroot.ssl.builtin import BuiltinSSLAdapter

from sandbox.machines.machine import Machine
from sandbox.machines.register import find
from tests.live.environment import Environment
from tests.live.leaks import leaks
from tests.live.stacks import console, stack_named, up_or_fail
from tests.sandbox.grafana.support import Authority
from tests.support.provider import CLIENT, SECRET, Provider
from tests.support.waiting import eventually

pytestmark = [pytest.mark.live, pytest.mark.disrupts]

MACHINE = "web-1"
DOMAIN = "monitoring.example.com"
BACK = f"https://{DOMAIN}:3000"
ROLES = "contains(groups[*], 'ops') && 'Admin' || contains(groups[*], 'dev') && 'Editor' || 'Viewer'"
ANN: dict[str, Any] = {"sub": "1", "email": "ann@example.com", "name": "Ann", "groups": ["ops"]}
INI = "/etc/grafana/grafana.ini"
SECRET_FILE = "/etc/grafana/oauth-secret"
TRUST = "cat >/usr/local/share/ca-certificates/public.crt && update-ca-certificates"


@pytest.fixture(scope="module")
def authority(environment: Environment) -> Authority:
    return Authority(environment.place.state, "public")


@pytest.fixture(scope="module")
def provider(environment: Environment, authority: Authority) -> Iterator[Provider]:
    machine = find(environment.place, MACHINE)
    made = Provider(f"{BACK}/login/generic_oauth", f"https://{machine.address}")
    server = wsgi.Server(("0.0.0.0", 443), made.app(), shutdown_timeout=1)  # noqa: S104 - of that machine
    server.ssl_adapter = BuiltinSSLAdapter(*map(str, authority.server_files("provider", str(machine.address))))

    def listen() -> None:
        enter_network_of(machine)
        server.prepare()

    listening = threading.Thread(target=listen)
    listening.start()
    listening.join()
    threading.Thread(target=server.serve, daemon=True).start()
    yield made
    server.stop()


def enter_network_of(machine: Machine) -> None:
    """Move this thread to the machine's network, for all sockets that it opens: setns(2), which Python has since
    3.12."""
    with Path(f"/proc/{machine.leader}/ns/net").open() as network:
        assert ctypes.CDLL(None, use_errno=True).setns(network.fileno(), 0) == 0, os.strerror(ctypes.get_errno())


@pytest.fixture(scope="module")
def stack(provider: Provider) -> Iterator[Environment]:
    paths = {"authUrl": "authorize", "tokenUrl": "token", "apiUrl": "userinfo"}
    oauth = {
        **{"name": "Example", "clientId": CLIENT, "roleAttributePath": ROLES, "allowedDomains": ["example.com"]},
        **{"scopes": ["openid", "email", "profile", "groups"], "loginForm": False},
        **{key: f"{provider.url}/{path}" for key, path in paths.items()},
    }
    with stack_named("sign-in", hosts=[], domain=DOMAIN, oauth=oauth) as made:
        done = made.pulumi("config", "set", "--secret", "--path", "monitoring:oauth.clientSecret", SECRET)
        assert done.returncode == 0, done.stderr
        up_or_fail(made)
        yield made


class Browser:
    """A user's browser, for which DOMAIN resolves to the server's address."""

    def __init__(self, stack: Environment, authority: Authority) -> None:
        self._ca = stack.place.state / "sign-in-ca.pem"
        self._ca.write_text(stack.outputs["caCertificate"])
        described = stack.aws("ec2").describe_instances(InstanceIds=[stack.instance_id])
        address = described["Reservations"][0]["Instances"][0]["PublicIpAddress"]
        self._grafana, self._provider = f"https://{address}:3000", str(authority.file)
        self.session = requests.Session()
        self.session.trust_env = False

    def get(self, url: str) -> requests.Response:
        ours = url.startswith(BACK) or url.startswith("/")
        url = self._grafana + url.removeprefix(BACK) if ours else url
        return self.session.get(
            url, verify=str(self._ca) if ours else self._provider, allow_redirects=False, timeout=20
        )

    def log_in(self) -> requests.Response:
        """Go from the login button to the provider, and back with a code."""
        to_provider = self.get("/login/generic_oauth")
        back = self.get(to_provider.headers["Location"])
        assert back.status_code == 302, back.text
        return self.get(back.headers["Location"])


@pytest.fixture
def browser(stack: Environment, authority: Authority) -> Browser:
    trusted = stack.guest("sh", "-c", TRUST, stdin=authority.pem)
    assert trusted.returncode == 0, trusted.stderr
    return Browser(stack, authority)


def test_grafana_ini_has_the_documented_settings(stack: Environment, provider: Provider) -> None:
    parsed = configparser.RawConfigParser(comment_prefixes=("#", ";"))
    parsed.read_string(stack.guest("cat", INI).stdout)
    assert dict(parsed["auth.generic_oauth"]) == {
        **{"enabled": "true", "name": "Example", "client_id": CLIENT, "client_secret": f"$__file{{{SECRET_FILE}}}"},
        **{"scopes": "openid email profile groups", "auth_url": f"{provider.url}/authorize", "use_pkce": "true"},
        **{"token_url": f"{provider.url}/token", "api_url": f"{provider.url}/userinfo", "allow_sign_up": "true"},
        **{"allowed_domains": "example.com", "role_attribute_path": ROLES},
    }
    assert parsed["server"]["domain"] == DOMAIN
    assert parsed["auth"]["disable_login_form"] == "true"
    assert stack.guest("cat", SECRET_FILE).stdout.strip() == SECRET
    assert stack.guest("stat", "-c", "%a %U:%G", SECRET_FILE).stdout == "640 root:grafana\n"


def test_the_client_secret_is_only_in_its_file(stack: Environment) -> None:
    instances = stack.aws("ec2")
    user_data = instances.describe_instance_attribute(InstanceId=stack.instance_id, Attribute="userData")
    journal = stack.guest("journalctl", "-q", "-o", "cat").stdout
    readable = [json.dumps(stack.outputs), *stack.transcript, json.dumps(user_data, default=str), console(stack)]
    assert not [text[:200] for text in (*readable, journal) if leaks({"client": SECRET}, text)]
    # Not in /run/monitoring, where all values are for a moment each time the boot script runs, every half minute.
    folders = "/etc /var/log /root $(find /run -mindepth 1 -maxdepth 1 ! -name monitoring -type d)"
    looked = stack.guest("sh", "-c", f"grep -rlF -f - {folders}", stdin=SECRET)
    assert looked.stdout.split() == [SECRET_FILE]
    assert stack.guest("stat", "-c", "%a %U", "/run/monitoring").stdout == "700 root\n"


def test_users_log_in_with_the_role_of_their_groups(browser: Browser, provider: Provider) -> None:
    for groups, role in ((["dev"], "Editor"), (["ops"], "Admin"), ([], "Viewer")):
        provider.person = ANN | {"groups": groups}
        let_in = browser.log_in()
        assert (let_in.status_code, let_in.headers["Location"]) == (302, "/"), let_in.cookies
        assert browser.get("/api/user").json()["email"] == "ann@example.com"
        assert browser.get("/api/user/orgs").json()[0]["role"] == role
    assert provider.refused == []


def test_users_of_another_domain_are_refused(browser: Browser, provider: Provider) -> None:
    provider.person = ANN | {"sub": "2", "email": "eve@example.org"}
    refused = browser.log_in()
    assert unquote(refused.cookies["login_error"]) == "Required email domain not fulfilled"
    assert browser.get("/api/user").status_code == 401


def test_nobody_logs_in_through_a_provider_with_an_untrusted_certificate(
    stack: Environment, browser: Browser, provider: Provider
) -> None:
    distrust = "rm /usr/local/share/ca-certificates/public.crt && update-ca-certificates --fresh"
    assert stack.guest("sh", "-c", distrust).returncode == 0
    provider.person = ANN
    assert unquote(browser.log_in().cookies["login_error"]) == "Failed to get token from provider"
    said = lambda: "certificate" in stack.guest("journalctl", "-q", "-u", "grafana-server", "-o", "cat").stdout  # noqa: E731
    assert eventually(said)
