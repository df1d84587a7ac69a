"""The row "Backups" of the dashboard "Monitoring server". Data: `backup`, written by userdata/server/backup.sh."""

from __future__ import annotations

from grafana_foundation_sdk.models import units

from dashboards.looks import Limits
from dashboards.page import Row
from dashboards.panels import number
from dashboards.queries import SHOWN, InfluxQuery, influx, select

BACKUP = Limits(watch=26 * 3600, act=36 * 3600)
"""Seconds: one is made every day."""


def row(uid: str) -> Row:
    """The row, for the InfluxDB datasource with this uid."""

    def newest(field: str) -> InfluxQuery:
        return InfluxQuery(select(f'last("{field}")', "backup", SHOWN))

    return Row(
        "Backups",
        [
            number(
                "Backup age",
                "Since the newest complete backup or, before the first one, since the data volume was created."
                " `journalctl -u monitoring-backup` on the server shows what the last one did.",
                units.Seconds,
                influx(uid, newest("age")),
                limits=BACKUP,
                width=8,
                decimals=1,
                if_absent="backups are off",
            ),
            number(
                "Backup size",
                "All S3 objects of the newest complete backup.",
                units.BytesIEC,
                influx(uid, newest("bytes")),
                width=8,
                decimals=1,
            ),
            number(
                "Backup duration",
                "Of the newest complete backup, including its upload.",
                units.Seconds,
                influx(uid, newest("seconds")),
                width=8,
                decimals=1,
            ),
        ],
    )
