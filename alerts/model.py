"""Rules and groups as values, and what every rule contains.

The SDK's rule builder does not know the state KeepLast, so rules are our own dataclasses; their expressions are the
SDK's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from dashboards.registry import LINUX_HOST, panel_id

NoData = Literal["OK", "Alerting", "NoData", "KeepLast"]
OnError = Literal["OK", "Alerting", "Error", "KeepLast"]
Severity = Literal["warning", "critical", "none"]

NEVER = 30 * 86400
"""Seconds for `Rule.missing`: an alert that only resolves when its values recover, not when they stop arriving."""

EXPRESSION = "__expr__"
"""The datasource uid of Grafana's own expressions."""


@dataclass(frozen=True)
class Query:
    """One step of a rule: a query, or an expression on earlier steps.

    model: as Grafana's editor would write it. span: how many seconds back it looks.
    """

    ref_id: str
    datasource_uid: str
    model: Mapping[str, Any]
    span: int

    @property
    def model_json(self) -> str:
        """The model as the provider expects it: JSON, identical for identical input."""
        return json.dumps({**self.model, "refId": self.ref_id}, sort_keys=True)


@dataclass(frozen=True)
class Panel:
    """The panel that shows what a rule watches; an alert links to it."""

    dashboard: Literal["linux-hosts", "aws-ec2", "monitoring-server"]
    title: str

    @property
    def id(self) -> int:
        """The panel's number within its dashboard. KeyError when no panel has the title."""
        return panel_id(self.dashboard, self.title)


@dataclass(frozen=True)
class Rule:
    """One alert rule, with an alert for every set of labels that its condition returns.

    uid: never changes, because silences and links contain it. pending: how long the condition must hold. no_data: the
    state when no series is returned. on_error: the state when a query fails; each module explains both. summary: names
    the host. look_at: what to do first. labels: added to those of the data. keep_firing: how long it keeps firing
    afterwards, for conditions that come and go. missing: seconds after which an alert resolves if its labels are no
    longer returned; at least two evaluations.
    """

    uid: str
    title: str
    steps: tuple[Query, ...]
    pending: str
    no_data: NoData
    on_error: OnError
    severity: Severity
    summary: str
    look_at: str
    panel: Panel
    labels: Mapping[str, str] = field(default_factory=dict)
    keep_firing: str = "0s"
    missing: int = 3600

    def annotations_with(self, runbooks: str) -> dict[str, str]:
        """The annotations, with a link to the rule's section if the address of the runbooks is known."""
        return {**self.annotations, **({"runbook_url": f"{runbooks}#{self.uid}"} if runbooks else {})}

    def missing_evaluations(self, interval: int) -> int:
        """`missing` as a number of evaluations, one every `interval` seconds."""
        return max(2, -(-self.missing // interval))

    @property
    def condition(self) -> str:
        """The step that decides: the last one."""
        return self.steps[-1].ref_id

    @property
    def annotations(self) -> dict[str, str]:
        """What a notification says. The two names in underscores are Grafana's link to a panel, which does not choose a
        host. `externalURL` ends with a slash (setting.go, parseAppUrlAndSubUrl)."""
        return {
            "summary": self.summary,
            "description": self.look_at,
            "__dashboardUid__": self.panel.dashboard,
            "__panelId__": str(self.panel.id),
            "host_page": f"{{{{ externalURL }}}}{LINUX_HOST.path.removeprefix('/')}?var-{self._host}",
        }

    @property
    def _host(self) -> str:
        """The variable that chooses the host on its page. In annotations Grafana knows the query's labels, but not the
        rule's own (ngalert/state/cache.go)."""
        if self.panel.dashboard == "aws-ec2":
            return "instance_id={{ urlquery $labels.InstanceId }}"
        return f"host={self.labels.get('host', '{{ urlquery $labels.host }}')}"

    @property
    def all_labels(self) -> dict[str, str]:
        """The rule's own labels, which policies can match."""
        return {"severity": self.severity, **self.labels}


def host_rule(*, panel: str, **rest: Any) -> Rule:
    """A rule about any of the hosts, with the states that hosts.py explains. panel: of "Linux hosts"."""
    return Rule(panel=Panel("linux-hosts", panel), on_error="KeepLast", **{"no_data": "OK", **rest})


@dataclass(frozen=True)
class Group:
    """Rules that are evaluated together. interval: seconds between two evaluations."""

    name: str
    interval: int
    rules: tuple[Rule, ...]
