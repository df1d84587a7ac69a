"""An alert that always fires: as long as it is sent, rules are evaluated and notifications leave the server.

It asks no data source: that InfluxDB does not answer is "No measurements arrive", which can still be sent.
"""

from __future__ import annotations

from alerts.facts import Facts
from alerts.model import Group, Panel, Rule
from alerts.steps import calculated

HEARTBEAT = "heartbeat"
"""The label by which it goes to a contact point of its own, and nowhere else."""


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
        look_at="Nothing to do while it comes. When it stops, see whether the server is up and reaches the internet.",
        panel=Panel("monitoring-server", "Metrics delivered"),
        labels={HEARTBEAT: "true", "host": facts.server},
    )
    return Group("Watchdog", facts.interval, (always,))
