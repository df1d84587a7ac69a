"""The states of alerts from one evaluation to the next, their annotations, and the scheduler's thread."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sandbox.grafana.double.alerting import memory
from sandbox.grafana.double.alerting.evaluation import Kind, Result
from sandbox.grafana.double.alerting.states import RuleState
from sandbox.grafana.double.alerting.wording import expand
from sandbox.grafana.double.database import Database
from tests.sandbox.grafana.support import Grafana
from tests.support.waiting import eventually

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ONE = {"host": "one"}


def state(**changes: Any) -> RuleState:
    rule = {"title": "Rule", "labels": {}, "annotations": {}, "for": "2m", "noDataState": "OK", "execErrState": "OK"}
    return RuleState(rule | changes, "Folder", 60)


def after(known: RuleState, kind: Kind, minute: float, **labels: str) -> dict[str, str]:
    """The alerts' states, by host or name, after a result at a minute."""
    known.update([Result(kind, labels)], NOW + timedelta(minutes=minute))
    return {alert.labels.get("host") or alert.labels["alertname"]: alert.shown_state for alert in known.alerts.values()}


def test_an_alert_is_pending_for_the_rule_s_duration() -> None:
    known = state()
    assert after(known, "Alerting", 0, **ONE) == {"one": "Pending"}
    assert after(known, "Alerting", 1, **ONE) == {"one": "Pending"}
    assert after(known, "Normal", 1.5, **ONE) == {"one": "Normal"}
    assert after(known, "Alerting", 2, **ONE) == {"one": "Pending"}
    assert after(known, "Alerting", 4, **ONE) == {"one": "Alerting"}
    assert after(known, "Normal", 5, **ONE) == {"one": "Normal"}
    [alert] = known.alerts.values()
    assert (alert.firing_since, alert.ended) == (NOW + timedelta(minutes=4), NOW + timedelta(minutes=5))


def test_an_alert_ends_when_its_labels_are_no_longer_returned() -> None:
    known = state(**{"for": "0s"})
    assert after(known, "Alerting", 0, **ONE) == {"one": "Alerting"}
    assert after(known, "Normal", 1, host="two")["one"] == "Alerting"
    assert after(known, "Normal", 2, host="two")["one"] == "Normal (MissingSeries)"
    assert after(known, "Normal", 20, host="two") == {"two": "Normal"}


def test_alerts_survive_a_restart_unless_their_rule_has_changed(tmp_path: Path) -> None:
    database = Database(tmp_path / "grafana.db")
    known = state(**{"uid": "rule", "updated": "monday", "for": "2m"})
    after(known, "Alerting", 0, **ONE)
    assert after(known, "Alerting", 2, **ONE) == {"one": "Alerting"}
    memory.keep(database, known)
    assert memory.recall(database, known.rule) == known.alerts
    assert memory.recall(database, {**known.rule, "updated": "tuesday"}) == {}
    again = RuleState(known.rule, "Folder", 60, memory.recall(database, known.rule))
    assert after(again, "Alerting", 3, **ONE) == {"one": "Alerting"}
    assert [alert.firing_since for alert in again.alerts.values()] == [NOW + timedelta(minutes=2)]


@pytest.mark.parametrize(("kind", "key"), [("NoData", "noDataState"), ("Error", "execErrState")])
@pytest.mark.parametrize(
    ("chosen", "expected"),
    [("OK", "Normal ({})"), ("KeepLast", "Alerting ({}, KeepLast)"), ("Alerting", "Alerting ({})")],
)
def test_no_data_and_errors_change_an_alert_as_configured(kind: Kind, key: str, chosen: str, expected: str) -> None:
    known = state(**{"for": "0s", key: chosen})
    after(known, "Alerting", 0, **ONE)
    assert after(known, kind, 1) == {"one": expected.format(kind)}


def test_a_pending_alert_fires_under_keep_last_after_the_rule_s_duration() -> None:
    """As resultKeepLast in Grafana's pkg/services/ngalert/state/state.go."""
    known = state(execErrState="KeepLast")
    assert after(known, "Alerting", 0, **ONE) == {"one": "Pending"}
    after(known, "Normal", 0, host="two")
    assert after(known, "Error", 1) == {"one": "Pending (Error, KeepLast)", "two": "Normal (Error, KeepLast)"}
    assert after(known, "Error", 2) == {"one": "Alerting (Error, KeepLast)", "two": "Normal (Error, KeepLast)"}
    assert after(known, "Normal", 3, **ONE)["one"] == "Normal"


def test_an_alert_that_is_kept_firing_recovers_before_it_ends() -> None:
    """As resultNormal and resultAlerting in that file."""
    known = state(**{"for": "0s", "keep_firing_for": "5m"})
    after(known, "Alerting", 0, **ONE)
    assert after(known, "Normal", 1, **ONE) == {"one": "Recovering"}
    [alert] = known.alerts.values()
    assert alert.firing and alert.ended is None
    assert after(known, "Alerting", 2, **ONE) == {"one": "Alerting"}
    assert alert.firing_since == NOW
    assert after(known, "Normal", 3, **ONE) == {"one": "Recovering"}
    assert after(known, "Normal", 7, **ONE) == {"one": "Recovering"}
    assert after(known, "Normal", 8, **ONE) == {"one": "Normal"}
    assert alert.ended == NOW + timedelta(minutes=8)


def test_a_rule_can_set_after_how_many_evaluations_a_missing_alert_ends() -> None:
    """As processMissingSeriesStates in manager.go."""
    known = state(**{"for": "0s", "missing_series_evals_to_resolve": 60})
    after(known, "Alerting", 0, **ONE)
    assert after(known, "Normal", 59, host="two")["one"] == "Alerting"
    assert after(known, "Normal", 60, host="two")["one"] == "Normal (MissingSeries)"


def test_a_missing_recovering_alert_ends_when_its_last_report_expires() -> None:
    """Four intervals after its last evaluation, however long an alerting one would last."""
    known = state(**{"for": "0s", "keep_firing_for": "5m", "missing_series_evals_to_resolve": 60})
    after(known, "Alerting", 0, **ONE)
    after(known, "Normal", 1, **ONE)
    assert after(known, "Normal", 4, host="two")["one"] == "Recovering"
    assert after(known, "Normal", 5, host="two")["one"] == "Normal (MissingSeries)"


@pytest.mark.parametrize(("kind", "key"), [("NoData", "noDataState"), ("Error", "execErrState")])
def test_no_data_and_errors_as_separate_alerts(kind: Kind, key: str) -> None:
    known = state(**{key: kind})
    assert after(known, kind, 0) == {f"Datasource{kind}": kind}
    [alert] = known.alerts.values()
    assert alert.firing and alert.labels["rulename"] == "Rule"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{{ $labels.host }} is {{ printf "%.1f" $values.B.Value }}', "one is 93784.2"),
        ("{{humanizeDuration $values.B.Value}}", "1d 2h 3m 4s"),
        ("{{ humanizePercentage $values.C }}", "50%"),
        ("{{ $labels.none }} {{ $values.Z }}", "[no value] [no value]"),
        ("{{ if $labels.host }}", "{{ if $labels.host }}"),
        ("{{ externalURL }}d/x?var-a={{ urlquery $labels.odd }}", "https://g/d/x?var-a=a%26b+c"),
    ],
)
def test_templates_in_texts_are_expanded(text: str, expected: str) -> None:
    assert expand(text, {**ONE, "odd": "a&b c"}, {"B": 93784.2, "C": 0.5}, "https://g/") == expected


def test_the_running_server_evaluates_rules(grafana: Grafana) -> None:
    grafana.call("POST", "/api/folders", {"uid": "f", "title": "Folder"})
    formula = {"refId": "A", "type": "math", "expression": "2 > 1"}
    data = {"refId": "A", "datasourceUid": "__expr__", "model": formula, "relativeTimeRange": {"from": 0, "to": 0}}
    rule = {"title": "Always", "folderUID": "f", "ruleGroup": "g", "condition": "A", "data": [data]}
    assert grafana.call("POST", "/api/v1/provisioning/alert-rules", rule).status_code == 201
    listed = eventually(lambda: grafana.call("GET", "/api/alertmanager/grafana/api/v2/alerts").json())
    assert [alert["labels"]["alertname"] for alert in listed] == ["Always"]
