"""The Grafana double without its threads: tests say when rules are evaluated, on a real InfluxDB."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

import alerts
from sandbox.grafana.double import application
from sandbox.grafana.double.alerting.evaluation import Result, evaluate
from sandbox.grafana.double.alerting.scheduler import Scheduler
from sandbox.grafana.double.alerting.states import Alert, RuleState
from tests.sandbox.grafana import support
from tests.sandbox.grafana.test_influxdb import datasource

SERVER = "monitoring-test"
FACTS = alerts.Facts(region="eu-central-1", server=SERVER)
LOGIN = ("admin", support.PASSWORD)


def body(rule: alerts.Rule, group: str = "Tested") -> dict[str, Any]:
    """The rule as the provider sends it."""
    return {
        "uid": rule.uid,
        "title": rule.title,
        "folderUID": "monitoring",
        "ruleGroup": group,
        "condition": rule.condition,
        "for": rule.pending,
        "noDataState": rule.no_data,
        "execErrState": rule.on_error,
        "labels": rule.all_labels,
        "annotations": rule.annotations,
        "data": [
            {
                "refId": step.ref_id,
                "datasourceUid": step.datasource_uid,
                "model": json.loads(step.model_json),
                "relativeTimeRange": {"from": step.span, "to": 0},
            }
            for step in rule.steps
        ],
    }


def rule_of(uid: str, facts: alerts.Facts = FACTS) -> alerts.Rule:
    (found,) = [rule for group in alerts.build(facts) for rule in group.rules if rule.uid == uid]
    return found


@dataclass
class Double:
    """The application, called without a network."""

    app: Flask

    @property
    def scheduler(self) -> Scheduler:
        found: Scheduler = self.app.extensions["alerting"]
        return found

    def call(self, method: str, path: str, content: Any = None, expect: int | None = None) -> Any:
        answer = self.app.test_client().open(path, method=method, json=content, auth=LOGIN)
        assert expect in (None, answer.status_code), answer.get_data(as_text=True)
        return answer.get_json(silent=True)

    def add(self, rule: dict[str, Any]) -> None:
        self.call("POST", "/api/v1/provisioning/alert-rules", rule, 201)

    def judged(self, rule: alerts.Rule, now: datetime | None = None) -> list[Result]:
        """One evaluation, without states."""
        document = {"noDataState": rule.no_data, "execErrState": rule.on_error, **body(rule)}
        with self.app.app_context():
            return evaluate(self.app.extensions["grafana"], document, now or datetime.now(UTC))

    def at(self, now: datetime) -> list[Alert]:
        """All alerts after an evaluation at a moment."""
        self.scheduler.evaluate(now)
        return [alert for _, alert in self.scheduler.alerts()]

    def state(self, uid: str) -> RuleState:
        return self.scheduler.states[uid]


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> support.Authority:
    return support.Authority(tmp_path_factory.mktemp("authority"), "monitoring")


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory, authority: support.Authority) -> Iterator[support.Influx]:
    with support.influxdb(tmp_path_factory.mktemp("influxdb"), authority) as instance:
        yield instance


@pytest.fixture
def influx(database: support.Influx) -> support.Influx:
    """The InfluxDB, empty."""
    for statement in ("DROP DATABASE telegraf", "CREATE DATABASE telegraf", "GRANT READ ON telegraf TO grafana"):
        database.run(statement, database.admin)
    return database


@pytest.fixture
def bare(tmp_path: Path) -> Double:
    """The double with the folder only."""
    double = Double(application.create(support.settings(tmp_path, security__secret_key="key")))
    double.call("POST", "/api/folders", {"uid": "monitoring", "title": "Monitoring"}, 200)
    return double


@pytest.fixture
def double(bare: Double, influx: support.Influx) -> Double:
    """The double with the InfluxDB datasource."""
    bare.call("POST", "/api/datasources", datasource(influx), 200)
    return bare


def points(text: str, *, ago: float = 5) -> str:
    """Line protocol, one point a line, each at `ago` seconds before now unless it ends with `@SECONDS`."""
    now = time.time()
    lines = []
    for line in filter(None, (line.strip() for line in text.splitlines())):
        content, _, own = line.partition(" @")
        lines.append(f"{content} {int((now - float(own or ago)) * 1e9)}")
    return "\n".join(lines)
