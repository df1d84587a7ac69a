"""All dashboards: the one place with the uid, title, builder and panel IDs of each.

Uids are part of addresses that people bookmark and alerts link to, so they never change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from dashboards import panel_ids


@dataclass(frozen=True)
class Entry:
    """One dashboard.

    module: the module of this package whose `build` makes its JSON; imported only then, because each module imports
    its entry from here.
    panels: titles of its panels and rows -> their fixed IDs; none if the panels come from settings, because nothing
    links to those.
    """

    uid: str
    title: str
    module: str
    panels: Mapping[str, int] = field(default_factory=dict, hash=False)

    @property
    def path(self) -> str:
        """The dashboard's path below Grafana's root URL; Grafana adds the slug."""
        return f"/d/{self.uid}"

    def build(self, *arguments: Any, **options: Any) -> str:
        """The dashboard's JSON; the arguments are those of the module's `build`."""
        text: str = import_module(f"dashboards.{self.module}").build(*arguments, **options)
        return text


LINUX_HOSTS = Entry("linux-hosts", "Linux hosts", "linux_hosts", panel_ids.LINUX_HOSTS)
LINUX_HOST = Entry("linux-host", "Linux host", "linux_host", panel_ids.LINUX_HOST)
AWS_EC2 = Entry("aws-ec2", "AWS EC2", "aws_ec2", panel_ids.AWS_EC2)
MONITORING_SERVER = Entry("monitoring-server", "Monitoring server", "monitoring_server", panel_ids.MONITORING_SERVER)
CUSTOM_METRICS = Entry("custom-metrics", "Custom metrics", "custom_metrics")

ENTRIES: Sequence[Entry] = (LINUX_HOSTS, LINUX_HOST, AWS_EC2, MONITORING_SERVER)
"""The dashboards that every stack has; they link to each other."""
EVERY: Sequence[Entry] = (*ENTRIES, CUSTOM_METRICS)
"""Also those that only some stacks have."""


def panel_id(uid: str, title: str) -> int:
    """The number of a panel within its dashboard. KeyError when no panel has the title."""
    (entry,) = [entry for entry in ENTRIES if entry.uid == uid]
    return entry.panels[title]
