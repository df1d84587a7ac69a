"""The row "Public certificate" of the dashboard "Monitoring server", with the setting `publicCertificate`. Data:
`public_certificate`, written by userdata/server/public-certificate.sh."""

from __future__ import annotations

from grafana_foundation_sdk.models import units

from dashboards.looks import Limits
from dashboards.page import Row
from dashboards.panels import number
from dashboards.queries import SHOWN, InfluxQuery, influx, select

LEFT = Limits(watch=14 * 86400, act=7 * 86400)
"""Seconds: the server renews it when a third of its time is left, 30 days of 90 (or 15 of 45)."""


def row(uid: str) -> Row:
    """The row, for the InfluxDB datasource with this uid."""
    query = InfluxQuery(select('last("left")', "public_certificate", SHOWN))
    return Row(
        "Public certificate",
        [
            number(
                "Public certificate expires in",
                "Until the certificate that browsers trust expires; 0 when there is none. The server renews it when a"
                " third of its time is left.",
                units.Seconds,
                influx(uid, query),
                limits=LEFT,
                width=6,
                decimals=1,
            ),
        ],
    )
