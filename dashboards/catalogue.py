"""Which dashboards there are: their fixed uids and titles, apart from how each is built.

Uids are part of addresses that people bookmark and that alerts link to: they never change.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """One dashboard's identity in Grafana."""

    uid: str
    title: str

    @property
    def path(self) -> str:
        """The dashboard's address below Grafana's root; Grafana adds the slug by itself."""
        return f"/d/{self.uid}"


LINUX_HOSTS = Entry("linux-hosts", "Linux hosts")
AWS_EC2 = Entry("aws-ec2", "AWS EC2")
MONITORING_SERVER = Entry("monitoring-server", "Monitoring server")
CUSTOM_METRICS = Entry("custom-metrics", "Custom metrics")

ENTRIES = (LINUX_HOSTS, AWS_EC2, MONITORING_SERVER)
"""Those that every stack has; they link to each other."""
