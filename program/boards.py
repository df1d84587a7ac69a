"""Which dashboards a stack has: its own, that of the custom metrics, the imported ones."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from dashboards.from_files import BrokenFileError, read_all
from dashboards.registry import AWS_EC2, CUSTOM_METRICS, LINUX_HOST, LINUX_HOSTS, MONITORING_SERVER
from settings import Settings

INFLUXDB_UID = "influxdb"
CLOUDWATCH_UID = "cloudwatch"


@dataclass(frozen=True)
class Board:
    """One dashboard. content: its JSON."""

    uid: str
    title: str
    content: str


def boards(settings: Settings) -> list[Board]:
    """All dashboards of the stack. Raises pulumi.RunError naming the imported files that cannot be used."""
    region = settings.cloudwatch_region or settings.region
    metrics = settings.custom_metrics
    further = [CUSTOM_METRICS] if metrics else []
    own_influxdb = settings.influxdb is None
    built = {
        LINUX_HOSTS: LINUX_HOSTS.build(INFLUXDB_UID, further=further),
        LINUX_HOST: LINUX_HOST.build(INFLUXDB_UID, further=further),
        AWS_EC2: AWS_EC2.build(CLOUDWATCH_UID, region, INFLUXDB_UID, further=further),
        MONITORING_SERVER: MONITORING_SERVER.build(INFLUXDB_UID, own_influxdb=own_influxdb, further=further),
    }
    if metrics:
        built[CUSTOM_METRICS] = CUSTOM_METRICS.build(metrics, CLOUDWATCH_UID, region, INFLUXDB_UID)
    try:
        imported = [Board(file.uid, file.title, file.content) for file in read_all()]
    except BrokenFileError as error:
        raise pulumi.RunError(str(error)) from None
    return [*(Board(entry.uid, entry.title, content) for entry, content in built.items()), *imported]
