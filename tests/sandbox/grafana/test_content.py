"""Folders, dashboards and search, with Grafana's status codes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.grafana.support import Grafana


def save(grafana: Grafana, dashboard: dict[str, Any], **options: Any) -> tuple[int, dict[str, Any]]:
    answer = grafana.call("POST", "/api/dashboards/db", {"dashboard": dashboard, **options})
    return answer.status_code, answer.json()


def test_a_folder_s_life(grafana: Grafana) -> None:
    made = grafana.call("POST", "/api/folders", {"uid": "monitoring", "title": "Monitoring"}).json()
    assert made["url"] == "/dashboards/f/monitoring/monitoring"
    again = grafana.call("POST", "/api/folders", {"uid": "monitoring", "title": "Other"})
    assert again.status_code == 409
    stale = grafana.call("PUT", "/api/folders/monitoring", {"title": "New", "version": 7})
    assert (stale.status_code, stale.json()["status"]) == (412, "version-mismatch")
    renamed = grafana.call("PUT", "/api/folders/monitoring", {"title": "New", "version": made["version"]})
    assert renamed.json()["title"] == "New"
    assert grafana.call("DELETE", "/api/folders/monitoring").json()["message"] == "Folder New deleted"
    gone = grafana.call("GET", "/api/folders/monitoring")
    assert (gone.status_code, gone.json()) == (404, {"message": "folder not found", "status": "not-found"})


@pytest.mark.parametrize(
    ("folder", "message"),
    [
        ({"title": ""}, "folder title cannot be empty"),
        ({"title": "x", "uid": "a b"}, "uid contains illegal characters"),
        ({"title": "x", "uid": "u" * 41}, "uid too long, max 40 characters"),
        ({"title": "x", "parentUid": "none"}, "parent folder not found"),
    ],
)
def test_invalid_folders_are_refused(grafana: Grafana, folder: dict[str, str], message: str) -> None:
    answer = grafana.call("POST", "/api/folders", folder)
    assert (answer.status_code, answer.json()["message"]) == (400, message)


def test_folders_can_be_nested_four_levels_deep_without_cycles(grafana: Grafana) -> None:
    for number in range(4):
        parent = {"parentUid": f"f{number - 1}"} if number else {}
        made = grafana.call("POST", "/api/folders", {"uid": f"f{number}", "title": "x", **parent})
        assert made.status_code == 200
    deeper = grafana.call("POST", "/api/folders", {"uid": "f4", "title": "x", "parentUid": "f3"})
    assert deeper.status_code == 400
    circle = grafana.call("POST", "/api/folders/f0/move", {"parentUid": "f2"})
    assert circle.status_code == 400
    grafana.call("DELETE", "/api/folders/f0")
    assert grafana.call("GET", "/api/folders/f3").status_code == 404


def test_a_dashboard_s_life(grafana: Grafana) -> None:
    grafana.call("POST", "/api/folders", {"uid": "monitoring", "title": "Monitoring"})
    model = {"uid": "hosts", "title": "Linux hosts", "panels": [{"type": "stat"}], "tags": ["linux"]}
    status, made = save(grafana, model, folderUid="monitoring")
    assert (status, made["status"], made["url"], made["version"]) == (
        200,
        "success",
        "/d/hosts/linux-hosts",
        1,
    )
    found = grafana.call("GET", "/api/dashboards/uid/hosts").json()
    assert found["dashboard"] == {**model, "id": made["id"], "version": 1}
    assert found["meta"]["folderUid"] == "monitoring"
    assert found["meta"]["folderTitle"] == "Monitoring"
    assert save(grafana, model)[1]["status"] == "name-exists"
    assert save(grafana, {**model, "id": made["id"], "version": 9})[1]["status"] == "version-mismatch"
    assert save(grafana, {**model, "title": "Renamed"}, overwrite=True, message="why")[1]["version"] == 2
    history = grafana.call("GET", "/api/dashboards/uid/hosts/versions").json()["versions"]
    assert [entry["message"] for entry in history] == ["why", ""]
    # Saved without a folder, it has moved to the top level.
    assert grafana.call("GET", "/api/dashboards/uid/hosts").json()["meta"]["folderUid"] == ""
    assert grafana.call("DELETE", "/api/dashboards/uid/hosts").json()["title"] == "Renamed"
    gone = grafana.call("DELETE", "/api/dashboards/uid/hosts")
    assert (gone.status_code, gone.json()["message"]) == (404, "Dashboard not found")


@pytest.mark.parametrize(
    ("dashboard", "status", "message"),
    [
        ({"uid": "x"}, 400, "Dashboard title cannot be empty"),
        ({"title": "x", "uid": "u" * 41}, 400, "uid too long, max 40 characters"),
        ({"title": "x", "uid": "ü"}, 400, "uid contains illegal characters"),
        ({"title": "x", "id": 99}, 404, "Dashboard not found"),
        ({"title": "x", "panels": {}}, 400, "bad request data: panels must be a list"),
        ({"title": "x", "panels": [{}]}, 400, "bad request data: panel 0 must be an object with a type"),
    ],
)
def test_invalid_dashboards_are_refused(grafana: Grafana, dashboard: dict[str, Any], status: int, message: str) -> None:
    assert save(grafana, dashboard)[0] == status
    assert save(grafana, dashboard)[1]["message"] == message


def test_a_dashboard_for_an_unknown_folder_is_refused(grafana: Grafana) -> None:
    assert save(grafana, {"title": "x"}, folderUid="none") == (400, {"message": "folder not found"})


def test_search_by_type_word_tag_and_folder(grafana: Grafana) -> None:
    grafana.call("POST", "/api/folders", {"uid": "monitoring", "title": "Monitoring"})
    save(grafana, {"title": "Linux hosts", "uid": "hosts", "tags": ["linux"]}, folderUid="monitoring")
    save(grafana, {"title": "EC2", "uid": "ec2"})

    def uids(arguments: str) -> list[str]:
        return [hit["uid"] for hit in grafana.call("GET", f"/api/search?{arguments}").json()]

    assert uids("") == ["monitoring", "ec2", "hosts"]
    assert uids("type=dash-db") == ["ec2", "hosts"]
    assert uids("query=linux") == ["hosts"]
    assert uids("tag=linux") == ["hosts"]
    assert uids("folderUIDs=monitoring") == ["hosts"]
    assert uids("type=dash-db&limit=1&page=2") == ["hosts"]


def test_content_survives_a_restart(tmp_path: Any, authority: Any) -> None:
    from tests.sandbox.grafana.support import running

    with running(tmp_path, authority) as grafana:
        save(grafana, {"title": "Kept", "uid": "kept"})
    with running(tmp_path, authority) as grafana:
        assert grafana.call("GET", "/api/dashboards/uid/kept").status_code == 200
