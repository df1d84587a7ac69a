"""Data sources: names, versions, secrets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.grafana.support import Authority, Grafana, running

SECRET = "nobody may see this"
INFLUXDB = {
    "uid": "influxdb",
    "name": "InfluxDB",
    "type": "influxdb",
    "access": "proxy",
    "url": "https://127.0.0.1:1",
    "user": "grafana",
    "jsonData": {"dbName": "telegraf"},
    "secureJsonData": {"password": SECRET},
}


def test_secrets_are_stored_and_never_returned(grafana: Grafana) -> None:
    made = grafana.call("POST", "/api/datasources", INFLUXDB)
    assert made.json()["message"] == "Datasource added"
    listed = grafana.call("GET", "/api/datasources")
    read = grafana.call("GET", "/api/datasources/uid/influxdb")
    assert read.json()["secureJsonFields"] == {"password": True}
    for answer in (made, listed, read):
        assert SECRET not in answer.text
    assert SECRET.encode() not in grafana.files()


@pytest.mark.parametrize(("changes", "what"), [({"uid": "other"}, "name"), ({"name": "Other"}, "uid")])
def test_names_and_uids_are_unique(grafana: Grafana, changes: dict[str, str], what: str) -> None:
    grafana.call("POST", "/api/datasources", INFLUXDB)
    answer = grafana.call("POST", "/api/datasources", {**INFLUXDB, **changes})
    assert answer.status_code == 409
    assert answer.json()["message"] == f"data source with the same {what} already exists"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        # Grafana has more types than the two that the double can query.
        pytest.param({"type": "elasticsearch"}, "Unknown data source type", marks=pytest.mark.double),
        ({"type": ""}, "bad request data"),
        ({"name": ""}, "bad request data"),
        ({"url": "influxdb:8086"}, "invalid URL"),
        ({"uid": "a b"}, "illegal characters"),
        ({"jsonData": "text"}, "bad request data"),
        ({"secureJsonData": {"password": 1}}, "bad request data"),
        ({"access": "magic"}, "access must be proxy or direct"),
    ],
)
def test_invalid_data_sources_are_refused(grafana: Grafana, changes: dict[str, Any], message: str) -> None:
    answer = grafana.call("POST", "/api/datasources", {**INFLUXDB, **changes})
    assert answer.status_code == 400
    assert message in answer.json()["message"]


def test_an_update_keeps_secrets_and_counts_versions(grafana: Grafana) -> None:
    made = grafana.call("POST", "/api/datasources", INFLUXDB).json()
    without = {key: value for key, value in INFLUXDB.items() if key != "secureJsonData"}
    updated = grafana.call("PUT", "/api/datasources/uid/influxdb", {**without, "url": "http://one"}).json()
    assert updated["datasource"]["secureJsonFields"] == {"password": True}
    assert updated["datasource"]["version"] == 2
    stale = grafana.call("PUT", f"/api/datasources/{made['id']}", {**without, "version": 1})
    assert stale.status_code == 409
    assert "already been updated by someone else" in stale.json()["message"]


def test_there_is_one_default_and_at_first_it_is_the_first_data_source(grafana: Grafana) -> None:
    assert grafana.call("POST", "/api/datasources", INFLUXDB).json()["datasource"]["isDefault"]
    second = {**INFLUXDB, "uid": "two", "name": "Two"}
    assert not grafana.call("POST", "/api/datasources", second).json()["datasource"]["isDefault"]
    grafana.call("PUT", "/api/datasources/uid/two", {**second, "isDefault": True})
    assert not grafana.call("GET", "/api/datasources/uid/influxdb").json()["isDefault"]


def test_reading_and_deleting_by_id_uid_and_name(grafana: Grafana) -> None:
    number = grafana.call("POST", "/api/datasources", INFLUXDB).json()["id"]
    for path in (f"/{number}", "/uid/influxdb", "/name/InfluxDB"):
        assert grafana.call("GET", f"/api/datasources{path}").json()["uid"] == "influxdb"
    assert grafana.call("GET", "/api/datasources/id/InfluxDB").json() == {"id": number}
    for path in (f"/{number}", "/uid/influxdb", "/name/InfluxDB"):
        assert grafana.call("DELETE", f"/api/datasources{path}").json()["message"] == "Data source deleted"
        gone = grafana.call("DELETE", f"/api/datasources{path}")
        assert (gone.status_code, gone.json()["message"]) == (404, "Data source not found")
        grafana.call("POST", "/api/datasources", INFLUXDB)
        number += 1


def test_secrets_cannot_be_read_with_another_secret_key(tmp_path: Path, authority: Authority) -> None:
    with running(tmp_path, authority, security__secret_key="one") as grafana:
        grafana.call("POST", "/api/datasources", INFLUXDB)
    with running(tmp_path, authority, security__secret_key="two") as grafana:
        answer = grafana.call("GET", "/api/datasources/uid/influxdb/health")
        assert answer.status_code == 500
        assert "secret_key" in answer.json()["message"]
