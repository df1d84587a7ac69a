"""Contact points, policies, mute timings and rules, from creation to drift."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import grpc
import pytest

from sandbox.plugins.grafana.alerting import rule_group
from sandbox.plugins.wire import Secret, reveal
from tests.sandbox.plugins.grafana.conftest import Engine

CONTACT_POINT = "grafana:alerting/contactPoint:ContactPoint"
POLICY = "grafana:alerting/notificationPolicy:NotificationPolicy"
GROUP = "grafana:alerting/ruleGroup:RuleGroup"
TIMING = "grafana:alerting/muteTiming:MuteTiming"
API = "/api/v1/provisioning"


def query(ref_id: str, uid: str, **model: Any) -> dict[str, Any]:
    return {
        "refId": ref_id,
        "datasourceUid": uid,
        "model": json.dumps({"refId": ref_id, **model}),
        "relativeTimeRange": {"from": 600, "to": 0},
    }


RULE: dict[str, Any] = {
    "name": "CPU is busy",
    "condition": "C",
    "for": "5m",
    "noDataState": "OK",
    "labels": {"severity": "warning"},
    "annotations": {"summary": "CPU of {{ $labels.host }} is busy"},
    "datas": [
        query("A", "alerts", rawQuery=True, query="SELECT 1", intervalMs=1000, maxDataPoints=43200),
        query("B", "__expr__", type="reduce", expression="A", reducer="last"),
        query("C", "__expr__", type="threshold", expression="B"),
    ],
}


@pytest.fixture
def folder(engine: Engine) -> Iterator[str]:
    call = engine.grafana.call
    call("POST", "/api/folders", {"uid": "alerts", "title": "Alerts"})
    call(
        "POST",
        "/api/datasources",
        {"uid": "alerts", "name": "alerts", "type": "influxdb", "url": "https://127.0.0.1:1"},
    )
    yield "alerts"
    call("DELETE", "/api/folders/alerts?forceDeleteRules=true")


def test_a_contact_point(engine: Engine) -> None:
    given = {
        "name": "Operators",
        "emails": [{"addresses": ["one@example.org", "two@example.org"], "subject": "Alert"}],
        "webhooks": [{"url": "https://example.org", "basicAuthUser": "u", "basicAuthPassword": "geheim"}],
    }
    id_, inputs, state = engine.create(CONTACT_POINT, given)
    assert id_ == "1:Operators"
    assert isinstance(state["webhooks"], Secret)
    stored = engine.grafana.call("GET", f"{API}/contact-points?name=Operators").json()
    by_type = {point["type"]: point for point in stored}
    assert by_type["email"]["settings"]["addresses"] == "one@example.org;two@example.org"
    assert by_type["webhook"]["settings"]["password"] == "[REDACTED]"
    inputs, state, replaces = engine.change(
        CONTACT_POINT, id_, inputs, state, emails=[{"addresses": ["three@example.org"]}], webhooks=None
    )
    assert not replaces
    [left] = engine.grafana.call("GET", f"{API}/contact-points?name=Operators").json()
    assert left["uid"] == by_type["email"]["uid"]
    assert engine.change(CONTACT_POINT, id_, inputs, state, name="x")[2] == ["name"]
    path = f"{API}/contact-points/{left['uid']}"
    by_hand = {**left, "settings": {"addresses": "hand@example.org"}}
    assert engine.grafana.call("PUT", path, by_hand).status_code == 202
    assert engine.drift(CONTACT_POINT, id_, inputs, state) == ["emails"]
    engine.plugin.delete(CONTACT_POINT, id_, state)
    assert engine.drift(CONTACT_POINT, id_, inputs, state) == ["gone"]


def test_invalid_contact_points_are_refused(engine: Engine) -> None:
    assert "emails" in engine.plugin.check(CONTACT_POINT, {"name": "x"})[1]
    assert "jiras" in engine.plugin.check(CONTACT_POINT, {"name": "x", "jiras": [{}]})[1]
    failures = engine.plugin.check(CONTACT_POINT, {"name": "x", "emails": [{"subject": "x"}]})[1]
    assert "emails[0].addresses" in failures
    # Slack needs a url or a token; only Grafana checks that.
    inputs, failures = engine.plugin.check(CONTACT_POINT, {"name": "x", "slacks": [{"recipient": "#x"}]})
    assert not failures
    with pytest.raises(grpc.RpcError, match="could not find url or token"):
        engine.plugin.create(CONTACT_POINT, inputs)


def test_policies_and_contact_points(engine: Engine) -> None:
    point, _, point_state = engine.create(
        CONTACT_POINT, {"name": "Night", "emails": [{"addresses": ["a@example.org"]}]}
    )
    id_, inputs, state = engine.create(
        POLICY,
        {
            "contactPoint": "Night",
            "groupBies": ["alertname"],
            "groupWait": "30s",
            "policies": [
                {
                    "matchers": [{"label": "severity", "match": "=", "value": "critical"}],
                    "policies": [{"matchers": [{"label": "a", "match": "=~", "value": "b"}]}],
                }
            ],
        },
    )
    assert id_ == "1:policy"
    stored = engine.grafana.call("GET", f"{API}/policies").json()
    assert stored["routes"][0]["object_matchers"] == [["severity", "=", "critical"]]
    with pytest.raises(grpc.RpcError, match="is used by"):
        engine.plugin.delete(CONTACT_POINT, point, point_state)
    inputs, state, replaces = engine.change(POLICY, id_, inputs, state, groupWait="1m")
    assert not replaces
    stored["group_wait"] = "5m"
    engine.grafana.call("PUT", f"{API}/policies", stored)
    assert engine.drift(POLICY, id_, inputs, state) == ["groupWait"]
    engine.grafana.call("PUT", f"{API}/policies", {**stored, "routes": [], "group_wait": "1m"})
    assert engine.drift(POLICY, id_, inputs, state) == ["policies"]
    engine.plugin.delete(POLICY, id_, state)
    assert engine.grafana.call("GET", f"{API}/policies").json()["receiver"] == "grafana-default-email"
    engine.plugin.delete(CONTACT_POINT, point, point_state)


def test_a_policy_with_an_unknown_contact_point_is_refused(engine: Engine) -> None:
    inputs, failures = engine.plugin.check(POLICY, {"contactPoint": "none", "groupBies": []})
    assert not failures
    with pytest.raises(grpc.RpcError, match="receiver 'none' does not exist"):
        engine.plugin.create(POLICY, inputs)
    bad = {"contactPoint": "x", "groupBies": [], "groupWait": "soon"}
    assert "groupWait" in engine.plugin.check(POLICY, bad)[1]


def test_a_mute_timing(engine: Engine) -> None:
    """It can be deleted while a policy names it, because the provider removes it from the policies first."""
    nights = [
        {"times": [{"start": "22:00", "end": "24:00"}], "weekdays": ["monday:friday"], "location": "Europe/Berlin"}
    ]
    id_, inputs, state = engine.create(TIMING, {"name": "nights", "intervals": nights})
    assert id_ == "1:nights"
    stored = engine.grafana.call("GET", f"{API}/mute-timings/nights").json()
    assert stored["time_intervals"][0]["times"] == [{"start_time": "22:00", "end_time": "24:00"}]
    assert engine.drift(TIMING, id_, inputs, state) == []
    with pytest.raises(grpc.RpcError, match="already exists"):
        engine.plugin.create(TIMING, inputs)
    inputs, state, replaces = engine.change(TIMING, id_, inputs, state, intervals=[{"weekdays": ["sunday"]}])
    assert not replaces
    assert engine.change(TIMING, id_, inputs, state, name="other")[2] == ["name"]
    route = {"object_matchers": [["severity", "=", "warning"]], "mute_time_intervals": ["nights"]}
    tree = {"receiver": "grafana-default-email", "routes": [route]}
    assert engine.grafana.call("PUT", f"{API}/policies", tree).status_code == 202
    engine.plugin.delete(TIMING, id_, state)
    assert engine.drift(TIMING, id_, inputs, state) == ["gone"]
    engine.grafana.call("DELETE", f"{API}/policies")


def test_a_rule_group(engine: Engine, folder: str) -> None:
    given = {"name": "Hosts", "folderUid": folder, "intervalSeconds": 60, "rules": [RULE]}
    id_, inputs, state = engine.create(GROUP, given)
    assert id_ == "1:alerts:Hosts"
    [before] = engine.grafana.call("GET", f"{API}/folder/alerts/rule-groups/Hosts").json()["rules"]
    assert before["data"][0]["model"]["query"] == "SELECT 1"
    assert before["execErrState"] == "Alerting"
    second = {**RULE, "name": "Another"}
    inputs, state, replaces = engine.change(
        GROUP, id_, inputs, state, rules=[second, {**RULE, "for": "10m"}], intervalSeconds=30
    )
    assert not replaces
    after = engine.grafana.call("GET", f"{API}/folder/alerts/rule-groups/Hosts").json()
    assert [rule["title"] for rule in after["rules"]] == ["Another", "CPU is busy"]
    assert after["rules"][1]["uid"] == before["uid"]
    assert engine.change(GROUP, id_, inputs, state, folderUid="x")[2] == ["folderUid"]
    by_hand = {**after["rules"][0], "title": "By hand"}
    engine.grafana.call("PUT", f"{API}/alert-rules/{by_hand['uid']}", by_hand)
    assert engine.drift(GROUP, id_, inputs, state) == ["rules"]
    with pytest.raises(grpc.RpcError, match="rule group with name 'Hosts' already exists"):
        engine.plugin.create(GROUP, inputs)
    engine.plugin.delete(GROUP, id_, state)
    assert engine.drift(GROUP, id_, inputs, state) == ["gone"]
    with pytest.raises(grpc.RpcError, match=r"\(404\): NotFound"):
        engine.plugin.delete(GROUP, id_, state)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"condition": "Z"}, "condition Z does not exist"),
        ({"noDataState": "Maybe"}, "unknown state"),
        ({"datas": [query("C", "nowhere")]}, "data source 'nowhere'"),
    ],
)
def test_a_rule_that_grafana_refuses_is_an_error(
    engine: Engine, folder: str, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], message: str
) -> None:
    monkeypatch.setattr(rule_group, "RETRY_SECONDS", 1)
    given = {"name": "Bad", "folderUid": folder, "intervalSeconds": 60, "rules": [{**RULE, **changes}]}
    inputs, failures = engine.plugin.check(GROUP, given)
    assert not failures
    with pytest.raises(grpc.RpcError, match=message):
        engine.plugin.create(GROUP, reveal(inputs))


def test_a_refused_rule_group_is_retried(engine: Engine, folder: str) -> None:
    """As the real provider does: what the group needs may be created at the same time."""
    rule = {**RULE, "datas": [query("A", "later", query="SELECT 1"), *RULE["datas"][1:]]}
    given = {"name": "Early", "folderUid": folder, "intervalSeconds": 60, "rules": [rule]}
    inputs, _ = engine.plugin.check(GROUP, given)
    source = {"uid": "later", "name": "later", "type": "influxdb", "url": "https://127.0.0.1:1"}
    soon = threading.Timer(1.2, engine.grafana.call, ("POST", "/api/datasources", source))
    soon.start()
    id_, state = engine.plugin.create(GROUP, reveal(inputs))
    soon.join()
    engine.plugin.delete(GROUP, id_, state)


def test_rules_in_a_group_can_have_the_same_name(engine: Engine, folder: str) -> None:
    """grafana/grafana#102067 and terraform-provider-grafana#2323."""
    given = {"name": "Twins", "folderUid": folder, "intervalSeconds": 60, "rules": [RULE, {**RULE, "for": "9m"}]}
    id_, inputs, state = engine.create(GROUP, given)
    path = f"{API}/folder/alerts/rule-groups/Twins"
    before = [rule["uid"] for rule in engine.grafana.call("GET", path).json()["rules"]]
    engine.change(GROUP, id_, inputs, state, intervalSeconds=30)
    assert [rule["uid"] for rule in engine.grafana.call("GET", path).json()["rules"]] == before
    assert len(set(before)) == 2


def test_invalid_rules_are_refused_without_asking_grafana(engine: Engine) -> None:
    given = {"name": "Bad", "folderUid": "alerts", "intervalSeconds": 60}
    assert "rules" in engine.plugin.check(GROUP, {**given, "rules": []})[1]
    twice = [{**RULE, "uid": "one"}, {**RULE, "uid": "one", "name": "Another"}]
    assert "rules" in engine.plugin.check(GROUP, {**given, "rules": twice})[1]
    bad = {**RULE, "for": "soon"}
    assert "rules[0].for" in engine.plugin.check(GROUP, {**given, "rules": [bad]})[1]
