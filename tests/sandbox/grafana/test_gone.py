"""Requests for deleted objects, and for creating existing ones: Grafana's statuses and bodies."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.grafana.support import Grafana

API = "/api/v1/provisioning"
NO_GROUP = {"message": "NotFound", "messageId": "alerting.alert-rule.notFound", "statusCode": 404}


def rule(**changes: Any) -> dict[str, Any]:
    formula = {"refId": "A", "type": "math", "expression": "2 > 1"}
    data = {"refId": "A", "datasourceUid": "__expr__", "model": formula, "relativeTimeRange": {"from": 0, "to": 0}}
    return {"title": "Always", "folderUID": "f", "ruleGroup": "g", "condition": "A", "data": [data]} | changes


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_deleted_rule_group(grafana: Grafana, method: str) -> None:
    grafana.call("POST", "/api/folders", {"uid": "f", "title": "Folder"})
    path = f"{API}/folder/f/rule-groups/g"
    assert grafana.call("PUT", path, {"interval": 60, "rules": [rule()]}).status_code == 200
    assert grafana.call("DELETE", path).status_code == 204
    answer = grafana.call(method, path)
    assert answer.status_code == 404
    assert {key: answer.json().get(key) for key in NO_GROUP} == NO_GROUP


def test_a_deleted_rule(grafana: Grafana) -> None:
    grafana.call("POST", "/api/folders", {"uid": "f", "title": "Folder"})
    for method in ("GET", "PUT"):
        answer = grafana.call(method, f"{API}/alert-rules/gone", rule())
        assert (answer.status_code, answer.content) == (404, b"")
    assert grafana.call("DELETE", f"{API}/alert-rules/gone").status_code == 204


def test_a_rule_that_already_exists(grafana: Grafana) -> None:
    grafana.call("POST", "/api/folders", {"uid": "f", "title": "Folder"})
    assert grafana.call("POST", f"{API}/alert-rules", rule(uid="one")).status_code == 201
    again = grafana.call("POST", f"{API}/alert-rules", rule(uid="one", title="Another"))
    assert (again.status_code, again.json()["messageId"]) == (409, "alerting.alert-rule.conflict")


@pytest.mark.parametrize(("path", "kind"), [("templates", "templates"), ("mute-timings", "time-intervals")])
def test_deleted_templates_and_mute_timings(grafana: Grafana, path: str, kind: str) -> None:
    answer = grafana.call("GET", f"{API}/{path}/gone")
    assert (answer.status_code, answer.json()["messageId"]) == (404, f"alerting.notifications.{kind}.notFound")
    assert grafana.call("DELETE", f"{API}/{path}/gone").status_code == 204
