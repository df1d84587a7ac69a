"""What notices that the server is dead: an alarm in AWS, and a heartbeat that stops."""

from __future__ import annotations

import json

import pytest

from components.dead_mans_switch import _policy, _recover
from tests.components.conftest import Run, run_program

TOPIC = "arn:aws:sns:eu-central-1:111122223333:monitoring-prod-dead-mans-switch"
KINDS = ("MetricAlarm", "Topic", "TopicPolicy", "TopicSubscription")


@pytest.fixture(scope="module")
def watched() -> Run:
    """The program with both halves of it."""
    settings = {
        "contactPoints": {"webhook": "https://hooks.example.org/x"},
        "deadMansSwitch": {
            "email": ["ops@example.com", "boss@example.com"],
            "heartbeat": "https://hc.example.com/secret-address",
            "heartbeatEvery": "10m",
        },
    }
    return run_program(settings, secret=tuple(settings))


def test_off_it_makes_nothing(prod: Run) -> None:
    assert not [resource for kind in KINDS for resource in prod.all(kind)]
    assert "watchdog" not in json.dumps([group.inputs for group in prod.all("RuleGroup")])


def test_failing_hardware_recovers_the_server_and_a_dead_system_only_notifies(watched: Run) -> None:
    alarms = {alarm.inputs["metricName"]: alarm.inputs for alarm in watched.all("MetricAlarm")}
    system, instance = alarms["StatusCheckFailed_System"], alarms["StatusCheckFailed_Instance"]
    assert set(system["alarmActions"]) == {TOPIC, "arn:aws:automate:eu-central-1:ec2:recover"}
    assert instance["alarmActions"] == instance["okActions"] == instance["insufficientDataActions"] == [TOPIC]
    server = watched.all("Instance")[0]
    for alarm in (system, instance):
        assert alarm["namespace"] == "AWS/EC2"
        assert alarm["dimensions"] == {"InstanceId": f"Instance-{server.name}"}
        assert (alarm["period"], alarm["evaluationPeriods"], alarm["threshold"]) == (60, 2, 1)


def test_in_another_partition_the_action_has_another_name() -> None:
    topic = "arn:aws-us-gov:sns:us-gov-west-1:111122223333:t"
    assert _recover(topic) == "arn:aws-us-gov:automate:us-gov-west-1:ec2:recover"
    assert "arn:aws-us-gov:cloudwatch:us-gov-west-1:111122223333:alarm:*" in _policy(topic)


def test_only_this_account_s_alarms_may_publish(watched: Run) -> None:
    (statement,) = json.loads(watched.one("TopicPolicy")["policy"])["Statement"]
    assert statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert (statement["Action"], statement["Resource"]) == ("sns:Publish", TOPIC)
    assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": "111122223333"}
    subscribed = {(each.inputs["protocol"], each.inputs["endpoint"]) for each in watched.all("TopicSubscription")}
    assert subscribed == {("email", "ops@example.com"), ("email", "boss@example.com")}


def test_the_heartbeat_has_a_contact_point_and_a_pace_of_its_own(watched: Run) -> None:
    (point,) = [found for found in watched.all("ContactPoint") if found.inputs["name"] == "Monitoring heartbeat"]
    assert "webhooks" in point.secret and point.inputs["webhooks"][0]["disableResolveMessage"]
    first, *others = watched.one("NotificationPolicy")["policies"]
    assert first["matchers"] == [{"label": "heartbeat", "match": "=", "value": "true"}]
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
