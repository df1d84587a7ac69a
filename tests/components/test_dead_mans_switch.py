"""The dead man's switch: alarms in AWS, and a heartbeat whose absence somebody else notices."""

from __future__ import annotations

import json

import pytest

from components.dead_mans_switch import _policy, _recover
from tests.components.conftest import Run, run_program, statements

TOPIC = "arn:aws:sns:eu-central-1:111122223333:monitoring-prod-dead-mans-switch"
KINDS = ("MetricAlarm", "Topic", "TopicPolicy", "TopicSubscription")


@pytest.fixture(scope="module")
def watched() -> Run:
    """The program with alarms and a heartbeat."""
    settings = {
        "contactPoints": {"webhook": "https://hooks.example.org/x"},
        "deadMansSwitch": {
            "email": ["ops@example.com", "boss@example.com"],
            "heartbeat": "https://hc.example.com/secret-address",
            "heartbeatEvery": "10m",
        },
    }
    return run_program(settings, secret=tuple(settings))


def test_without_the_setting_nothing_is_made(prod: Run) -> None:
    assert not [resource for kind in KINDS for resource in prod.all(kind)]
    assert "watchdog" not in json.dumps([group.inputs for group in prod.all("RuleGroup")])


def test_failing_hardware_recovers_the_server_and_a_failing_system_only_notifies(watched: Run) -> None:
    alarms = {alarm.inputs["metricName"]: alarm.inputs for alarm in watched.all("MetricAlarm")}
    system, instance = alarms["StatusCheckFailed_System"], alarms["StatusCheckFailed_Instance"]
    assert set(system["alarmActions"]) == {TOPIC, "arn:aws:automate:eu-central-1:ec2:recover"}
    assert instance["alarmActions"] == instance["okActions"] == instance["insufficientDataActions"] == [TOPIC]
    server = watched.all("Instance")[0]
    for alarm in (system, instance):
        assert alarm["namespace"] == "AWS/EC2"
        assert alarm["dimensions"] == {"InstanceId": f"Instance-{server.name}"}
        assert (alarm["period"], alarm["evaluationPeriods"], alarm["threshold"]) == (60, 2, 1)
        assert (alarm["statistic"], alarm["comparisonOperator"]) == ("Maximum", "GreaterThanOrEqualToThreshold")
    assert (system["okActions"], system.get("insufficientDataActions", [])) == ([TOPIC], [])


def test_arns_are_those_of_the_stack_s_partition() -> None:
    topic = "arn:aws-us-gov:sns:us-gov-west-1:111122223333:t"
    assert _recover(topic) == "arn:aws-us-gov:automate:us-gov-west-1:ec2:recover"
    assert "arn:aws-us-gov:cloudwatch:us-gov-west-1:111122223333:alarm:*" in _policy(topic)


def test_only_this_account_s_alarms_may_publish(watched: Run) -> None:
    (statement,) = statements(watched.one("TopicPolicy")["policy"])
    assert (statement["Effect"], statement["Action"], statement["Resource"]) == ("Allow", "sns:Publish", TOPIC)
    assert statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": "111122223333"}


def test_each_address_is_subscribed_to_the_topic(watched: Run) -> None:
    subscribed = [each.inputs for each in watched.all("TopicSubscription")]
    assert sorted(each["endpoint"] for each in subscribed) == ["boss@example.com", "ops@example.com"]
    assert {(each["protocol"], each["topic"]) for each in subscribed} == {("email", TOPIC)}


def test_the_heartbeat_has_its_own_contact_point_and_interval(watched: Run) -> None:
    (point,) = [found for found in watched.all("ContactPoint") if found.inputs["name"] == "Monitoring heartbeat"]
    assert "webhooks" in point.secret and point.inputs["webhooks"][0]["disableResolveMessage"]
    first, *others = watched.one("NotificationPolicy")["policies"]
    assert first["matchers"] == [{"label": "heartbeat", "match": "=", "value": "true"}]
    assert (first["groupBies"], first["groupWait"]) == (["alertname"], "1s")
    assert (first["contactPoint"], first["groupInterval"], first["repeatInterval"]) == (
        "Monitoring heartbeat",
        "10m",
        "570s",
    )
    assert {route["matchers"][0]["value"] for route in others} == {"critical", "warning"}
    (group,) = [found.inputs for found in watched.all("RuleGroup") if found.inputs["name"] == "Watchdog"]
    assert group["rules"][0]["labels"] == {"severity": "none", "heartbeat": "true", "host": "monitoring-prod"}
    leaks = [r.name for r in watched.resources if "secret-address" in json.dumps(r.inputs) and r.name != point.name]
    assert leaks == []
