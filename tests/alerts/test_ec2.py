"""The rule about EC2's status checks, with metrics in moto."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

import alerts
from sandbox.grafana.double.alerting.states import RuleState
from tests.alerts.conftest import Double, asking, body, rule_of
from tests.sandbox.grafana.test_cloudwatch import aws, client, datasource

__all__ = ["aws"]
RULE = rule_of("ec2-status-check")


@pytest.fixture
def watching(bare: Double, aws: str) -> Double:
    bare.call("POST", "/api/datasources", datasource(aws), 200)
    return bare


def test_without_instances_there_is_no_data_and_no_alert(watching: Double) -> None:
    assert [result.kind for result in watching.judged(RULE)] == ["NoData"]


def test_it_fires_only_for_the_failed_instance_and_names_it(watching: Double, aws: str) -> None:
    now = datetime.now(UTC)
    for instance, failed in (("i-0bad", 1), ("i-0well", 0)):
        put(aws, instance, now, dict.fromkeys((-2, -3, -4), failed))
    results = watching.judged(RULE)
    assert {result.labels["InstanceId"]: result.kind for result in results} == {
        "i-0bad": "Alerting",
        "i-0well": "Normal",
    }
    state = RuleState(body(RULE), "Monitoring", 60)
    state.update(results, now)
    reported = {alert.labels["host"]: alert for alert in state.alerts.values()}
    assert reported["i-0bad"].state == "Pending"
    assert reported["i-0bad"].annotations["summary"] == "i-0bad fails its EC2 status check"


@pytest.mark.parametrize("minutes", [20, 6 * 60, 2 * 24 * 60])
@pytest.mark.parametrize("rule", asking("cloudwatch"), ids=lambda rule: rule.uid)
def test_a_failed_check_that_lasts(watching: Double, aws: str, rule: alerts.Rule, minutes: int) -> None:
    """Healthy, then failed for some minutes, then healthy again. The alert of an instance that was stopped meanwhile,
    and so has no checks any more, ends after an hour. CloudWatch has a value every five minutes."""
    begin = datetime.now(UTC) - timedelta(minutes=minutes + 100)
    put(aws, "i-0bad", begin, {minute: int(0 <= minute < minutes) for minute in range(-15, minutes + 90, 5)})
    put(aws, "i-0gone", begin, dict.fromkeys(range(0, minutes, 5), 1))
    state = RuleState(body(rule), "Monitoring", 60)

    def at(minute: float) -> dict[str, str]:
        state.update(watching.judged(rule, begin + timedelta(minutes=minute)), begin + timedelta(minutes=minute))
        return {alert.labels["host"]: alert.state for alert in state.alerts.values()}

    assert at(-10) == {"i-0bad": "Normal"}
    assert at(1) == {"i-0bad": "Pending", "i-0gone": "Pending"}
    assert at(4) == at(minutes - 1) == {"i-0bad": "Alerting", "i-0gone": "Alerting"}
    assert at(minutes + 1)["i-0bad"] == "Normal"
    assert at(minutes + 20)["i-0gone"] == "Alerting"
    assert at(minutes + 80).get("i-0gone", "Normal") == "Normal"


def put(aws: str, instance: str, begin: datetime, failed: dict[int, int]) -> None:
    """The status checks of an instance: minutes since the beginning -> whether one failed."""
    values = [
        {
            "MetricName": "StatusCheckFailed",
            "Dimensions": [{"Name": "InstanceId", "Value": instance}],
            "Timestamp": begin + timedelta(minutes=minute),
            "Value": value,
        }
        for minute, value in failed.items()
    ]
    client(aws, "cloudwatch").put_metric_data(Namespace="AWS/EC2", MetricData=values)


def test_an_unreachable_aws_is_no_failed_instance(bare: Double) -> None:
    bare.call("POST", "/api/datasources", datasource("http://127.0.0.1:1"), 200)
    [result] = bare.judged(RULE)
    assert result.kind == "Error"
    state = RuleState(body(RULE), "Monitoring", 60)
    state.update([result], datetime.now(UTC))
    assert not [alert for alert in state.alerts.values() if alert.state != "Normal"]
