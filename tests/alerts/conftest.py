"""The Grafana double without its threads, on a real InfluxDB: tests decide when rules are evaluated."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

import alerts
from alerts.model import EXPRESSION
from sandbox.grafana.double import application
from sandbox.grafana.double.alerting.evaluation import Result, evaluate
from sandbox.grafana.double.alerting.scheduler import Scheduler
from sandbox.grafana.double.alerting.states import Alert, RuleState
from tests.sandbox.grafana import support
from tests.sandbox.grafana.test_influxdb import datasource

SERVER = "monitoring-test"
FACTS = alerts.Facts(region="eu-central-1", server=SERVER, public_certificate=True)
OPTIONS: Any = {each.name: True for each in fields(FACTS) if isinstance(getattr(FACTS, each.name), bool)}
ALL = replace(FACTS, **OPTIONS)
"""The facts of a stack that has every rule."""
LOGIN = ("admin", support.PASSWORD)


def body(rule: alerts.Rule, group: str = "Tested", interval: int = 60) -> dict[str, Any]:
    """A rule as the provider sends it to Grafana. interval: its group's, in seconds."""
    return {
        "uid": rule.uid,
        "title": rule.title,
        "folderUID": "monitoring",
        "ruleGroup": group,
        "condition": rule.condition,
        "for": rule.pending,
        "keep_firing_for": rule.keep_firing,
        "missing_series_evals_to_resolve": rule.missing_evaluations(interval),
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
    """The rule with this uid."""
    (found,) = [rule for group in alerts.build(facts) for rule in group.rules if rule.uid == uid]
    return found


def asking(*sources: str) -> list[alerts.Rule]:
    """Every rule whose datasources are exactly these."""
    rules = [rule for group in alerts.build(ALL) for rule in group.rules]
    return [rule for rule in rules if {step.datasource_uid for step in rule.steps} - {EXPRESSION} == {*sources}]


def interval_of(uid: str, facts: alerts.Facts = FACTS) -> int:
    """The seconds between two evaluations of a rule."""
    (found,) = [group.interval for group in alerts.build(facts) for rule in group.rules if rule.uid == uid]
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

    def judged(
        self, rule: alerts.Rule, now: datetime | None = None, loaded: Sequence[Mapping[str, str]] = ()
    ) -> list[Result]:
        """The results of one evaluation, without states. loaded: the labels of the active alerts."""
        document = {"noDataState": rule.no_data, "execErrState": rule.on_error, **body(rule)}
        with self.app.app_context():
            return evaluate(self.app.extensions["grafana"], document, now or datetime.now(UTC), loaded)

    def at(self, now: datetime) -> list[Alert]:
        """All alerts after an evaluation at this moment."""
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
    emptied(database)
    return database


def emptied(database: support.Influx) -> None:
    """Empty the database."""
    for statement in ("DROP DATABASE telegraf", "CREATE DATABASE telegraf", "GRANT READ ON telegraf TO grafana"):
        database.run(statement, database.admin)


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
    """Line protocol with a point per line, each `ago` seconds before now unless its line ends with `@SECONDS`."""
    now = time.time()
    lines = []
    for line in filter(None, (line.strip() for line in text.splitlines())):
        content, _, own = line.partition(" @")
        lines.append(f"{content} {int((now - float(own or ago)) * 1e9)}")
    return "\n".join(lines)


@dataclass
class Story:
    """A rule in simulated time. Queries use InfluxDB's clock, so what was measured before a moment is written as if
    that moment were now."""

    double: Double
    influx: support.Influx
    state: RuleState
    rule: alerts.Rule
    written: list[tuple[float, str]] = field(default_factory=list)

    def measured(self, line: str, *, since: float, until: float, every: float = 10, ahead: float = 0) -> None:
        """A line of the protocol, written repeatedly between two moments, in minutes. A `{}` in it becomes the minutes
        since the first. ahead: the minutes by which the host's clock is fast."""
        steps = int((until - since) / every) + 1
        self.written += [(since + n * every, f"{line.format(n * every)} @{ahead}") for n in range(steps)]

    def at(self, minute: float) -> dict[str, str]:
        """The states of the alerts after an evaluation, by host (and path)."""
        emptied(self.influx)
        lines = []
        for at, entry in self.written:
            line, _, ahead = entry.partition(" @")
            if at <= minute:
                lines.append(f"{line} @{(minute - at - float(ahead or 0)) * 60 + 1}")
        self.influx.write(points("\n".join(lines)))
        results = self.double.judged(self.rule, loaded=self.state.loaded)
        assert not [result.error for result in results if result.error]
        self.state.update(results, BEGIN + timedelta(minutes=minute))
        return {
            alert.labels.get("host", "") + alert.labels.get("path", ""): alert.state
            for alert in self.state.alerts.values()
        }


BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def story(double: Double, influx: support.Influx) -> Callable[[str], Story]:
    """Begins a story about a rule."""

    def begin(uid: str) -> Story:
        rule, interval = rule_of(uid, ALL), interval_of(uid, ALL)
        return Story(double, influx, RuleState(body(rule, interval=interval), "Monitoring", interval), rule)

    return begin
