"""An alert that always fires: as it keeps arriving, rules are evaluated and notifications leave the server.

It queries no data source: if InfluxDB does not answer, "No measurements arrive" fires and can still be sent.
"""

from __future__ import annotations

from alerts.facts import Facts
from alerts.model import Group, Panel, Rule
from alerts.steps import calculated

HEARTBEAT = "heartbeat"
"""The label that routes it to its own contact point only."""


def build(facts: Facts) -> Group:
    """The group."""
    always = Rule(
        uid="watchdog",
        title="Watchdog",
        steps=(calculated("1 > 0", "A"),),
        pending="0s",
        no_data="Alerting",
        on_error="Alerting",
        severity="none",
        summary=f"{facts.server} is alive: this alert always fires, and is what a dead man's switch waits for",
        look_at="Nothing to do while it keeps arriving. When it stops, check that the server is up"
        " and can reach the internet.",
        panel=Panel("monitoring-server", "Metrics delivered"),
        labels={HEARTBEAT: "true", "host": facts.server},
    )
    return Group("Watchdog", facts.interval, (always,))
