"""Who can use the double, and how it refuses others."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import requests

from sandbox.grafana.double import command
from tests.sandbox.grafana.support import DEFAULTS, PASSWORD, Authority, Grafana, running


def test_health_needs_no_login(grafana: Grafana) -> None:
    answer = grafana.call("GET", "/api/health", auth=None)
    assert answer.status_code == 200
    assert answer.json()["database"] == "ok"
    assert re.fullmatch(r"\d+\.\d+\.\d+", answer.json()["version"])


def test_a_request_without_a_login_is_refused(grafana: Grafana) -> None:
    answer = grafana.call("GET", "/api/org", auth=None)
    assert answer.status_code == 401
    assert answer.json()["message"] == "Unauthorized"


def test_a_wrong_password_is_refused(grafana: Grafana) -> None:
    answer = grafana.call("GET", "/api/org", auth=("admin", "admin"))
    assert answer.status_code == 401
    assert answer.json()["message"] == "Invalid username or password"


@pytest.mark.double
def test_a_client_without_the_ca_does_not_trust_the_certificate(grafana: Grafana) -> None:
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(f"{grafana.url}/api/health", timeout=5)


@pytest.mark.double
def test_five_wrong_passwords_lock_the_name_even_for_the_right_password(grafana: Grafana) -> None:
    for _ in range(5):
        grafana.call("GET", "/api/org", auth=("admin", "guess"))
    assert grafana.call("GET", "/api/org").status_code == 401


def test_the_lock_can_be_disabled(tmp_path: Path, authority: Authority) -> None:
    with running(tmp_path, authority, security__disable_brute_force_login_protection="true") as grafana:
        for _ in range(6):
            grafana.call("GET", "/api/org", auth=("admin", "guess"))
        assert grafana.call("GET", "/api/org").status_code == 200


@pytest.mark.parametrize("user", [{"password": "long enough"}, {"login": "ann"}, {"login": "ann", "password": "abc"}])
def test_a_user_needs_a_name_and_a_password(grafana: Grafana, user: dict[str, str]) -> None:
    assert grafana.call("POST", "/api/admin/users", user).status_code == 400


def test_a_session_cookie_is_valid_until_logout(grafana: Grafana) -> None:
    session = requests.Session()
    session.trust_env = False
    session.verify = grafana.verify
    refused = session.post(f"{grafana.url}/login", json={"user": "admin", "password": "x"}, timeout=5)
    assert refused.status_code == 401
    answer = session.post(f"{grafana.url}/login", json={"user": grafana.user, "password": grafana.password}, timeout=5)
    assert answer.json()["message"] == "Logged in"
    assert "HttpOnly" in answer.headers["Set-Cookie"]
    assert session.get(f"{grafana.url}/api/login/ping", timeout=5).status_code == 200
    stolen = session.cookies.copy()
    session.get(f"{grafana.url}/logout", timeout=5, allow_redirects=False)
    again = requests.get(f"{grafana.url}/api/user", cookies=stolen, verify=grafana.verify, timeout=5)
    assert again.status_code == 401


def test_anonymous_visitors_can_only_read_if_that_is_enabled(tmp_path: Path, authority: Authority) -> None:
    with running(tmp_path, authority, **{"auth.anonymous__enabled": "true"}) as grafana:
        assert grafana.call("GET", "/api/search", auth=None).status_code == 200
        assert grafana.call("GET", "/api/datasources", auth=None).status_code == 403
        assert grafana.call("POST", "/api/folders", {"title": "x"}, auth=None).status_code == 403


def test_the_password_setting_only_applies_to_a_new_database(tmp_path: Path, authority: Authority) -> None:
    with running(tmp_path, authority):
        pass
    with running(tmp_path, authority, security__admin_password="another") as grafana:
        assert grafana.call("GET", "/api/org", auth=("admin", "another")).status_code == 401
        assert grafana.call("GET", "/api/org").status_code == 200


@pytest.mark.double
def test_the_command_line_resets_the_password(
    grafana: Grafana, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = DEFAULTS.parent.parent
    arguments = ["cli", "--homepath", str(home), "--configOverrides", f"cfg:paths.data={grafana.data}"]
    monkeypatch.setattr("sys.stdin", open_text("brand new\n"))
    assert command.main([*arguments, "admin", "reset-admin-password", "--password-from-stdin"]) == 0
    assert "Admin password changed successfully" in capsys.readouterr().out
    assert grafana.call("GET", "/api/org").status_code == 401
    assert grafana.call("GET", "/api/org", auth=("admin", "brand new")).status_code == 200
    assert command.main([*arguments, "admin", "reset-admin-password"]) == 1
    assert "password is missing" in capsys.readouterr().err


def open_text(text: str) -> object:
    import io

    return io.StringIO(text)


@pytest.mark.double
def test_passwords_are_stored_hashed(grafana: Grafana) -> None:
    assert PASSWORD.encode() not in grafana.files()


def test_unknown_paths_are_not_found(grafana: Grafana) -> None:
    assert grafana.call("GET", "/api/nothing").status_code == 404


@pytest.mark.double
def test_the_start_page_explains_itself_and_lists_the_dashboards(grafana: Grafana) -> None:
    page = grafana.call("GET", "/", auth=None).text
    assert "stand-in" in page
    assert "/api/dashboards" not in page
    grafana.call("POST", "/api/dashboards/db", {"dashboard": {"title": "A <b> one", "uid": "one"}})
    page = grafana.call("GET", "/").text
    assert "/api/dashboards/uid/one" in page
    assert "A &lt;b&gt; one" in page


VIEWER = {"login": "viewer", "password": "a password", "name": "V", "email": "v@example.com"}


def test_a_new_user_can_only_read(grafana: Grafana) -> None:
    made = grafana.call("POST", "/api/admin/users", VIEWER)
    assert made.json()["message"] == "User created"
    assert grafana.call("POST", "/api/admin/users", VIEWER).status_code == 412
    assert grafana.call("POST", "/api/admin/users", {"password": "a password"}).status_code == 400
    assert grafana.call("POST", "/api/admin/users", {**VIEWER, "login": "w", "password": "x"}).status_code == 400
    viewer = ("viewer", "a password")
    assert grafana.call("GET", "/api/search", auth=viewer).status_code == 200
    for method, path in (("POST", "/api/folders"), ("POST", "/api/admin/users"), ("GET", "/api/datasources")):
        assert grafana.call(method, path, {"title": "x"} if method == "POST" else None, auth=viewer).status_code == 403
    assert grafana.call("DELETE", f"/api/admin/users/{made.json()['id']}").status_code == 200
    assert grafana.call("GET", "/api/search", auth=viewer).status_code == 401
    assert grafana.call("DELETE", f"/api/admin/users/{made.json()['id']}").status_code == 404


def test_new_users_have_the_configured_role(tmp_path: Path, authority: Authority) -> None:
    with running(tmp_path, authority, users__auto_assign_org_role="Editor") as grafana:
        grafana.call("POST", "/api/admin/users", VIEWER)
        made = grafana.call("POST", "/api/folders", {"title": "x"}, auth=("viewer", "a password"))
        assert made.status_code == 200


@pytest.mark.double
def test_the_lock_ends_after_five_minutes(grafana: Grafana) -> None:
    import sqlite3

    for _ in range(5):
        grafana.call("GET", "/api/org", auth=("admin", "guess"))
    assert grafana.call("GET", "/api/org").status_code == 401
    assert grafana.data
    with sqlite3.connect(grafana.data / "grafana.db", timeout=5) as database:
        database.execute("UPDATE login_attempt SET created = created - 301")
    assert grafana.call("GET", "/api/org").status_code == 200


def test_sign_up_is_disabled(grafana: Grafana) -> None:
    answer = grafana.call("POST", "/api/user/signup", {"email": "me@example.com"}, auth=None)
    assert (answer.status_code, answer.json()["message"]) == (401, "User signup is disabled")


@pytest.mark.double
def test_settings_for_browsers(tmp_path: Path, authority: Authority, grafana: Grafana) -> None:
    plain = grafana.call("GET", "/api/health").headers
    assert plain["X-Frame-Options"] == "deny"
    assert "Strict-Transport-Security" not in plain
    assert grafana.call("GET", "/api/user").json()["avatarUrl"].startswith("/avatar/")
    changed = {
        "security__strict_transport_security": "true",
        "security__allow_embedding": "true",
        "security__cookie_samesite": "strict",
        "security__disable_gravatar": "true",
        "snapshots__external_enabled": "false",
    }
    with running(tmp_path / "other", authority, **changed) as other:
        headers = other.call("GET", "/api/health").headers
        assert headers["Strict-Transport-Security"] == "max-age=86400"
        assert "X-Frame-Options" not in headers
        cookie = other.call("POST", "/login", {"user": "admin", "password": PASSWORD}, auth=None).headers["Set-Cookie"]
        assert "SameSite=Strict" in cookie
        assert other.call("GET", "/api/user").json()["avatarUrl"] == "/public/img/user_profile.png"
        assert other.call("GET", "/api/snapshot/shared-options").json()["externalEnabled"] is False


def test_failed_logins_of_unknown_users_do_not_count(grafana: Grafana) -> None:
    """As in Grafana (pkg/services/authn/clients/password.go), attempts before a user exists do not lock the name."""
    for _ in range(6):
        assert grafana.call("GET", "/api/user", auth=("viewer", VIEWER["password"])).status_code == 401
    assert grafana.call("POST", "/api/admin/users", VIEWER).status_code == 200
    assert grafana.call("GET", "/api/user", auth=("viewer", VIEWER["password"])).status_code == 200


def test_neither_a_login_nor_a_new_password_resets_failed_attempts(grafana: Grafana) -> None:
    number = grafana.call("POST", "/api/admin/users", VIEWER).json()["id"]
    for guess in ("guess", "guess", VIEWER["password"], "guess", "guess", VIEWER["password"], "guess"):
        grafana.call("GET", "/api/user", auth=("viewer", guess))
    assert grafana.call("GET", "/api/user", auth=("viewer", VIEWER["password"])).status_code == 401
    new = {"password": "another one"}
    assert grafana.call("PUT", f"/api/admin/users/{number}/password", new).status_code == 200
    assert grafana.call("GET", "/api/user", auth=("viewer", "another one")).status_code == 401


def test_server_and_organisation_administrators_are_independent(grafana: Grafana) -> None:
    number = grafana.call("POST", "/api/admin/users", VIEWER).json()["id"]
    viewer = ("viewer", VIEWER["password"])

    def may() -> tuple[bool, bool]:
        """Whether the user administers the server, and the organisation."""
        return tuple(  # type: ignore[return-value]
            grafana.call("GET", path, auth=viewer).status_code == 200 for path in ("/api/users", "/api/datasources")
        )

    def change(method: str, path: str, body: dict[str, object], status: int, auth: tuple[str, str] | None) -> None:
        named = {} if auth is None else {"auth": auth}
        assert grafana.call(method, path, body, **named).status_code == status

    permissions, role = f"/api/admin/users/{number}/permissions", f"/api/org/users/{number}"
    assert may() == (False, False)
    change("PUT", permissions, {"isGrafanaAdmin": True}, 403, viewer)
    change("PATCH", role, {"role": "Admin"}, 403, viewer)
    change("PATCH", role, {"role": "King"}, 400, None)
    change("PUT", permissions, {"isGrafanaAdmin": True}, 200, None)
    assert may() == (True, False)
    change("PATCH", role, {"role": "Admin"}, 200, None)
    assert may() == (True, True)
    change("PUT", permissions, {"isGrafanaAdmin": False}, 200, None)
    assert may() == (False, True)
    change("PUT", "/api/admin/users/1/permissions", {"isGrafanaAdmin": False}, 400, None)  # the last one


def test_users_can_change_their_own_name_but_not_to_another_user_s(grafana: Grafana) -> None:
    grafana.call("POST", "/api/admin/users", VIEWER)
    viewer = ("viewer", VIEWER["password"])
    mine = {"login": "viewer", "email": "v@example.com", "name": "revision on i-1"}
    assert grafana.call("PUT", "/api/user", mine, auth=viewer).status_code == 200
    assert grafana.call("GET", "/api/user", auth=viewer).json()["name"] == "revision on i-1"
    assert grafana.call("PUT", "/api/user", mine | {"login": "admin"}, auth=viewer).status_code == 409
    assert grafana.call("PUT", "/api/user", {"name": "only"}, auth=viewer).status_code == 400
    assert grafana.call("PUT", "/api/user", mine, auth=None).status_code == 401
