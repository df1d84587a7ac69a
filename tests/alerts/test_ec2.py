"""The rule about EC2's status checks, on metrics in moto."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sandbox.grafana.double.alerting.states import RuleState
from tests.alerts.conftest import Double, body, rule_of
from tests.sandbox.grafana.test_cloudwatch import aws, client, datasource

__all__ = ["aws"]
RULE = rule_of("ec2-status-check")


@pytest.fixture
def watching(bare: Double, aws: str) -> Double:
    bare.call("POST", "/api/datasources", datasource(aws), 200)
    return bare


def test_without_instances_nothing_fires(watching: Double) -> None:
    assert [result.kind for result in watching.judged(RULE)] == ["NoData"]


def test_it_fires_for_the_failed_instance_and_names_it(watching: Double, aws: str) -> None:
    now = datetime.now(UTC)
    for instance, failed in (("i-0bad", 1), ("i-0well", 0)):
        client(aws, "cloudwatch").put_metric_data(
            Namespace="AWS/EC2",
            MetricData=[
                {
                    "MetricName": "StatusCheckFailed",
                    "Dimensions": [{"Name": "InstanceId", "Value": instance}],
                    "Timestamp": now - timedelta(minutes=minutes),
                    "Value": failed,
                }
                for minutes in (2, 3, 4)
            ],
        )
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


def test_an_aws_that_does_not_answer_is_no_failed_instance(bare: Double) -> None:
    bare.call("POST", "/api/datasources", datasource("http://127.0.0.1:1"), 200)
    [result] = bare.judged(RULE)
    assert result.kind == "Error"
    state = RuleState(body(RULE), "Monitoring", 60)
    state.update([result], datetime.now(UTC))
    assert not [alert for alert in state.alerts.values() if alert.state != "Normal"]
