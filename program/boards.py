"""The dashboards of a stack: the program's, the one for custom metrics, imported ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from dashboards.from_files import BrokenFileError, read_all
from dashboards.registry import AWS_EC2, CUSTOM_METRICS, LINUX_HOST, LINUX_HOSTS, MONITORING_SERVER
from settings import Settings
from settings.hosts import Host

INFLUXDB_UID = "influxdb"
CLOUDWATCH_UID = "cloudwatch"
MOST_TAGS = 5
"""Drop-down lists for agents' tags above a dashboard: more would not be useful."""


@dataclass(frozen=True)
class Board:
    """One dashboard. content: its JSON."""

    uid: str
    title: str
    content: str


def _tags_in_use(hosts: Sequence[Host]) -> list[str]:
    """The most common tags of the hosts, for the lists above the dashboards."""
    having = Counter(tag for host in hosts for tag in host.tags)
    return sorted(sorted(having, key=lambda tag: (-having[tag], tag))[:MOST_TAGS])


def boards(settings: Settings) -> list[Board]:
    """All dashboards of the stack. Raises pulumi.RunError, which names the imported files that cannot be used."""
    region = settings.shown_region
    metrics = settings.custom_metrics
    further = [CUSTOM_METRICS] if metrics else []
    tags = _tags_in_use(settings.hosts)
    built = {
        LINUX_HOSTS: LINUX_HOSTS.build(INFLUXDB_UID, further=further, tags=tags),
        LINUX_HOST: LINUX_HOST.build(INFLUXDB_UID, further=further),
        AWS_EC2: AWS_EC2.build(
            CLOUDWATCH_UID, region, INFLUXDB_UID, further=further, accounts=bool(settings.cloudwatch_accounts)
        ),
        MONITORING_SERVER: MONITORING_SERVER.build(
            INFLUXDB_UID,
            own_influxdb=settings.shows_own,
            moving=settings.moves,
            public_certificate=settings.public_certificate is not None,
            further=further,
            tags=tags,
        ),
    }
    if metrics:
        built[CUSTOM_METRICS] = CUSTOM_METRICS.build(metrics, CLOUDWATCH_UID, region, INFLUXDB_UID)
    try:
        imported = [Board(file.uid, file.title, file.content) for file in read_all()]
    except BrokenFileError as error:
        raise pulumi.RunError(str(error)) from None
    return [*(Board(entry.uid, entry.title, content) for entry, content in built.items()), *imported]
