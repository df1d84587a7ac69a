"""Who is notified of what, and when: a webhook that receives messages, and integrations that fail."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from tests.alerts.conftest import FACTS, Double, body, points, rule_of
from tests.sandbox.grafana.support import Influx
from tests.support.serving import serving

API = "/api/v1/provisioning"


class Receiver(HTTPServer):
    """A listener on loopback that keeps every message. status: what it answers."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.received: list[dict[str, Any]] = []
        self.authorizations: list[str | None] = []
        self.status = 200

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        self.server.received.append(json.loads(self.rfile.read(length)))
        self.server.authorizations.append(self.headers["Authorization"])
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep requests out of the test's output."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with serving(Receiver()) as server:
        yield server


@pytest.fixture
def watching(double: Double, receiver: Receiver, influx: Influx) -> Double:
    """Two full file systems of one host and one of another; a webhook, with the program's grouping."""
    webhook = {"url": receiver.url, "authorization_scheme": "Bearer", "authorization_credentials": "s3cret"}
    contact(double, "webhook", webhook)
    policy = {"receiver": "Monitoring", "group_by": ["alertname", "host"], "group_wait": "30s"}
    double.call("PUT", f"{API}/policies", policy, 202)
    double.add({**body(rule_of("host-disk")), "for": "0s"})
    influx.write(full("web-1", "/", 96) + "\n" + full("web-1", "/var", 97) + "\n" + full("db-1", "/", 98))
    return double


def contact(double: Double, kind: str, settings: dict[str, Any]) -> None:
    double.call("POST", f"{API}/contact-points", {"name": "Monitoring", "type": kind, "settings": settings}, 202)


def full(host: str, path: str, percent: float, at: float = 5) -> str:
    return points(f"disk,host={host},path={path},fstype=ext4,mode=rw used_percent={percent} @{at}")


def step(double: Double, now: datetime) -> None:
    double.scheduler.evaluate(now)
    double.scheduler.notify(now)


def attempts(double: Double) -> dict[str, str]:
    """The outcome of each integration of the contact point."""
    listed = double.call("GET", "/api/alertmanager/grafana/config/api/v1/receivers")
    (found,) = [point for point in listed if point["name"] == "Monitoring"]
    return {item["name"]: item.get("lastNotifyAttemptError", "") for item in found["integrations"]}


def test_the_webhook_receives_one_message_per_host(watching: Double, receiver: Receiver) -> None:
    now = datetime.now(UTC)
    step(watching, now)
    assert not receiver.received  # the group's wait
    step(watching, now + timedelta(seconds=31))
    step(watching, now + timedelta(seconds=62))
    by_host = {message["groupLabels"]["host"]: message for message in receiver.received}
    assert len(receiver.received) == 2
    assert {host: len(message["alerts"]) for host, message in by_host.items()} == {"web-1": 2, "db-1": 1}
    web = by_host["web-1"]
    assert (web["status"], web["receiver"], web["version"]) == ("firing", "Monitoring", "1")
    assert web["title"].startswith("[FIRING:2] Disk nearly full web-1")
    reported = {alert["labels"]["path"]: alert for alert in web["alerts"]}
    assert reported["/var"]["annotations"]["summary"] == "/var of web-1 is 97 % full"
    assert (reported["/var"]["values"]["B"], reported["/var"]["values"]["F"]) == (97, 1)
    assert "/d/linux-hosts?orgId=1&viewPanel=" in reported["/var"]["panelURL"]
    assert "web-1" in web["message"]
    assert set(receiver.authorizations) == {"Bearer s3cret"}
    assert attempts(watching) == {"webhook": ""}


def test_the_webhook_receives_the_end_of_an_alert(watching: Double, receiver: Receiver, influx: Influx) -> None:
    now = datetime.now(UTC)
    step(watching, now)
    step(watching, now + timedelta(seconds=31))
    influx.write("\n".join(full(h, p, 20, -60) for h, p in (("web-1", "/"), ("web-1", "/var"), ("db-1", "/"))))
    step(watching, now + timedelta(seconds=92))
    assert len(receiver.received) == 2  # the group's interval
    step(watching, now + timedelta(seconds=335))
    step(watching, now + timedelta(seconds=900))
    ended = receiver.received[2:]
    assert [message["status"] for message in ended] == ["resolved", "resolved"]
    assert all(alert["endsAt"] > alert["startsAt"] for message in ended for alert in message["alerts"])


def test_a_message_is_repeated_only_after_the_repeat_interval(
    watching: Double, receiver: Receiver, influx: Influx
) -> None:
    now = datetime.now(UTC)
    for seconds in (0, 31, 200):
        step(watching, now + timedelta(seconds=seconds))
    assert len(receiver.received) == 2
    four_hours = 4 * 3600 + 360  # at the group's next interval
    # Without these points the alerts would end in the meantime.
    for alert_time in range(250, four_hours, 250):
        influx.write(full("web-1", "/", 96, -alert_time))
        influx.write(full("db-1", "/", 98, -alert_time))
        step(watching, now + timedelta(seconds=alert_time + 5))
    step(watching, now + timedelta(seconds=four_hours))
    hosts = [message["groupLabels"]["host"] for message in receiver.received]
    assert hosts.count("db-1") == 2


def test_the_heartbeat_is_sent_at_its_own_interval_and_to_no_one_else(bare: Double, receiver: Receiver) -> None:
    facts = replace(FACTS, heartbeat=True)
    webhook = {"name": "Heartbeat", "type": "webhook", "settings": {"url": receiver.url}}
    bare.call("POST", f"{API}/contact-points", webhook, 202)
    below = {"receiver": "Heartbeat", "object_matchers": [["heartbeat", "=", "true"]], "group_by": ["alertname"]}
    pace = {"group_wait": "1s", "group_interval": "5m", "repeat_interval": "270s"}
    bare.call("PUT", f"{API}/policies", {"receiver": "grafana-default-email", "routes": [{**below, **pace}]}, 202)
    bare.add(body(rule_of("watchdog", facts)))
    now = datetime.now(UTC)
    for seconds in range(0, 1900, 20):
        step(bare, now + timedelta(seconds=seconds))
    assert [message["commonLabels"]["alertname"] for message in receiver.received] == ["Watchdog"] * 7
    assert {message["commonLabels"]["severity"] for message in receiver.received} == {"none"}


def test_an_alert_that_still_fires_when_its_mute_timing_ends_is_sent_then(watching: Double, receiver: Receiver) -> None:
    """Child policies do not inherit mute timings: this one names it itself."""
    now = datetime.now(UTC)
    begin, end = now - timedelta(hours=1), now + timedelta(minutes=3)
    if begin.day != end.day:
        pytest.skip("a mute timing cannot span midnight")
    span = {"start_time": f"{begin:%H:%M}", "end_time": f"{end:%H:%M}"}
    interval = {"times": [span], "weekdays": [f"{now:%A}".lower()], "location": "UTC"}
    watching.call("POST", f"{API}/mute-timings", {"name": "now", "time_intervals": [interval]}, 201)
    muted = {"object_matchers": [["host", "=", "web-1"]], "mute_time_intervals": ["now"]}
    tree = {"receiver": "Monitoring", "group_by": ["host"], "group_wait": "30s", "routes": [muted]}
    watching.call("PUT", f"{API}/policies", tree, 202)
    for seconds in (0, 31, 62):
        step(watching, now + timedelta(seconds=seconds))
    assert [message["groupLabels"]["host"] for message in receiver.received] == ["db-1"]
    step(watching, now + timedelta(seconds=200))
    assert [message["groupLabels"]["host"] for message in receiver.received] == ["db-1", "web-1"]


@pytest.mark.parametrize(
    "interval",
    [
        {"weekdays": ["saturday:sunday"]},
        {"weekdays": ["Someday"]},
        {"location": "Berlin"},
        {"times": [{"start_time": "22:00", "end_time": "06:00"}]},
    ],
)
def test_mute_timings_that_grafana_refuses_are_refused(bare: Double, interval: dict[str, Any]) -> None:
    bare.call("POST", f"{API}/mute-timings", {"name": "wrong", "time_intervals": [interval]}, 400)


def test_the_reason_of_each_failed_delivery_is_kept(watching: Double, receiver: Receiver) -> None:
    receiver.status = 503
    contact(watching, "email", {"addresses": "oncall@example.org"})
    contact(watching, "slack", {"url": receiver.url})
    contact(watching, "pagerduty", {"integrationKey": "k" * 32})
    now = datetime.now(UTC)
    step(watching, now)
    step(watching, now + timedelta(seconds=31))
    found = attempts(watching)
    assert "503" in found["webhook"] and "503" in found["slack"]
    assert "SMTP not configured" in found["email"]
    assert "PagerDuty" in found["pagerduty"]
    slack = [message for message in receiver.received if "attachments" in message]
    assert any("web-1" in message["text"] for message in slack)


def test_a_child_policy_takes_the_alerts_that_it_matches(watching: Double, receiver: Receiver) -> None:
    webhook = {"name": "Databases", "type": "webhook", "settings": {"url": receiver.url}}
    watching.call("POST", f"{API}/contact-points", webhook, 202)
    below = {"receiver": "Databases", "object_matchers": [["host", "=~", "db-.*"]]}
    tree = {"receiver": "Monitoring", "group_by": ["..."], "group_wait": "0s", "routes": [below]}
    watching.call("PUT", f"{API}/policies", tree, 202)
    step(watching, datetime.now(UTC))
    by_receiver = {message["receiver"]: message["commonLabels"]["host"] for message in receiver.received}
    assert by_receiver == {"Monitoring": "web-1", "Databases": "db-1"}
    assert len(receiver.received) == 3  # every label makes a group of its own


def test_the_listings_show_the_firing_alerts(watching: Double) -> None:
    watching.scheduler.evaluate(datetime.now(UTC))
    [group] = watching.call("GET", "/api/prometheus/grafana/api/v1/rules")["data"]["groups"]
    [rule] = group["rules"]
    assert (group["file"], rule["state"], rule["health"]) == ("Monitoring", "firing", "ok")
    assert rule["totals"] == {"alerting": 3}
    assert {alert["labels"]["host"] for alert in rule["alerts"]} == {"web-1", "db-1"}
    listed = watching.call("GET", "/api/alertmanager/grafana/api/v2/alerts")
    assert sorted(alert["labels"]["path"] for alert in listed) == ["/", "/", "/var"]
