"""Folders, dashboards and data sources, from creation to drift."""

from __future__ import annotations

import json
from typing import Any

import grpc
import pytest

from sandbox.plugins.wire import Secret, reveal
from tests.sandbox.plugins.grafana.conftest import Engine

FOLDER = "grafana:oss/folder:Folder"
DASHBOARD = "grafana:oss/dashboard:Dashboard"
DATASOURCE = "grafana:oss/dataSource:DataSource"
MODEL: dict[str, Any] = {"uid": "hosts", "title": "Linux hosts", "panels": [{"id": 1, "type": "stat"}]}


def test_a_folder(engine: Engine) -> None:
    id_, inputs, state = engine.create(FOLDER, {"uid": "life", "title": "Life"})
    assert id_ == "1:life"
    assert state["url"] == f"{engine.grafana.url}/dashboards/f/life/life"
    inputs, state, replaces = engine.change(FOLDER, id_, inputs, state, title="Another")
    assert not replaces
    assert engine.change(FOLDER, id_, inputs, state, uid="new")[2] == ["uid"]
    assert engine.change(FOLDER, id_, inputs, state, parentFolderUid="x")[2] == ["parentFolderUid"]
    engine.grafana.call("PUT", "/api/folders/life", {"title": "By hand", "overwrite": True})
    assert engine.drift(FOLDER, id_, inputs, state) == ["title"]
    engine.plugin.delete(FOLDER, id_, state)
    engine.plugin.delete(FOLDER, id_, state)
    assert engine.drift(FOLDER, id_, inputs, state) == ["gone"]


def test_a_folder_without_uid_gets_one(engine: Engine) -> None:
    id_, _, state = engine.create(FOLDER, {"title": "Chosen"})
    assert id_ == f"1:{state['uid']}"
    engine.plugin.delete(FOLDER, id_, state)


def test_a_folder_that_is_not_empty_can_be_kept(engine: Engine) -> None:
    id_, _, state = engine.create(FOLDER, {"uid": "kept", "title": "Kept", "preventDestroyIfNotEmpty": True})
    body = {"dashboard": {"title": "Inside", "uid": "inside"}, "folderUid": "kept"}
    engine.grafana.call("POST", "/api/dashboards/db", body)
    with pytest.raises(grpc.RpcError, match="not empty"):
        engine.plugin.delete(FOLDER, id_, state)


@pytest.mark.parametrize(
    ("token", "inputs", "name"),
    [
        (FOLDER, {"title": "x", "uid": "a b"}, "uid"),
        (FOLDER, {"title": "x", "orgId": "2"}, "orgId"),
        (FOLDER, {"name": "x"}, "name"),
        (DASHBOARD, {"configJson": "{"}, "configJson"),
        (DASHBOARD, {"configJson": "[]"}, "configJson"),
        (DASHBOARD, {}, "configJson"),
        (DATASOURCE, {"type": "influxdb", "jsonDataEncoded": "no"}, "jsonDataEncoded"),
        (DATASOURCE, {"type": "influxdb", "jsonDataEncoded": '{"httpHeaderName1":""}'}, "jsonDataEncoded"),
        (DATASOURCE, {"type": "influxdb", "password": "x"}, "password"),
    ],
)
def test_inputs_that_the_real_provider_refuses_are_refused(
    engine: Engine, token: str, inputs: dict[str, Any], name: str
) -> None:
    assert name in engine.plugin.check(token, inputs)[1]


def test_a_dashboard(engine: Engine) -> None:
    engine.create(FOLDER, {"uid": "dashboards", "title": "Dashboards"})
    text = json.dumps({**MODEL, "id": 99, "version": 7}, indent=2)
    id_, inputs, state = engine.create(DASHBOARD, {"configJson": text, "folder": "1:dashboards"})
    assert id_ == "1:hosts"
    assert state["url"] == f"{engine.grafana.url}/d/hosts/linux-hosts"
    assert state["version"] == 1
    changed = json.dumps({**MODEL, "title": "Renamed"})
    inputs, state, replaces = engine.change(DASHBOARD, id_, inputs, state, configJson=changed)
    assert not replaces
    assert state["version"] == 2
    assert "renamed" in state["url"]
    other = json.dumps({**MODEL, "uid": "other"})
    assert engine.change(DASHBOARD, id_, inputs, state, configJson=other)[2] == ["configJson"]
    # It is edited by hand, then moved, then deleted. A refresh detects each.
    body = {"dashboard": {**MODEL, "title": "By hand"}, "overwrite": True, "folderUid": "dashboards"}
    engine.grafana.call("POST", "/api/dashboards/db", body)
    assert engine.drift(DASHBOARD, id_, inputs, state) == ["configJson"]
    body = {"dashboard": json.loads(changed), "overwrite": True}
    engine.grafana.call("POST", "/api/dashboards/db", body)
    assert engine.drift(DASHBOARD, id_, inputs, state) == ["folder"]
    engine.grafana.call("DELETE", "/api/dashboards/uid/hosts")
    assert engine.drift(DASHBOARD, id_, inputs, state) == ["gone"]
    engine.plugin.delete(DASHBOARD, id_, state)


def test_an_existing_dashboard_is_only_overwritten_if_requested(engine: Engine) -> None:
    mine = json.dumps({"uid": "mine", "title": "Mine"})
    engine.grafana.call("POST", "/api/dashboards/db", {"dashboard": {"uid": "mine", "title": "Theirs"}})
    inputs, _ = engine.plugin.check(DASHBOARD, {"configJson": mine})
    with pytest.raises(grpc.RpcError, match="A dashboard with the same uid already exists"):
        engine.plugin.create(DASHBOARD, inputs)
    engine.create(DASHBOARD, {"configJson": mine, "overwrite": True})


def test_grafana_can_choose_a_dashboard_s_uid(engine: Engine) -> None:
    id_, inputs, state = engine.create(DASHBOARD, {"configJson": json.dumps({"title": "Any"})})
    assert id_ == f"1:{state['uid']}"
    text = json.dumps({"title": "Any", "tags": ["x"]})
    assert engine.change(DASHBOARD, id_, inputs, state, configJson=text)[1]["uid"] == state["uid"]


def test_a_data_source(engine: Engine) -> None:
    given = {
        "type": "influxdb",
        "name": "InfluxDB",
        "uid": "influxdb",
        "url": "https://127.0.0.1:8086",
        "username": "grafana",
        "databaseName": "telegraf",
        "jsonDataEncoded": '{"httpMode": "POST", "dbName": "telegraf"}',
        "secureJsonDataEncoded": Secret('{"password": "geheim"}'),
        "httpHeaders": Secret({"X-One": "1"}),
    }
    id_, inputs, state = engine.create(DATASOURCE, given)
    assert id_ == "1:influxdb"
    assert isinstance(state["secureJsonDataEncoded"], Secret)
    assert isinstance(state["httpHeaders"], Secret)
    stored = engine.grafana.call("GET", "/api/datasources/uid/influxdb").json()
    assert stored["secureJsonFields"] == {"password": True, "httpHeaderValue1": True}
    with pytest.raises(grpc.RpcError, match=r"\(409\): data source with the same name already exists"):
        engine.plugin.create(DATASOURCE, reveal(inputs))
    # Grafana made the first data source the default, which is no difference.
    assert stored["isDefault"]
    inputs, state, replaces = engine.change(
        DATASOURCE, id_, inputs, state, secureJsonDataEncoded=Secret('{"password": "neu"}')
    )
    assert not replaces
    assert engine.change(DATASOURCE, id_, inputs, state, uid="x")[2] == ["uid"]
    by_hand = {**stored, "url": "https://elsewhere"}
    engine.grafana.call("PUT", "/api/datasources/uid/influxdb", {**by_hand, "version": 0})
    assert engine.drift(DATASOURCE, id_, inputs, state) == ["url"]
    engine.plugin.delete(DATASOURCE, id_, state)
    assert engine.drift(DATASOURCE, id_, inputs, state) == ["gone"]


def test_a_generated_name_is_kept(engine: Engine) -> None:
    inputs, _ = engine.plugin.check(DATASOURCE, {"type": "cloudwatch"}, name="logical")
    assert reveal(inputs["name"]).startswith("logical-")
    again, _ = engine.plugin.check(DATASOURCE, {"type": "cloudwatch"}, inputs, name="logical")
    assert again["name"] == inputs["name"]


def test_an_import_reads_everything_but_secrets(engine: Engine) -> None:
    body = {"uid": "found", "name": "Found", "type": "cloudwatch", "jsonData": {"defaultRegion": "eu-west-1"}}
    engine.grafana.call("POST", "/api/datasources", body)
    id_, _, inputs = engine.plugin.read(DATASOURCE, "found")
    assert id_ == "1:found"
    assert inputs["name"] == "Found"
    assert json.loads(inputs["jsonDataEncoded"]) == {"defaultRegion": "eu-west-1"}
