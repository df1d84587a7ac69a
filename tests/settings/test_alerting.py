"""Who is notified of alerts and when: `contactPoints`, `alertThresholds`, `deadMansSwitch`, `runbooks`."""

from __future__ import annotations

from typing import Any

import pytest

from settings import DeadMansSwitch, load
from tests.support.configuration import mistakes, raw

SLACK = "https://hooks.slack.com/services/T0/B0/geheim"
SECRET = ("monitoring:contactPoints",)


def test_nobody_is_notified_by_default() -> None:
    assert load(raw()).contact_points is None
    assert load(raw(contactPoints={})).contact_points is None


def test_every_contact_point_is_accepted_and_kept_secret() -> None:
    points = load(
        raw(
            contactPoints={
                "slack": SLACK,
                "pagerduty": "k" * 32,
                "webhook": "https://hooks.example.com/a?b=c",
                "webhookToken": "t",
            }
        ),
        SECRET,
    ).contact_points
    assert points is not None
    secrets = (points.slack, points.pagerduty, points.webhook, points.webhook_token)
    assert [secret and secret.get_secret_value() for secret in secrets] == [
        *(SLACK, "k" * 32, "https://hooks.example.com/a?b=c", "t"),
    ]
    assert "geheim" not in repr(points) and "hooks.example.com" not in repr(points)


def test_thresholds_left_out_keep_their_defaults() -> None:
    thresholds = load(raw(alertThresholds={"disk": 85, "load": 1.5})).alert_thresholds
    assert (thresholds.disk, thresholds.load, thresholds.cpu) == (85, 1.5, 95)


@pytest.mark.parametrize(
    ("key", "value", "wrong"),
    [
        ("email", "ops@example.com", "is a string, not a list"),
        ("email", [], "is empty"),
        ("email", ["Ops <ops@example.com>"], "write it without a name"),
        ("email", ["ops@example.com", "ops@example.com"], "contains ops@example.com twice"),
        ("email", ["ops@example.com\nBcc: x@example.com"], "write it without a name"),
        ("slack", "https://example.com/geheim", "Slack incoming webhook"),
        ("slack", "xoxb-geheim", "is not a URL"),
        ("pagerduty", "geheim", "is not an integration key"),
        ("webhook", "http://example.com/geheim", "is not encrypted"),
        ("webhook", "https://user:geheim@example.com/", "contains credentials"),
        ("webhook", "https://example.com:8443/geheim", "has a port that the server may not reach"),
        ("webhook", "https://example.com/#geheim", "has a fragment"),
        ("webhook", "geheim", "is not a URL"),
        ("webhookToken", "ge'heim", "single quote"),
        ("sms", "geheim", "the known keys are"),
    ],
)
def test_a_wrong_contact_point_is_reported_without_its_value(key: str, value: Any, wrong: str) -> None:
    (reported,) = mistakes(raw(contactPoints={"slack": SLACK, key: value}), SECRET)
    assert reported.startswith(f"monitoring:contactPoints.{key}") and wrong in reported
    assert "geheim" not in reported


@pytest.mark.parametrize("key", ["slack", "pagerduty", "webhook", "webhookToken"])
def test_contact_points_must_be_encrypted(key: str) -> None:
    right = {"slack": SLACK, "pagerduty": "k" * 32, "webhook": "https://example.com/", "webhookToken": "t"}
    reported = mistakes(raw(contactPoints={"webhook": right["webhook"], key: right[key]}))
    assert any(f"contactPoints.{key}" in line and "is not encrypted" in line for line in reported)


@pytest.mark.parametrize(
    ("changes", "key", "wrong"),
    [
        ({"contactPoints": {"webhookToken": "t"}}, "contactPoints", "names no recipients"),
        ({"contactPoints": {"slack": SLACK, "webhookToken": "t"}}, "contactPoints", "without webhook"),
        ({"alertThresholds": {"silentAfter": "12h", "forgetAfter": "1h"}}, "alertThresholds", "raise forgetAfter"),
        ({"alertThresholds": {"cpu": 0}}, "alertThresholds.cpu", "write 1 to 99"),
        ({"alertThresholds": {"cpu": "many"}}, "alertThresholds.cpu", "is not a number"),
        ({"alertThresholds": {"load": True}}, "alertThresholds.load", "is not a number"),
        ({"alertThresholds": {"interval": "15s"}}, "alertThresholds.interval", "multiple of 10s"),
        ({"alertThresholds": {"interval": "2h"}}, "alertThresholds.interval", "write 10s to 1h"),
        ({"alertThresholds": {"silentAfter": "1s"}}, "alertThresholds.silentAfter", "write 30s to 12h"),
        ({"alertThresholds": {"silentafter": "1m"}}, "alertThresholds.silentafter", "did you mean silentAfter?"),
        ({"alertThresholds": {"certificateDays": 91}}, "alertThresholds.certificateDays", "write 1 to 90"),
    ],
)
def test_wrong_and_contradictory_settings_are_reported(changes: dict[str, Any], key: str, wrong: str) -> None:
    (reported,) = mistakes(raw(**changes), SECRET)
    assert reported.startswith((f"monitoring:{key}:", f"monitoring:{key} = ")) and wrong in reported


@pytest.mark.parametrize(
    ("points", "key"),
    [
        ({"critical": {"slack": SLACK}}, "contactPoints = (secret)"),
        ({"slack": SLACK, "warning": {}}, "contactPoints.warning"),
        ({"slack": SLACK, "critical": {"webhookToken": "t"}}, "contactPoints.critical"),
    ],
)
def test_a_severity_that_notifies_nobody_is_refused(points: dict[str, Any], key: str) -> None:
    (wrong,) = mistakes(raw(contactPoints=points), SECRET)
    assert wrong.startswith(f"monitoring:{key}: names no recipients")


def test_contact_points_for_each_severity_are_enough() -> None:
    points = {"critical": {"slack": SLACK}, "warning": {"webhook": "https://hooks.example.com/x"}}
    settings = load(raw(contactPoints=points), SECRET)
    assert settings.contact_points is not None and settings.contact_points.complete


HEARTBEAT = {"heartbeat": "https://hc.example.com/geheim"}


SWITCH_SECRET = (*SECRET, "monitoring:deadMansSwitch")


def test_without_recipients_there_is_no_dead_mans_switch() -> None:
    assert load(raw(deadMansSwitch={})).dead_mans_switch is None


def test_a_dead_mans_switch_has_email_addresses_a_heartbeat_or_both() -> None:
    def switch(**given: Any) -> DeadMansSwitch:
        found = load(raw(contactPoints={"slack": SLACK}, deadMansSwitch=given), SWITCH_SECRET).dead_mans_switch
        assert found is not None
        return found

    assert switch(email=["ops@example.com"]).email == ("ops@example.com",)
    for more in ({}, {"email": ["ops@example.com"]}):
        heartbeat = switch(**HEARTBEAT, **more).heartbeat
        assert heartbeat is not None and heartbeat.get_secret_value() == HEARTBEAT["heartbeat"]


@pytest.mark.parametrize(
    ("switch", "key", "wrong"),
    [
        ({"email": []}, "deadMansSwitch.email", "is empty"),
        ({"email": ["ops"]}, "deadMansSwitch.email", "write it without a name"),
        ({"heartbeat": "http://hc.example.com/geheim"}, "deadMansSwitch.heartbeat", "is not encrypted"),
        ({**HEARTBEAT, "heartbeatEvery": "10s"}, "deadMansSwitch.heartbeatEvery", "is not a duration"),
        ({**HEARTBEAT, "heartbeatEvery": "2d"}, "deadMansSwitch.heartbeatEvery", "is not a duration"),
        ({**HEARTBEAT, "heartbeatEvery": "25h"}, "deadMansSwitch.heartbeatEvery", "write 1m to 24h"),
        ({"heartbeatEvery": "10m"}, "deadMansSwitch", "would notify nobody"),
        ({"email": ["o@example.com"], "heartbeatEvery": "10m"}, "deadMansSwitch", "without heartbeat"),
        ({"slack": "x"}, "deadMansSwitch.slack", "the known keys are"),
    ],
)
def test_a_wrong_dead_mans_switch_is_reported(switch: dict[str, Any], key: str, wrong: str) -> None:
    (reported,) = mistakes(raw(contactPoints={"slack": SLACK}, deadMansSwitch=switch), SWITCH_SECRET)
    assert reported.startswith((f"monitoring:{key}:", f"monitoring:{key} = ")) and wrong in reported
    assert "geheim" not in reported


def test_a_heartbeat_without_contact_points_is_refused() -> None:
    (reported,) = mistakes(raw(deadMansSwitch=HEARTBEAT), ("monitoring:deadMansSwitch",))
    assert reported.startswith("monitoring:contactPoints: is missing, so deadMansSwitch.heartbeat would")
    assert "geheim" not in reported


def test_the_heartbeat_s_address_must_be_encrypted() -> None:
    (reported,) = mistakes(raw(contactPoints={"slack": SLACK}, deadMansSwitch=HEARTBEAT), SECRET)
    assert reported.startswith("monitoring:deadMansSwitch.heartbeat = (secret): is not encrypted")


@pytest.mark.parametrize(
    ("address", "wrong"),
    [
        ("docs/runbooks.md", "is not a URL"),
        ("http://git.example.com/r.md", "is not encrypted"),
        ("https://git.example.com/r.md#x", "is not a URL"),
    ],
)
def test_a_wrong_address_of_runbooks_is_reported(address: str, wrong: str) -> None:
    (reported,) = mistakes(raw(runbooks=address))
    assert reported.startswith("monitoring:runbooks = ") and wrong in reported


def test_the_address_of_runbooks_is_a_full_url() -> None:
    assert load(raw(runbooks="https://git.example.com/r.md")).runbooks == "https://git.example.com/r.md"
