"""Grafana's alert rules as code: thresholds in, rule groups out, no side effects.

Each module has `build(facts)`, which returns one group, or two if some rules are evaluated less often. docs/alerts.md
has the table of rules.
"""

from __future__ import annotations

from alerts import agents, certificate, ec2, hosts, server, watchdog
from alerts.facts import Facts
from alerts.model import Group, Query, Rule

__all__ = ["Facts", "Group", "Query", "Rule", "build"]


def build(facts: Facts) -> tuple[Group, ...]:
    """Every rule group of a stack, in the order in which Grafana lists them."""
    groups = [*hosts.build(facts), ec2.build(facts), server.build(facts), agents.build(facts)]
    if facts.heartbeat:
        groups.append(watchdog.build(facts))
    return (*groups, *certificate.build(facts))
