"""Paged lists of users, the one organisation, and the first requests of published clients.

The requests are those of PyPI's grafana-client 5.1 and of the Go client in the Terraform provider. grafana-client
itself is not a dependency, because its urllib3-future replaces the urllib3 that boto3 and requests need.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.grafana.support import Grafana

LOGINS = ["ann", "bob", "cleo"]


@pytest.fixture
def people(grafana: Grafana) -> Grafana:
    for login in LOGINS:
        user = {"login": login, "email": f"{login}@example.org", "name": login.title(), "password": "long enough"}
        assert grafana.call("POST", "/api/admin/users", user).status_code == 200
    return grafana


def logins(users: list[dict[str, Any]]) -> list[str]:
    return [user["login"] for user in users]


def test_a_client_that_reads_until_a_page_is_empty_terminates(people: Grafana) -> None:
    found: list[str] = []
    for page in range(1, 10):
        users = people.call("GET", f"/api/users?perpage=3&page={page}").json()
        if not users:
            break
        assert len(users) <= 3
        found += logins(users)
    assert found == sorted(["admin", *LOGINS])


def test_a_page_without_a_length_has_all_users(people: Grafana) -> None:
    assert len(people.call("GET", "/api/users").json()) == 4
    assert len(people.call("GET", "/api/users?perpage=-1&page=0").json()) == 4
    assert people.call("GET", "/api/users?page=2").json() == []


def test_search_returns_the_total_count(people: Grafana) -> None:
    answer = people.call("GET", "/api/users/search?perpage=2&page=2&query=example.org").json()
    assert {key: answer[key] for key in ("totalCount", "page", "perPage")} == {
        "totalCount": 3,
        "page": 2,
        "perPage": 2,
    }
    assert logins(answer["users"]) == ["cleo"]
    assert logins(people.call("GET", "/api/users/search?query=BOB").json()["users"]) == ["bob"]


def test_one_user(people: Grafana) -> None:
    ann = people.call("GET", "/api/users/lookup?loginOrEmail=ann@example.org").json()
    assert people.call("GET", f"/api/users/{ann['id']}").json()["login"] == "ann"
    [place] = people.call("GET", f"/api/users/{ann['id']}/orgs").json()
    assert place == {"orgId": 1, "name": "Main Org.", "role": "Viewer"}
    for path in ("/api/users/4711", "/api/users/lookup?loginOrEmail=nobody"):
        answer = people.call("GET", path)
        assert (answer.status_code, answer.json()["message"]) == (404, "user not found")


def test_the_organisation_and_its_members(people: Grafana) -> None:
    assert people.call("GET", "/api/orgs").json() == [{"id": 1, "name": "Main Org."}]
    assert people.call("GET", "/api/orgs?page=1").json() == []
    assert people.call("GET", "/api/orgs/1").json()["name"] == "Main Org."
    assert people.call("GET", "/api/orgs/2").status_code == 404
    assert people.call("GET", "/api/user/orgs").json() == [{"orgId": 1, "name": "Main Org.", "role": "Admin"}]
    assert people.call("GET", "/api/user/teams").json() == []
    members = people.call("GET", "/api/org/users").json()
    assert {member["login"]: member["role"] for member in members} == {
        "admin": "Admin",
        **dict.fromkeys(LOGINS, "Viewer"),
    }
    bob = next(member["userId"] for member in members if member["login"] == "bob")
    assert people.call("PATCH", f"/api/org/users/{bob}", {"role": "King"}).status_code == 400
    assert people.call("PATCH", f"/api/org/users/{bob}", {"role": "Editor"}).status_code == 200
    folder = people.call("POST", "/api/folders", {"title": "Bob's"}, auth=("bob", "long enough"))
    assert folder.status_code == 200


@pytest.mark.parametrize("path", ["/api/users", "/api/users/search", "/api/orgs", "/api/org/users", "/api/users/1"])
def test_a_viewer_cannot_list_users(people: Grafana, path: str) -> None:
    answer = people.call("GET", path, auth=("ann", "long enough"))
    assert answer.status_code == 403
    assert answer.json()["title"] == "Access denied"


def test_the_settings_that_a_client_reads_first(grafana: Grafana) -> None:
    source = {
        "uid": "influxdb",
        "name": "InfluxDB",
        "type": "influxdb",
        "access": "proxy",
        "url": "https://127.0.0.1:1",
    }
    grafana.call("POST", "/api/datasources", source)
    settings = grafana.call("GET", "/api/frontend/settings").json()
    assert settings["buildInfo"]["version"] == grafana.call("GET", "/api/health").json()["version"]
    assert settings["datasources"]["InfluxDB"]["uid"] == "influxdb"
    assert settings["defaultDatasource"] == "InfluxDB"
    assert grafana.call("GET", "/api/frontend/settings", auth=None).status_code == 401


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/api/nothing"), ("PATCH", "/api/search"), ("PUT", "/api/orgs/x")]
)
def test_missing_objects_have_grafana_s_own_errors(grafana: Grafana, method: str, path: str) -> None:
    answer = grafana.call(method, path, {})
    assert (answer.status_code, answer.json()) == (404, {"message": "Not found"})
