"""The alert rules in the environment: normal when everything is healthy, and a host that goes silent is reported."""

from __future__ import annotations

import pytest

import alerts
from tests.live.alert_rules import rules, state_of
from tests.live.environment import Environment
from tests.support.waiting import eventually

pytestmark = [pytest.mark.live, pytest.mark.changes]

MAY_FIRE = {"host-cpu", "host-load", "host-memory", "host-disk-filling", "host-silent", "agent-errors"}
"""The first four measure the machine that the tests run on, which can be busy, and whose disk all machines and tests
share. The other two also see what earlier tests did to hosts in the last few minutes, such as removing them or stopping
InfluxDB."""


def test_every_rule_exists_and_none_fires(environment: Environment, quick: None) -> None:
    expected = {rule.uid for group in alerts.build(alerts.Facts(region="", server="")) for rule in group.rules}

    def unwell() -> list[object]:
        """The rules that were not evaluated, or failed, or are firing or pending."""
        return [
            rule
            for uid, rule in rules(environment).items()
            if rule["lastEvaluation"].startswith("0001")
            or rule["health"] not in ("ok", "nodata")
            or not (uid in MAY_FIRE or rule["state"] == "inactive")
        ]

    assert eventually(lambda: set(rules(environment)) == expected), rules(environment)
    # Agents measure and send every 10 s, so the newest points can be 20 s old. When they are older than the 30 s of
    # `quick`, on a busy machine, "No measurements arrive" is pending until the next evaluation.
    assert eventually(lambda: not unwell()), unwell()
    assert eventually(lambda: state_of(environment, "host-silent", "monitoring-sandbox") == "Normal")
    checked = {alert["labels"]["InstanceId"] for alert in rules(environment)["ec2-status-check"]["alerts"]}
    assert environment.instance_id in checked  # and those that other tests have terminated in the last few minutes


def test_without_contact_points_nobody_is_notified(environment: Environment) -> None:
    policy = environment.grafana.get("/api/v1/provisioning/policies").json()
    assert policy["receiver"] == "grafana-default-email"


def test_a_host_is_reported_as_silent_until_its_telegraf_runs_again(environment: Environment, quick: None) -> None:
    def state(wanted: str) -> bool:
        return state_of(environment, "host-silent", "monitoring-sandbox") == wanted

    assert eventually(lambda: state("Normal")), rules(environment)["host-silent"]
    environment.guest("systemctl", "stop", "telegraf")
    try:
        assert eventually(lambda: state("Alerting"), 400), rules(environment)["host-silent"]
        reported = environment.grafana.get("/api/alertmanager/grafana/api/v2/alerts").json()
        silent = [one for one in reported if one["labels"]["alertname"] == "Host silent"]
        (alert,) = [one for one in silent if one["labels"]["host"] == "monitoring-sandbox"]
        assert alert["annotations"]["summary"] == "monitoring-sandbox has sent nothing for 30 s"
    finally:
        environment.guest("systemctl", "start", "telegraf")
    # It keeps firing for five minutes after the host is back.
    assert eventually(lambda: state("Recovering")), rules(environment)["host-silent"]
