"""What every rule must have, whatever it watches, and that docs/alerts.md says what the rules do."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

import alerts
from dashboards.registry import AWS_EC2, LINUX_HOSTS, MONITORING_SERVER
from sandbox.viewer.queries import panels
from settings import AlertThresholds
from tests.alerts.conftest import FACTS, rule_of
from tests.support.another_process import printed

EXTERNAL = replace(FACTS, own_influxdb=False)
RULES = [rule for group in alerts.build(FACTS) for rule in group.rules]
each = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.uid)
AN_HOUR = 3600
"""Seconds that most alerts last once their labels are no longer returned (`Rule.missing`)."""
DOCUMENT = Path(__file__).parents[2] / "docs" / "alerts.md"


def test_no_two_rules_have_the_same_uid_or_title() -> None:
    assert len({rule.uid for rule in RULES}) == len({rule.title for rule in RULES}) == len(RULES)


@each
def test_a_rule_is_a_query_then_a_reduction_then_a_threshold(rule: alerts.Rule) -> None:
    assert rule.steps[0].datasource_uid in ("influxdb", "cloudwatch")
    expressions = [step for step in rule.steps if step.datasource_uid not in ("influxdb", "cloudwatch")]
    assert expressions[0].model["type"] == "reduce"
    assert expressions[-1].model["type"] == "threshold"
    assert all(step.model["type"] in ("reduce", "math", "threshold") for step in expressions)
    assert [step.ref_id for step in rule.steps] == sorted({step.ref_id for step in rule.steps})
    assert all(json.loads(step.model_json)["refId"] == step.ref_id for step in rule.steps)


@each
def test_the_summary_names_the_host(rule: alerts.Rule) -> None:
    assert re.search(r"\$labels\.(host|InstanceId)|monitoring-test", rule.summary)
    assert len(rule.look_at) > 40
    query = rule.steps[0].model.get("query", "")
    assert '"host"' in query or rule.labels["host"]


@each
def test_the_alert_links_to_a_panel(rule: alerts.Rule) -> None:
    assert int(rule.annotations["__panelId__"]) > 0
    assert rule.annotations["__dashboardUid__"] == rule.panel.dashboard


@each
def test_the_alert_links_to_its_host_s_page(rule: alerts.Rule) -> None:
    """In annotations Grafana has the query's labels, not the rule's own (ngalert/state/cache.go)."""
    page = rule.annotations["host_page"]
    if "InstanceId" in rule.summary:
        assert page == "{{ externalURL }}d/linux-host?var-instance_id={{ urlquery $labels.InstanceId }}"
    elif "host" not in rule.labels:
        assert page == "{{ externalURL }}d/linux-host?var-host={{ urlquery $labels.host }}"
    else:
        assert page == "{{ externalURL }}d/linux-host?var-host=monitoring-test"


@each
def test_only_the_rule_about_missing_data_fires_without_data(rule: alerts.Rule) -> None:
    states = (rule.no_data, rule.on_error)
    if rule.uid == "server-no-data":
        assert states == ("Alerting", "Alerting")
    elif rule.uid == "server-rollup":  # the server writes its data even if all hosts are silent
        assert states == ("Alerting", "KeepLast")
    else:
        # An alert that must not end for lack of measurements keeps its last state in both cases.
        assert states == ("KeepLast" if rule.missing > AN_HOUR else "OK", "KeepLast")


@each
def test_the_alert_links_to_its_runbook(rule: alerts.Rule) -> None:
    page = "https://git.example.com/monitoring/docs/runbooks.md"
    found, _, section = rule.annotations_with(page)["runbook_url"].partition("#")
    assert found == page and "runbook_url" not in rule.annotations_with("")
    text = (DOCUMENT.parent / "runbooks.md").read_text()
    assert text.count(f'<a id="{section}"></a>{rule.title}\n') == 1


@pytest.mark.parametrize(
    ("uid", "less"),
    [
        *((f"host-{what}", 5) for what in ("cpu", "memory", "disk", "inodes")),
        *(("server-data-volume", 5), ("agent-buffer", 5), ("host-load", 0.2), ("host-disk-full", 1)),
    ],
)
def test_an_alert_ends_only_well_below_its_limit(uid: str, less: float) -> None:
    """As far below it as docs/alerts.md says."""
    (condition,) = rule_of(uid).steps[-1].model["conditions"]
    begins, ends = condition["evaluator"], condition["unloadEvaluator"]
    assert (begins["type"], ends["type"]) == ("gt", "lt")
    assert ends["params"] == pytest.approx([begins["params"][0] - less])


def test_with_a_small_limit_an_alert_ends_a_tenth_below_it() -> None:
    facts = replace(FACTS, thresholds=AlertThresholds.model_validate({"dataVolume": 1, "disk": 20}))
    for uid, end in (("server-data-volume", 0.9), ("host-disk", 18)):
        (condition,) = rule_of(uid, facts).steps[-1].model["conditions"]
        assert condition["unloadEvaluator"]["params"] == pytest.approx([end])


def test_alerts_with_the_same_cause_are_one_message() -> None:
    """The route of each severity groups alerts by their label `cause` (components/alerting.py)."""
    causes = {rule.uid: rule.all_labels["cause"] for rule in RULES if "cause" in rule.all_labels}
    assert set(causes) == {"host-silent", "hosts-silent", "server-no-data"}
    assert len(set(causes.values())) == 1


def test_the_page_lists_the_rules_that_are_evaluated_less_often() -> None:
    (listed,) = re.findall(r"\*\*Slow signals\.\*\*(.*?)\n\n", DOCUMENT.read_text(), re.DOTALL)
    for group in alerts.build(FACTS):
        for rule in group.rules:
            among = rule.title.startswith(("No ", "Telegraf")) if group.interval > FACTS.interval else False
            assert (group.interval > FACTS.interval) == (among or f'"{rule.title}"' in listed), rule.title


@each
def test_the_page_describes_the_rule(rule: alerts.Rule) -> None:
    (row,) = [line for line in DOCUMENT.read_text().splitlines() if line.startswith(f"| {rule.title} |")]
    _, _, after, no_data, on_error, _ = (cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1])
    pending = "at once" if rule.pending == "0s" else rule.pending.replace("m", " min")
    assert (after, no_data, on_error) == (pending, rule.no_data, rule.on_error)


def test_every_threshold_is_documented() -> None:
    text = DOCUMENT.read_text()
    assert all(f"`{field.alias}`" in text for field in AlertThresholds.model_fields.values())


def test_without_a_public_certificate_there_is_no_rule_about_it() -> None:
    uids = {rule.uid for group in alerts.build(replace(FACTS, public_certificate=False)) for rule in group.rules}
    assert {rule.uid for rule in RULES} - uids == {"public-certificate-ends"}


def test_with_another_influxdb_there_are_no_rules_about_the_own_one_and_its_certificate() -> None:
    uids = {rule.uid for group in alerts.build(EXTERNAL) for rule in group.rules}
    own = {"server-write-failures", "server-series", "server-bad-file", "server-data-volume", "server-rollup"}
    own |= {"certificate-ends"}
    assert {rule.uid for rule in RULES} - uids == own
    shown = {
        (entry.uid, panel["id"])
        for entry, options in (
            (LINUX_HOSTS, {}),
            (AWS_EC2, {}),
            (MONITORING_SERVER, {"own_influxdb": False, "public_certificate": True}),
        )
        for panel in panels(json.loads(entry.build(**options)))
    }
    assert {(rule.panel.dashboard, rule.panel.id) for group in alerts.build(EXTERNAL) for rule in group.rules} <= shown


def test_hosts_that_measure_rarely_are_not_silent_between_two_measurements() -> None:
    facts = alerts.Facts(region="eu-central-1", server="s", collection_interval="10m")
    assert facts.silence == 1800
    late = replace(FACTS, thresholds=AlertThresholds.model_validate({"silentAfter": "12h"}))
    assert late.lately > late.silence, "the rules look further back than a host's silence"
    assert all(rule_of(uid, facts).steps[0].span > 4 * 600 for uid in ("agent-errors", "agent-hangs"))
    assert all(rule.steps[0].span >= 1200 for rule in alerts.build(facts)[0].rules)


def test_rules_have_the_configured_thresholds() -> None:
    given = AlertThresholds.model_validate(
        {
            **{"cpu": 50, "memory": 51, "disk": 52, "load": 7, "dataVolume": 53, "agentBuffer": 54},
            **{"certificateDays": 7, "diskFullWithin": "5h", "silentAfter": "30s", "interval": "10s"},
        }
    )
    facts = alerts.Facts(region="eu-central-1", server="s", thresholds=given)
    assert {group.interval for group in alerts.build(facts)} == {10, 300}
    limits = {
        uid: rule_of(uid, facts).steps[-1].model["conditions"][0]["evaluator"]["params"]
        for uid in (
            *("host-cpu", "host-memory", "host-disk", "host-load", "server-data-volume", "agent-buffer"),
            "certificate-ends",
        )
    }
    assert limits == {
        **{"host-cpu": [50], "host-memory": [51], "host-disk": [52], "host-load": [7], "server-data-volume": [53]},
        **{"agent-buffer": [54], "certificate-ends": [7]},
    }
    # At the rate of six hours, and of the last one.
    assert rule_of("host-disk-filling", facts).steps[-2].model["expression"].count(f"< {5 * 3600}") == 2
    assert "for 30 s" in rule_of("host-silent", facts).summary


def test_the_same_facts_make_the_same_rules_in_every_process() -> None:
    assert repr(alerts.build(FACTS)) == printed(
        "import alerts; from tests.alerts.conftest import FACTS; print(alerts.build(FACTS))"
    )
