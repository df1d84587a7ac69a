"""The row "Moving" of the dashboard "Monitoring server", for a stack that moves to another InfluxDB or back. Data:
`moving`, written by userdata/server/moving.py."""

from __future__ import annotations

from grafana_foundation_sdk.models import units

from dashboards import tables
from dashboards.lists import rows_of
from dashboards.looks import Limits
from dashboards.page import Row
from dashboards.panels import number
from dashboards.queries import SHOWN, InfluxQuery, influx, select

LEFT = Limits(watch=600, act=10**9)
"""Seconds: new data is copied once a minute."""
ANY = Limits(watch=1, act=1000)


def row(uid: str) -> Row:
    """The row, for the InfluxDB datasource with this uid."""

    def newest(field: str) -> InfluxQuery:
        return InfluxQuery(select(f'last("{field}")', "moving", SHOWN, '"of"::tag !~ /./'))

    columns = 'last("compared") AS "Compared", last("missing") AS "Missing"'
    by_measurement = InfluxQuery(select(columns, "moving", SHOWN, '"of"::tag =~ /./', group=('"of"',)), table=True)
    return Row(
        "Moving",
        [
            number(
                "Left to copy",
                "How much of the past is not copied yet. `journalctl -u influxdb-moving` on the server shows what the"
                " last run did.",
                units.Seconds,
                influx(uid, newest("behind")),
                limits=LEFT,
                width=6,
                decimals=1,
                if_absent="not begun",
            ),
            number(
                "Values compared",
                "Values found in the InfluxDB that the dashboards show, and looked for in the other one.",
                units.Short,
                influx(uid, newest("compared")),
                width=6,
                decimals=None,
                if_absent="not begun",
            ),
            number(
                "Values missing",
                "Values that the other InfluxDB still lacks after they were copied: it refused them, as the next"
                " panel says, or they have arrived since.",
                units.Short,
                influx(uid, newest("missing")),
                limits=ANY,
                width=6,
                if_absent="not begun",
            ),
            number(
                "Not copied because",
                "What the other InfluxDB answered when it last refused points, or that it does not keep them as long.",
                units.NoUnit,
                influx(uid, newest("problem")),
                width=6,
                if_absent="not begun",
            ),
            rows_of(
                "By measurement",
                "Values compared and missing, by measurement.",
                units.Short,
                influx(uid, by_measurement),
                [tables.arrange(["of", "Compared", "Missing"], rename={"of": "Measurement"}, drop=["Time"])],
                height=9,
            ),
        ],
    )
