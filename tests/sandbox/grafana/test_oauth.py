"""Logging in with an OpenID provider, with the server's own section of grafana.ini."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
import requests
from cheroot import wsgi
from cheroot.ssl.builtin import BuiltinSSLAdapter

from sandbox.grafana.double.configuration import Configuration
from sandbox.loopback import free_port
from settings import OAuth
from tests.sandbox.grafana.support import DEFAULTS, Authority, Grafana, running
from tests.support.provider import CLIENT, SECRET, Provider
from tests.userdata.examples import SERVER
from userdata.server_files import server_files

ROLES = "contains(groups[*], 'ops') && 'Admin' || contains(groups[*], 'dev') && 'Editor'"
ANN: dict[str, Any] = {"sub": "1", "email": "ann@example.com", "name": "Ann", "groups": ["ops"]}


@pytest.fixture(scope="module")
def provider(authority: Authority) -> Iterator[Provider]:
    """The provider over TLS on loopback."""
    made, port = Provider(""), free_port()
    server = wsgi.Server(("127.0.0.1", port), made.app(), shutdown_timeout=1)
    certificate, key = authority.server_files("provider")
    server.ssl_adapter = BuiltinSSLAdapter(str(certificate), str(key))
    server.prepare()
    threading.Thread(target=server.serve, daemon=True).start()
    made.url = f"https://127.0.0.1:{port}"
    yield made
    server.stop()


class Login:
    """A browser that logs in to a Grafana."""

    def __init__(self, grafana: Grafana, provider: Provider) -> None:
        self.grafana, self.provider, self.session = grafana, provider, requests.Session()
        self.session.verify, self.session.trust_env = grafana.verify, False
        provider.redirect_uri = f"{grafana.url}/login/generic_oauth"

    def get(self, url: str) -> requests.Response:
        return self.session.get(url, allow_redirects=False, timeout=10)

    def code(self, person: dict[str, Any]) -> str:
        """The URL to which the provider sends the browser back, with a code."""
        self.provider.person = person
        to_provider = self.get(f"{self.grafana.url}/login/generic_oauth")
        back = self.get(to_provider.headers["Location"])
        assert back.status_code == 302, back.text
        return back.headers["Location"]

    def as_(self, person: dict[str, Any]) -> requests.Response:
        """Go through the whole login."""
        return self.get(self.code(person))

    def who(self) -> dict[str, Any]:
        return dict(self.session.get(f"{self.grafana.url}/api/user", timeout=10).json())

    def role(self) -> str:
        return str(self.session.get(f"{self.grafana.url}/api/user/orgs", timeout=10).json()[0]["role"])


def why(answer: requests.Response) -> str:
    """The error that the login form shows."""
    assert (answer.status_code, answer.headers["Location"]) == (302, "/login")
    assert "grafana_session" not in answer.cookies
    return unquote(answer.cookies["login_error"])


@pytest.fixture
def browser(
    request: pytest.FixtureRequest, tmp_path: Path, authority: Authority, provider: Provider
) -> Iterator[Login]:
    """A browser, and a Grafana with the server's own section, except for the file and the public names, which do not
    exist here."""
    changes = getattr(request, "param", {})
    oauth = OAuth(
        **{"clientId": CLIENT, "clientSecret": SECRET, "roleAttributePath": ROLES}
        | {f"{name}Url": f"https://login.example.com/{name}" for name in ("auth", "token", "api")}
        | changes
    )
    file = tmp_path / "grafana.ini"
    file.write_text(server_files(replace(SERVER, oauth=oauth))["grafana.ini"])
    secret = tmp_path / "oauth-secret"
    secret.write_text(SECRET + "\n")
    section = Configuration.read([DEFAULTS, file], [], {})._parser
    own = {f"auth.generic_oauth__{key}": value for key, value in section["auth.generic_oauth"].items()}
    assert own["auth.generic_oauth__client_secret"] == "$__file{/etc/grafana/oauth-secret}"
    own |= {"auth.generic_oauth__client_secret": f"$__file{{{secret}}}"}
    paths = {"auth_url": "authorize", "token_url": "token", "api_url": "userinfo"}
    own |= {f"auth.generic_oauth__{key}": f"{provider.url}/{path}" for key, path in paths.items()}
    own |= {"auth.generic_oauth__tls_client_ca": str(authority.file), "server__domain": "127.0.0.1"}
    own |= {"auth__disable_login_form": section["auth"]["disable_login_form"], "security__secret_key": "key"}
    own |= {"auth__login_cookie_name": "grafana_session"}
    with running(tmp_path / "data", authority, **own) as grafana:
        provider.hidden, provider.refused = frozenset(), []
        yield Login(grafana, provider)


def test_a_new_user_has_the_role_of_their_groups(browser: Login) -> None:
    assert browser.as_(ANN).headers["Location"] == "/"
    who = browser.who()
    assert (who["login"], who["email"], who["name"]) == ("ann@example.com", "ann@example.com", "Ann")
    assert not who["isGrafanaAdmin"]
    assert browser.role() == "Admin"


@pytest.mark.parametrize(("groups", "role"), [(["dev"], "Editor"), (["sales"], "Viewer"), ([], "Viewer")])
def test_the_role_depends_on_the_groups(browser: Login, groups: list[str], role: str) -> None:
    browser.as_(ANN | {"groups": groups})
    assert browser.role() == role


def test_a_later_login_updates_the_role_of_the_same_user(browser: Login) -> None:
    browser.as_(ANN)
    first = browser.who()["id"]
    browser.as_(ANN | {"groups": [], "email": "other@example.com"})
    assert (browser.who()["id"], browser.role()) == (first, "Viewer")


@pytest.mark.parametrize("browser", [{"roleAttributePath": None}], indirect=True)
def test_without_a_role_attribute_path_roles_are_set_in_grafana(browser: Login) -> None:
    browser.as_(ANN)
    assert browser.role() == "Viewer"
    browser.grafana.call("PATCH", f"/api/org/users/{browser.who()['id']}", {"role": "Editor"})
    browser.as_(ANN)
    assert browser.role() == "Editor"


def test_claims_missing_from_the_token_come_from_the_userinfo_endpoint(browser: Login) -> None:
    browser.provider.hidden = frozenset({"email", "groups"})
    browser.as_(ANN)
    assert (browser.who()["email"], browser.role()) == ("ann@example.com", "Admin")


@pytest.mark.parametrize("browser", [{"allowedDomains": ["example.com", "example.org"]}], indirect=True)
def test_only_users_of_the_allowed_domains_can_log_in(browser: Login) -> None:
    assert why(browser.as_(ANN | {"email": "eve@notexample.com"})) == "Required email domain not fulfilled"
    assert browser.as_(ANN | {"email": "bob@example.org"}).headers["Location"] == "/"


def test_an_existing_user_cannot_be_taken_over_by_its_email_or_login(browser: Login) -> None:
    for name in ({"email": "admin@localhost"}, {"login": "admin"}):
        assert why(browser.as_(ANN | {"sub": "9"} | name)) == "User already exists"


def test_a_login_needs_an_email_address(browser: Login) -> None:
    assert why(browser.as_({"sub": "1"})) == "Provider didn't return an email address"


def test_a_code_for_another_browser_is_refused(browser: Login) -> None:
    code = browser.code(ANN)
    stranger = Login(browser.grafana, browser.provider)
    assert why(stranger.get(code)) == "Missing saved oauth state"
    stranger.code(ANN)
    assert why(stranger.get(code)) == "Provided state does not match stored state"


def test_a_code_is_only_valid_with_its_verifier(browser: Login) -> None:
    code = browser.code(ANN)
    browser.session.cookies.set("oauth_code_verifier", "x" * 43, domain="127.0.0.1", path="/")
    for cookie in [
        one for one in browser.session.cookies if one.name == "oauth_code_verifier" and one.value != "x" * 43
    ]:
        browser.session.cookies.clear(cookie.domain, cookie.path, cookie.name)
        browser.session.cookies.set("oauth_code_verifier", "x" * 43, domain="127.0.0.1", path="/")
    assert why(browser.get(code)) == "Failed to get token from provider"
    assert browser.provider.refused == ["invalid_grant"]
    code = browser.code(ANN)
    assert browser.get(code).headers["Location"] == "/"


def test_a_refusal_by_the_provider_leads_back_to_the_form(browser: Login) -> None:
    answer = browser.get(f"{browser.grafana.url}/login/generic_oauth?error=access_denied")
    assert why(answer) == "Login provider denied login request"


def test_the_redirect_has_state_and_challenge_but_not_the_secret(browser: Login) -> None:
    sent = browser.get(f"{browser.grafana.url}/login/generic_oauth")
    asked = parse_qs(urlsplit(sent.headers["Location"]).query)
    assert asked["redirect_uri"] == [f"{browser.grafana.url}/login/generic_oauth"]
    assert asked["scope"] == ["openid email profile"]
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["state"][0] not in str(sent.cookies)
    assert SECRET not in sent.headers["Location"]


def test_a_wrong_client_secret_is_refused_by_the_provider(browser: Login, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.support.provider.SECRET", "another")
    assert why(browser.as_(ANN)) == "Failed to get token from provider"
    assert browser.provider.refused == ["invalid_client"]


def test_the_administrator_can_still_use_the_form(browser: Login) -> None:
    given = {"user": browser.grafana.user, "password": browser.grafana.password}
    assert browser.grafana.call("POST", "/login", given, auth=None).status_code == 200


@pytest.mark.parametrize("browser", [{"loginForm": False}], indirect=True)
def test_without_the_form_passwords_only_work_for_basic_authentication(browser: Login) -> None:
    """As used by Pulumi, and by the administrator with curl."""
    given = {"user": browser.grafana.user, "password": browser.grafana.password}
    assert browser.grafana.call("POST", "/login", given, auth=None).status_code == 400
    assert browser.grafana.call("GET", "/api/org").status_code == 200
    assert browser.as_(ANN).headers["Location"] == "/"


def test_without_the_section_there_is_no_redirect(grafana: Grafana) -> None:
    answer = grafana.call("GET", "/login/generic_oauth", auth=None, allow_redirects=False)
    assert why(answer) == "OAuth client is disabled"
