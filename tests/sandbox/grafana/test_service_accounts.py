"""Service accounts, whose tokens log in with the account's role until they expire."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.sandbox.grafana.support import Grafana

API = "/api/serviceaccounts"


def with_token(token: str) -> dict[str, Any]:
    return {"auth": None, "headers": {"Authorization": f"Bearer {token}"}}


def account(grafana: Grafana, name: str = "automation", **changes: Any) -> int:
    made = grafana.call("POST", API, {"name": name, "role": "Admin", **changes})
    assert made.status_code == 201, made.text
    return int(made.json()["id"])


def token(grafana: Grafana, number: int, name: str = "first", **changes: Any) -> dict[str, Any]:
    made = grafana.call("POST", f"{API}/{number}/tokens", {"name": name, **changes})
    assert made.status_code == 200, made.text
    return dict(made.json())


def test_a_token_logs_in_with_the_account_s_role_until_it_is_deleted(grafana: Grafana) -> None:
    number = account(grafana)
    made = token(grafana, number)
    assert made["key"].startswith("glsa_")
    own = with_token(made["key"])
    assert grafana.call("GET", "/api/user", **own).json()["login"] == "sa-1-automation"
    assert grafana.call("POST", "/api/folders", {"uid": "f", "title": "Folder"}, **own).status_code == 200
    [listed] = grafana.call("GET", f"{API}/{number}/tokens").json()
    assert made["key"] not in str(listed)
    assert listed["lastUsedAt"]
    deleted = grafana.call("DELETE", f"{API}/{number}/tokens/{made['id']}")
    assert deleted.json() == {"message": "Service account token deleted"}
    refused = grafana.call("GET", "/api/user", **own)
    assert (refused.status_code, refused.json()["messageId"]) == (401, "api-key.invalid")
    assert made["key"].encode() not in grafana.files()


def test_a_viewer_s_token_can_only_read_and_none_can_administer_the_server(grafana: Grafana) -> None:
    viewer = with_token(token(grafana, account(grafana, "looks", role="Viewer"), "looks")["key"])
    admin = with_token(token(grafana, account(grafana), "admin")["key"])
    assert grafana.call("GET", "/api/search", **viewer).status_code == 200
    assert grafana.call("POST", "/api/folders", {"title": "x"}, **viewer).status_code == 403
    assert grafana.call("GET", f"{API}/search", **viewer).status_code == 403
    assert grafana.call("GET", "/api/org/users", **admin).status_code == 200
    for method, path in (("GET", "/api/users"), ("POST", "/api/admin/users"), ("GET", "/api/orgs")):
        assert grafana.call(method, path, {}, **admin).status_code == 403


def test_a_token_ends_when_it_expires_or_its_account_does(grafana: Grafana) -> None:
    number = account(grafana)
    # Not asked before it expires: on a busy machine, a request can take a second.
    short, long = token(grafana, number, "short", secondsToLive=1), token(grafana, number, "long", secondsToLive=600)
    assert grafana.call("GET", "/api/user", **with_token(long["key"])).status_code == 200
    time.sleep(2.1)
    refused = grafana.call("GET", "/api/user", **with_token(short["key"]))
    assert (refused.status_code, refused.json()["messageId"]) == (401, "api-key.expired")
    states = {each["name"]: each["hasExpired"] for each in grafana.call("GET", f"{API}/{number}/tokens").json()}
    assert states == {"short": True, "long": False}
    assert grafana.call("GET", "/api/user", **with_token(long["key"])).status_code == 200
    grafana.call("PATCH", f"{API}/{number}", {"isDisabled": True})
    assert grafana.call("GET", "/api/user", **with_token(long["key"])).status_code == 401
    grafana.call("PATCH", f"{API}/{number}", {"isDisabled": False})
    assert grafana.call("GET", "/api/user", **with_token(long["key"])).status_code == 200
    assert grafana.call("DELETE", f"{API}/{number}").json() == {"message": "Service account deleted"}
    assert grafana.call("GET", "/api/user", **with_token(long["key"])).status_code == 401


def test_accounts_are_listed_in_pages_but_not_as_users(grafana: Grafana) -> None:
    for name in ("One", "Two words", "three"):
        account(grafana, name, role="Viewer")
    first = grafana.call("GET", f"{API}/search?perpage=2&page=1").json()
    assert [each["login"] for each in first["serviceAccounts"]] == ["sa-1-one", "sa-1-three"]
    assert (first["totalCount"], first["page"], first["perPage"]) == (3, 1, 2)
    assert len(grafana.call("GET", f"{API}/search?perpage=2&page=2").json()["serviceAccounts"]) == 1
    assert grafana.call("GET", f"{API}/search?perpage=2&page=3").json()["serviceAccounts"] == []
    [found] = grafana.call("GET", f"{API}/search?query=words").json()["serviceAccounts"]
    assert found["login"] == "sa-1-two-words"
    assert len(grafana.call("GET", "/api/users").json()) == 1
    assert grafana.call("GET", f"/api/users/{found['id']}").status_code == 404
    for password in ("", "x"):
        assert grafana.call("GET", "/api/user", auth=(found["login"], password)).status_code == 401


def test_existing_names_are_refused(grafana: Grafana) -> None:
    number = account(grafana)
    token(grafana, number)
    again = grafana.call("POST", API, {"name": "automation", "role": "Viewer"})
    assert (again.status_code, again.json()["messageId"]) == (400, "serviceaccounts.ErrAlreadyExists")
    same = grafana.call("POST", f"{API}/{number}/tokens", {"name": "first"})
    assert (same.status_code, same.json()["messageId"]) == (400, "serviceaccounts.ErrTokenAlreadyExists")


@pytest.mark.parametrize(
    ("call", "body", "status", "message_id"),
    [
        ("GET /4711", None, 404, "serviceaccounts.ErrNotFound"),
        ("DELETE /4711", None, 404, "serviceaccounts.ErrNotFound"),
        ("POST /4711/tokens", {"name": "x"}, 404, "serviceaccounts.ErrNotFound"),
        ("GET /1", None, 404, "serviceaccounts.ErrNotFound"),
        ("POST ", {"name": "x", "role": "King"}, 400, "serviceaccounts.ErrInvalidRoleSpecified"),
        ("DELETE /{number}/tokens/4711", None, 404, "serviceaccounts.ErrTokenNotFound"),
        ("POST /{number}/tokens", {"name": "x", "secondsToLive": -1}, 400, "serviceaccounts.ErrInvalidInput"),
    ],
)
def test_invalid_requests_are_refused(grafana: Grafana, call: str, body: Any, status: int, message_id: str) -> None:
    number = account(grafana)
    method, _, path = call.partition(" ")
    answer = grafana.call(method, API + path.format(number=number), body)
    assert (answer.status_code, answer.json()["messageId"]) == (status, message_id)


@pytest.mark.parametrize("wrong", ["", "glsa_token", "glsa_" + "x" * 32 + "_00000000", "no token at all"])
def test_anything_else_is_not_a_token(grafana: Grafana, wrong: str) -> None:
    answer = grafana.call("GET", "/api/user", **with_token(wrong))
    assert answer.status_code == 401
