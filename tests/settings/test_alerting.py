"""The settings about alerts: who is notified, and the thresholds."""

from __future__ import annotations

import calendar
from typing import Any

import pytest

from settings import load
from tests.support.configuration import mistakes, raw

SLACK = "https://hooks.slack.com/services/T0/B0/geheim"
KEPT = ("monitoring:contactPoints",)


def test_nobody_is_notified_by_default() -> None:
    assert load(raw()).contact_points is None
    assert load(raw(contactPoints={})).contact_points is None


def test_every_contact_point() -> None:
    points = load(
        raw(
            contactPoints={
                "slack": SLACK,
                "pagerduty": "k" * 32,
                "webhook": "https://hooks.example.com/a?b=c",
                "webhookToken": "t",
            }
        ),
        KEPT,
    ).contact_points
    assert points is not None
    assert points.slack is not None and points.slack.get_secret_value() == SLACK
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
def test_an_impossible_contact_point(key: str, value: Any, wrong: str) -> None:
    (reported,) = mistakes(raw(contactPoints={"slack": SLACK, key: value}), KEPT)
    assert reported.startswith(f"monitoring:contactPoints.{key}") and wrong in reported
    assert "geheim" not in reported


@pytest.mark.parametrize("key", ["slack", "pagerduty", "webhook", "webhookToken"])
def test_secrets_must_be_encrypted(key: str) -> None:
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
def test_what_cannot_be(changes: dict[str, Any], key: str, wrong: str) -> None:
    (reported,) = mistakes(raw(**changes), KEPT)
    assert reported.startswith((f"monitoring:{key}:", f"monitoring:{key} = ")) and wrong in reported


@pytest.mark.parametrize(
    ("points", "key"),
    [
        ({"critical": {"slack": SLACK}}, "contactPoints"),
        ({"slack": SLACK, "warning": {}}, "contactPoints.warning"),
        ({"slack": SLACK, "critical": {"webhookToken": "t"}}, "contactPoints.critical"),
    ],
)
def test_a_severity_that_would_notify_nobody(points: dict[str, Any], key: str) -> None:
    (wrong,) = mistakes(raw(contactPoints=points), KEPT)
    assert wrong.startswith((f"monitoring:{key} ", f"monitoring:{key}:"))


def test_each_severity_may_have_ways_of_its_own_and_nothing_else() -> None:
    points = {"critical": {"slack": SLACK}, "warning": {"webhook": "https://hooks.example.com/x"}}
    settings = load(raw(contactPoints=points), KEPT)
    assert settings.contact_points is not None and settings.contact_points.complete


SMTP = {"host": "smtp.example.com", "user": "AKIA", "password": "p", "sender": "monitoring@example.com"}
KEPT_TOO = (*KEPT, "monitoring:smtp")


def test_email_through_a_mail_server() -> None:
    settings = load(raw(contactPoints={"email": ["ops@example.com"]}, smtp=SMTP), KEPT_TOO)
    assert settings.contact_points is not None and settings.smtp is not None
    assert settings.contact_points.email == ("ops@example.com",)
    assert settings.smtp.port == 587
    assert "password='p'" not in repr(settings.smtp)


@pytest.mark.parametrize(
    ("key", "value", "wrong"),
    [
        ("host", "smtp.example.com:587", "smtp.host"),
        ("host", "-x", "smtp.host"),
        ("port", 25, "is not a port for encrypted mail"),
        ("port", True, "is not a port for encrypted mail"),
        ("user", "a b", "is not a valid SMTP user name"),
        ("user", "a\n[security]", "is not a valid SMTP user name"),
        ("password", "it's", "single quote"),
        ("sender", "Monitoring", "is not an email address"),
        ("tls", "no", "the known keys are"),
    ],
)
def test_an_impossible_mail_server(key: str, value: Any, wrong: str) -> None:
    (reported,) = mistakes(raw(contactPoints={"email": ["ops@example.com"]}, smtp=SMTP | {key: value}), KEPT_TOO)
    assert wrong in reported


@pytest.mark.parametrize("port", [465, "587", 2465, 2587])
def test_every_port_of_a_provider_s_encrypted_mail_is_taken(port: int | str) -> None:
    """RFC 8314, and docs.aws.amazon.com/ses/latest/dg/smtp-connect.html."""
    settings = load(raw(contactPoints={"email": ["ops@example.com"]}, smtp=SMTP | {"port": port}), KEPT_TOO)
    assert settings.smtp is not None and settings.smtp.port == int(port)


def test_the_longest_address_is_taken_and_no_longer_one() -> None:
    """RFC 5321, 4.5.3.1.3: a path of 256 characters with its brackets."""
    longest = "o" * 64 + "@" + ".".join(["d" * 63, "e" * 63, "f" * 57, "com"])
    assert len(longest) == 254
    assert load(raw(contactPoints={"email": [longest]}, smtp=SMTP), KEPT_TOO).contact_points
    (reported,) = mistakes(raw(contactPoints={"email": [longest + "m"]}, smtp=SMTP), KEPT_TOO)
    assert "is not an email address" in reported


def test_email_and_its_server_need_each_other() -> None:
    (reported,) = mistakes(raw(contactPoints={"email": ["ops@example.com"]}), KEPT)
    assert "monitoring:smtp" in reported and "is missing" in reported
    (reported,) = mistakes(raw(contactPoints={"slack": SLACK}, smtp=SMTP), KEPT_TOO)
    assert "has no recipients" in reported


HEARTBEAT = {"heartbeat": "https://hc.example.com/geheim"}


@pytest.mark.parametrize(
    ("switch", "key", "wrong"),
    [
        ({}, "", ""),
        ({"email": ["ops@example.com"]}, "", ""),
        (HEARTBEAT, "", ""),
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
def test_a_dead_mans_switch(switch: dict[str, Any], key: str, wrong: str) -> None:
    given, kept = raw(contactPoints={"slack": SLACK}, deadMansSwitch=switch), (*KEPT, "monitoring:deadMansSwitch")
    if not key:
        assert load(given, kept)
        return
    (reported,) = mistakes(given, kept)
    assert reported.startswith((f"monitoring:{key}:", f"monitoring:{key} = ")) and wrong in reported
    assert "geheim" not in reported


def test_a_heartbeat_next_to_alerts_that_nobody_hears_of_is_refused() -> None:
    (reported,) = mistakes(raw(deadMansSwitch=HEARTBEAT), ("monitoring:deadMansSwitch",))
    assert reported.startswith("monitoring:contactPoints") and "geheim" not in reported


def test_the_heartbeat_s_address_is_a_secret() -> None:
    reported = mistakes(raw(contactPoints={"slack": SLACK}, deadMansSwitch=HEARTBEAT), KEPT)
    assert any("deadMansSwitch.heartbeat" in line and "is not encrypted" in line for line in reported)


@pytest.mark.parametrize(
    ("timings", "key", "wrong"),
    [
        ([{"name": "weekend", "weekdays": ["saturday", "sunday"], "location": "Europe/Berlin"}], "", ""),
        ([{"name": "night", "times": ["00:00-06:00", "22:00-24:00"], "severity": "both"}], "", ""),
        ([{"name": "a"}], "muteTimings[0]", "would mute alerts all the time"),
        ([{"name": "a", "weekdays": ["sunday:saturday"]}], "muteTimings[0]", "would mute alerts all the time"),
        (
            [{"name": "a", "weekdays": ["monday:saturday", "sunday"], "times": ["00:00-12:00", "11:00-24:00"]}],
            "muteTimings[0]",
            "would mute alerts all the time",
        ),
        ([{"name": "..", "times": ["00:00-06:00"]}], "muteTimings[0].name", "a letter or digit first"),
        (
            [{"name": "a", "times": ["00:00-06:00"], "location": "localtime"}],
            "muteTimings[0].location",
            "Europe/Berlin",
        ),
        ([{"times": ["00:00-06:00"]}], "muteTimings[0].name", "is missing"),
        ([{"name": "a", "times": ["22:00-06:00"]}], "muteTimings[0].times", "22:00-24:00 and 00:00-06:00"),
        ([{"name": "a", "times": ["8-17"]}], "muteTimings[0].times", "is not a span of the day"),
        ([{"name": "a", "weekdays": ["Monday"]}], "muteTimings[0].weekdays", "in small letters"),
        ([{"name": "a", "weekdays": ["monday:"]}], "muteTimings[0].weekdays", "is not a weekday"),
        ([{"name": "a", "weekdays": ["monday:fri"]}], "muteTimings[0].weekdays", "is not a weekday"),
        ([{"name": "a", "weekdays": ["saturday:sunday"]}], "muteTimings[0].weekdays", "begins on sunday"),
        ([{"name": "a", "times": ["00:00-06:00"], "location": "Berlin"}], "muteTimings[0].location", "Europe/Berlin"),
        ([{"name": "a", "times": ["00:00-06:00"], "severity": "all"}], "muteTimings[0].severity", "critical or both"),
        ([{"name": "a", "times": ["00:00-06:00"]}] * 2, "muteTimings[1].name", "is the name of another one"),
        ({"name": "a"}, "muteTimings", "is not a list"),
    ],
)
def test_mute_timings(timings: Any, key: str, wrong: str) -> None:
    given = raw(contactPoints={"slack": SLACK}, muteTimings=timings)
    if not key:
        assert load(given, KEPT).mute_timings
        return
    (reported,) = mistakes(given, KEPT)
    assert reported.startswith((f"monitoring:{key}:", f"monitoring:{key} = ")) and wrong in reported


@pytest.mark.parametrize("days", [*map(str.lower, calendar.day_name), "monday:friday", "sunday:friday"])
def test_every_day_of_the_week_can_be_muted(days: str) -> None:
    (timing,) = load(
        raw(contactPoints={"slack": SLACK}, muteTimings=[{"name": "a", "weekdays": [days]}]), KEPT
    ).mute_timings
    assert timing.weekdays == (days,)


def test_mute_timings_without_anybody_to_notify_are_refused() -> None:
    (reported,) = mistakes(raw(muteTimings=[{"name": "a", "times": ["00:00-06:00"]}]))
    assert reported.startswith("monitoring:muteTimings") and "mutes nothing" in reported


@pytest.mark.parametrize("wrong", ["docs/runbooks.md", "http://git.example.com/r.md", "https://git.example.com/r.md#x"])
def test_a_link_that_no_mail_could_follow_is_refused(wrong: str) -> None:
    (reported,) = mistakes(raw(runbooks=wrong))
    assert reported.startswith("monitoring:runbooks")
    assert load(raw(runbooks="https://git.example.com/r.md")).runbooks == "https://git.example.com/r.md"
