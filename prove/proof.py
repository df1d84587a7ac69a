"""The steps of a proof: a stack's whole life, with checks in between."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import yaml

from prove.account import Account
from prove.command_line import FailedError, Pulumi
from prove.grafana import Grafana, eventually
from prove.report import Report

SERVER = "**aws:ec2/instance:Instance**"
NO_CHANGES = ("--yes", "--skip-preview", "--expect-no-changes")


class Proof:
    """One proof. config: the settings the stack begins with."""

    def __init__(self, pulumi: Pulumi, config: dict[str, Any], report: Report) -> None:
        self._pulumi, self._config, self._report = pulumi, config, report
        project = yaml.safe_load((pulumi.project / "Pulumi.yaml").read_text(encoding="utf-8"))["name"]
        self._account = Account(str(config["aws:region"]), project, pulumi.stack)
        self._outputs: dict[str, Any] = {}
        self._former = ""

    def run(self) -> None:
        """Run all steps. The stack is removed at the end, whatever happened; only a second Ctrl-C leaves it."""
        try:
            self._prove()
        except KeyboardInterrupt:
            self._report.step("interrupted", self._interrupted)
        finally:
            self._tear_down()

    def _prove(self) -> None:
        """Each change requires that the previous one succeeded; a failed check never ends the proof."""
        step = self._report.step
        if not (step("create a separate stack", self._init) and step("pulumi up", self._up)):
            return
        self._look()
        step("pulumi up again changes nothing", self._running("up", *NO_CHANGES))
        step("pulumi refresh finds no drift", self._running("refresh", *NO_CHANGES))
        if step("replace the server, keep the data volume", self._replace):
            self._look()
        # With `cloudwatchAuth: role` there is no access key.
        if self._outputs["cloudwatchAccessKeyId"] and step("a new access key", self._rotate):
            step("the old access key is gone", lambda: eventually(self._only_new_key))
            step("CloudWatch with the new access key", lambda: eventually(self._grafana.health_of("cloudwatch")))
        step("pulumi up changes nothing at the end", self._running("up", *NO_CHANGES))

    def _look(self) -> None:
        step, grafana = self._report.step, self._grafana
        step("Grafana", lambda: f"version {grafana.ask('/api/health')['version']} at {grafana.url}")
        for uid in ("influxdb", "cloudwatch"):
            step(f"the data source {uid}", partial(eventually, grafana.health_of(uid)))
        step("measurements arrive", lambda: eventually(self._measured))
        step("the dashboards", self._dashboards)
        step("the alert rules", lambda: eventually(grafana.rules))
        step("the server as AWS sees it", lambda: self._account.server(self._outputs))
        step("the server's console", lambda: self._account.console(self._outputs))

    @property
    def _grafana(self) -> Grafana:
        return Grafana.of(self._outputs)

    def _running(self, *arguments: str) -> Callable[[], str]:
        def run() -> str:
            return _summary(self._pulumi.run(*arguments))

        return run

    def _init(self) -> str:
        pulumi = self._pulumi
        (pulumi.project / f"Pulumi.{pulumi.stack}.yaml").write_text(yaml.safe_dump({"config": self._config}))
        pulumi.run("stack", "init", "--no-select")
        return pulumi.stack

    def _up(self) -> str:
        said = self._pulumi.run("up", "--yes", "--skip-preview")
        self._outputs = self._pulumi.outputs()
        return _summary(said)

    def _measured(self) -> str:
        now = int(time.time() * 1000)
        points = self._grafana.points(now - 60_000, now)
        if not points:
            raise FailedError("no server has sent anything in the last minute")
        return f"{points} points in the last minute"

    def _dashboards(self) -> str:
        urls = self._outputs["dashboardUrls"]
        panels = 0
        for url in urls.values():
            dashboard = self._grafana.ask(f"/api/dashboards/uid/{url.rsplit('/', 1)[1]}")["dashboard"]
            panels += len(dashboard.get("panels") or [])
        return f"{len(urls)} dashboards with {panels} panels"

    def _replace(self) -> str:
        before, until = self._outputs, int(time.time() * 1000)
        start = until - 24 * 3600 * 1000
        stored = self._grafana.points(start, until)
        self._pulumi.run("up", "--yes", "--skip-preview", "--replace", SERVER)
        self._outputs = self._pulumi.outputs()
        if self._outputs["instanceId"] == before["instanceId"]:
            raise FailedError(f"the server is still {before['instanceId']}")
        for name in ("grafanaUrl", "caCertificate"):
            if self._outputs[name] != before[name]:
                raise FailedError(f"{name} has changed: {self._outputs[name]}")
        left = self._grafana.points(start, until)
        # Measurements in flight while the old server stopped can be stored after the first count.
        if left < stored:
            raise FailedError(f"only {left} of {stored} measurements are left")
        return f"{before['instanceId']} → {self._outputs['instanceId']}, {left} earlier measurements are kept"

    def _rotate(self) -> str:
        generation = int(self._config.get("monitoring:accessKeyGeneration", 1)) + 1
        self._former = str(self._outputs["cloudwatchAccessKeyId"])
        self._pulumi.run("config", "set", "accessKeyGeneration", str(generation))
        return self._up()

    def _only_new_key(self) -> str:
        return self._account.only_key(str(self._outputs["cloudwatchAccessKeyId"]), self._former)

    def _tear_down(self) -> None:
        step, pulumi = self._report.step, self._pulumi
        if not any(each.name == "create a separate stack" and each.well for each in self._report.findings):
            (pulumi.project / f"Pulumi.{pulumi.stack}.yaml").unlink(missing_ok=True)
            return
        if step("pulumi destroy", self._running("destroy", "--yes", "--skip-preview")):
            step("nothing of the stack is left in the account", lambda: eventually(self._account.nothing_left, 120))
            step("remove the stack", self._running("stack", "rm", "--yes"))
        else:
            print(f"The stack {pulumi.stack} still exists and may cost money: `pulumi destroy --stack {pulumi.stack}`.")

    @staticmethod
    def _interrupted() -> str:
        raise FailedError("by Ctrl-C or a signal, before everything was proven")


def _summary(said: str) -> str:
    """The counts of Pulumi's summary, in one line."""
    words = ("created", "updated", "replaced", "deleted", "unchanged", "changes")
    lines = [line.strip() for line in said.splitlines()]
    counts = [line.lstrip("+-~ ") for line in lines if line.endswith(words) and line.lstrip("+-~ ")[:1].isdigit()]
    return ", ".join(dict.fromkeys(counts)) or next((line for line in reversed(lines) if line), "")
