"""Grafana is stopped, hangs or is wiped during `up` and `refresh`: errors are clear, nothing is dropped from the state,
and everything is back afterwards."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.live.environment import Environment
from tests.live.services import grafana_answers
from tests.live.stacks import diagnosed_errors, refresh_or_fail, tail, up_or_fail
from tests.support.waiting import eventually

pytestmark = [pytest.mark.live, pytest.mark.long_fault]

CHANGED = {"alertThresholds": {"cpu": 83}}
"""A setting that reaches Grafana's content and nothing else."""


@contextmanager
def dead(environment: Environment) -> Iterator[None]:
    """Grafana is not running, and nothing starts it."""
    assert environment.guest("systemctl", "mask", "--runtime", "--now", "grafana-server").returncode == 0
    try:
        yield
    finally:
        environment.guest("systemctl", "unmask", "--runtime", "grafana-server")
        assert environment.guest("systemctl", "start", "grafana-server").returncode == 0
        assert eventually(lambda: grafana_answers(environment), 60)


@contextmanager
def hanging(environment: Environment) -> Iterator[None]:
    """Grafana accepts connections and does not answer."""
    kill = ("systemctl", "kill", "grafana-server", "--signal")
    assert environment.guest(*kill, "STOP").returncode == 0
    try:
        yield
    finally:
        assert environment.guest(*kill, "CONT").returncode == 0
        assert eventually(lambda: grafana_answers(environment), 60)


FAULTS = {"dead": (dead, "connection refused"), "hanging": (hanging, "does not answer in time")}


def state(environment: Environment) -> set[str]:
    return {each["urn"] for each in environment.resources()}


def content(environment: Environment) -> dict[str, Any]:
    """What Grafana has of what Pulumi creates."""
    ask = environment.grafana.get
    rules = ask("/api/v1/provisioning/alert-rules").json()
    return {
        "dashboards": {each["uid"] for each in ask("/api/search?type=dash-db").json()},
        "folders": {each["uid"] for each in ask("/api/folders").json()},
        "datasources": {each["uid"] for each in ask("/api/datasources").json()},
        "rules": {each["uid"]: each["title"] for each in rules},
        "points": {each["name"] for each in ask("/api/v1/provisioning/contact-points").json()},
        "policy": ask("/api/v1/provisioning/policies").json(),
    }


@pytest.mark.parametrize("name", FAULTS)
def test_without_grafana_up_and_refresh_fail_clearly_and_lose_nothing(environment: Environment, name: str) -> None:
    fault, words = FAULTS[name]
    before = state(environment)
    with environment.settings(**CHANGED):
        with fault(environment):
            for command in ("up", "refresh"):
                began = time.monotonic()
                failed = environment.pulumi(command, "--yes", "--skip-preview")
                took = time.monotonic() - began
                assert failed.returncode != 0, tail(failed)
                found = diagnosed_errors(failed.stdout)
                print(f"{command} with Grafana {name}: {took:.0f} s, {len(found)} errors, the first: {found[:1]}")
                assert found, tail(failed)
                reached = f"cannot reach Grafana at https://{environment.outputs['grafanaUrl'].split('//')[1]}"
                assert all(reached in line and words in line for line in found), found
                assert took < 300
                assert "Traceback" not in failed.stdout
                assert state(environment) >= before, "dropped from the state"
        up_or_fail(environment)
        rules = environment.grafana.get("/api/v1/provisioning/alert-rules").json()
        assert '"params": [83' in json.dumps(rules)
    up_or_fail(environment)
    assert state(environment) == before
    assert environment.preview() == {}


def test_refresh_and_up_restore_a_wiped_grafana(environment: Environment) -> None:
    before, content_before = state(environment), content(environment)
    assert content_before["dashboards"], content_before
    assert content_before["rules"], content_before
    wipe = "systemctl stop grafana-server && rm /var/lib/grafana/grafana.db* && systemctl start grafana-server"
    wiped = environment.guest("sh", "-c", wipe)
    assert wiped.returncode == 0, wiped.stderr
    # The administrator's password is set at the first start; Pulumi's user is back after the server's next check.
    assert eventually(lambda: grafana_answers(environment), 60)
    assert eventually(lambda: "pulumi-" in environment.grafana.get("/api/users").text, 120)
    assert environment.grafana.get("/api/org").status_code == 200
    assert content(environment)["dashboards"] == set()

    refresh_or_fail(environment)
    up_or_fail(environment)
    assert state(environment) == before
    assert content(environment) == content_before
    for uid in ("influxdb", "cloudwatch"):
        health = environment.grafana.get(f"/api/datasources/uid/{uid}/health")
        assert health.json()["status"] == "OK", health.text
    assert environment.preview() == {}
