"""What users may do in Grafana, and which headers it sends to browsers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.live.services import Ask

pytestmark = pytest.mark.live


@pytest.fixture
def viewer(grafana: Ask, administrator: tuple[str, str]) -> Iterator[tuple[str, str]]:
    """A new user with the default role."""
    login = ("somebody", "a password")
    made = grafana("POST", "/api/admin/users", administrator, json={"login": login[0], "password": login[1]})
    assert made.status_code == 200, made.text
    yield login
    assert grafana("DELETE", f"/api/admin/users/{made.json()['id']}", administrator).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("GET", "/api/org"), ("GET", "/api/search"), ("GET", "/api/datasources"), ("GET", "/api/users")),
        *(("GET", "/api/dashboards/uid/linux-hosts"), ("POST", "/api/ds/query"), ("POST", "/api/dashboards/db")),
        *(("GET", "/api/datasources/uid/influxdb/health"), ("POST", "/api/admin/users"), ("GET", "/api/folders")),
        *(("GET", "/api/v1/provisioning/contact-points"), ("GET", "/api/snapshot/shared-options")),
    ],
)
def test_grafana_requires_a_login(grafana: Ask, method: str, path: str) -> None:
    assert grafana(method, path, json={} if method == "POST" else None).status_code == 401


@pytest.mark.parametrize("password", ["admin", "", "grafana"])
def test_the_administrator_has_no_common_password(grafana: Ask, administrator: tuple[str, str], password: str) -> None:
    assert grafana("GET", "/api/org", (administrator[0], password)).status_code == 401
    assert grafana("GET", "/api/org", administrator).status_code == 200


def test_nobody_can_sign_up(grafana: Ask) -> None:
    assert grafana("POST", "/api/user/signup", json={"email": "me@example.com"}).status_code == 401


def test_the_session_cookie_is_for_this_site_over_tls(grafana: Ask, administrator: tuple[str, str]) -> None:
    user, password = administrator
    cookie = grafana("POST", "/login", json={"user": user, "password": password}).headers["Set-Cookie"]
    attributes = {attribute.strip() for attribute in cookie.split(";")[1:]}
    assert {"Secure", "HttpOnly", "SameSite=Lax"} <= attributes


def test_browsers_must_use_tls_and_cannot_embed_grafana(grafana: Ask) -> None:
    headers = grafana("GET", "/api/health").headers
    assert int(headers["Strict-Transport-Security"].partition("max-age=")[2].split(";")[0]) >= 86400
    assert headers["X-Frame-Options"] == "deny"
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_new_users_can_only_look_at_dashboards(grafana: Ask, viewer: tuple[str, str]) -> None:
    assert grafana("GET", "/api/dashboards/uid/linux-hosts", viewer).status_code == 200
    assert grafana("GET", "/api/datasources", viewer).status_code == 403
    for path in ("/api/folders", "/api/admin/users", "/api/dashboards/db", "/api/datasources"):
        assert grafana("POST", path, viewer, json={"title": "x"}).status_code == 403, path


def test_five_wrong_passwords_lock_out_a_login(
    grafana: Ask, viewer: tuple[str, str], administrator: tuple[str, str]
) -> None:
    assert grafana("GET", "/api/search", viewer).status_code == 200
    for _ in range(5):
        assert grafana("GET", "/api/search", (viewer[0], "a guess")).status_code == 401
    assert grafana("GET", "/api/search", viewer).status_code == 401, "the right password still works"
    assert grafana("GET", "/api/search", administrator).status_code == 200, "the administrator is locked out as well"


def test_grafana_fetches_nothing_and_publishes_nothing_elsewhere(grafana: Ask, administrator: tuple[str, str]) -> None:
    assert grafana("GET", "/api/snapshot/shared-options", administrator).json()["externalEnabled"] is False
    assert "/avatar/" not in grafana("GET", "/api/user", administrator).json()["avatarUrl"]
