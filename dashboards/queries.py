"""The InfluxQL of panels and variables: the few kinds of queries that the dashboards use.

The SDK has no builder for InfluxQL, so `InfluxQuery` is one: it implements the SDK's data query and builder
interfaces and can be given to any panel. Fields as in Grafana's `InfluxQuery` type
(public/app/plugins/datasource/influxdb/types.ts).

Every query reads only the selected hosts (`$host`), only the shown time (`$timeFilter`), and one value per
step (`$__interval`, which Grafana adapts to the panel's width).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.dashboard import DataSourceRef

from dashboards.panels import Data

HOST = '"host"::tag =~ /^$host$/'
"""Only the selected hosts. Grafana writes several values as `(a|b)`, and escapes each for a regular expression."""

SHOWN = f"{HOST} AND $timeFilter"
"""Only the selected hosts, within the dashboard's time range."""

STEP = "time($__interval)"
"""One value per step; Grafana adapts the step to the panel's width."""

POLICY = "${policy}"
"""The prefix of a measurement's name in queries of the time shown: nothing, or the retention policy of 5-minute steps
(userdata/server/rollup.py), depending on the time range (the hidden variable `policy`)."""

PEAK = "${peak}"
"""The suffix of a field's name for its maximum, which is a separate field in that policy."""

ROLLUP = (
    'SELECT last("{field}") FROM "rollup" WHERE "since" <= ${{__from}}'
    ' AND ("longer" < ${{__to}} - ${{__from}} OR "raw" > ${{__from}})'
)
"""The query of the two variables: it returns a row if the time shown is long, or begins before raw data does, and the
policy has all of it. Without a row, or without the measurement (in an external InfluxDB), they are empty."""

BY_HOST = '"host"'

STATUS = "host_status"
"""The measurement of userdata/shared/measure.sh, once a minute, one series per host: the kernel's figures for the whole
host, and the totals of its disks and network cards."""

SILENT_AFTER = "3m"
"""A host without a point for this long counts as silent: eighteen missed points at the agents' default of 10 s."""

REMEMBERED = "30d"
"""How long a host that has fallen silent is still listed. `last` reads one block per host, however far back."""

LATELY = f"time > now() - {SILENT_AFTER} AND time <= now()"
"""Whatever the time range. Points in the future are not a sign of life."""

TREND = "6h"
"""How much of the past the filling rate is computed from, in the dashboard and the alert."""

ALL_HOSTS = 'SHOW TAG VALUES FROM "system" WITH KEY = "host"'
"""The query of the variable `host`: every host in the retention policy."""

TOTAL_CPU = "\"cpu\"::tag = 'cpu-total'"
"""All CPUs of a host combined."""

REAL_FILE_SYSTEMS = (
    r'"fstype"::tag !~ /^(tmpfs|devtmpfs|ramfs|squashfs|iso9660|efivarfs)$/'
    r' AND "path"::tag !~ /^\/var\/lib\/(docker|containerd|kubelet)\//'
)
"""File systems that can fill up: not in memory, not images, not container layers."""

WHOLE_DISKS = r'"name"::tag =~ /^(sd[a-z]+|vd[a-z]+|xvd[a-z]+|nvme[0-9]+n[0-9]+|mmcblk[0-9]+)$/'
"""Disks without partitions, mappings or loop devices, which would count the same transfer twice."""

OUTWARD_INTERFACES = r'"interface"::tag !~ /^(lo|all|docker|br-|veth|virbr|cni|flannel|cali)/'
"""Network cards without a host's internal bridges, which would count the same packet twice."""


@dataclass(frozen=True)
class InfluxQuery(Dataquery, Builder[Dataquery]):
    """One InfluxQL query of a panel.

    text: the query, with Grafana's variables. alias: the series' name; `$tag_host` and `$col` are Grafana's patterns
    for a tag's value and the column's name. table: one table of rows instead of one frame per series. ref_id: its
    letter within the panel (set by `influx`). datasource_uid: the InfluxDB datasource (set by `influx`).
    """

    text: str
    alias: str = ""
    table: bool = False
    ref_id: str = "A"
    datasource_uid: str = ""

    def build(self) -> Dataquery:
        """The query is its own builder."""
        return self

    def to_json(self) -> dict[str, object]:
        """The query as data of a dashboard's JSON."""
        fields: dict[str, object] = {
            "refId": self.ref_id,
            "datasource": influxdb(self.datasource_uid),
            "query": self.text,
            "rawQuery": True,
            "resultFormat": "table" if self.table else "time_series",
        }
        if self.alias:
            fields["alias"] = self.alias
        return fields


def influxdb(uid: str) -> DataSourceRef:
    """The reference to the InfluxDB datasource with this uid."""
    return DataSourceRef(type_val="influxdb", uid=uid)


def influx(datasource_uid: str, *queries: InfluxQuery) -> Data:
    """The data of one panel: its queries, lettered A, B, C… and bound to the datasource."""
    return Data(
        influxdb(datasource_uid),
        [
            replace(query, ref_id=chr(ord("A") + index), datasource_uid=datasource_uid)
            for index, query in enumerate(queries)
        ],
    )


def select(
    what: str, source: str, *conditions: str, group: Sequence[str] = (), fill: str = "", policy: str = ""
) -> str:
    """An InfluxQL query.

    source: a measurement's name, or another query, which is put in parentheses, or several that already are. An outer
    query also needs the time range: InfluxDB opens the shards in the outermost one's range, and all of them if it has
    none (coordinator/shard_mapper.go, mapShards).
    policy: the measurement's; always POLICY for the time shown (SHOWN).
    conditions: all of them must hold; empty ones are left out.
    group: for GROUP BY: quoted tags and STEP.
    fill: the value of a step without points; by default none (null).
    """
    # All of this comes from constants of this package, not from user input.
    if source.startswith("SELECT"):
        source = f"({source})"
    elif not source.startswith("("):
        source = f'{POLICY if SHOWN in conditions else policy}"{source}"'
    text = f"SELECT {what} FROM {source}"  # noqa: S608
    chosen = " AND ".join(condition for condition in conditions if condition)
    if chosen:
        text += f" WHERE {chosen}"
    if group:
        text += f" GROUP BY {', '.join(group)}"
    return f"{text} fill({fill})" if fill else text


def by_host(value: str, measurement: str, *, where: str = "", alias: str = "$tag_host") -> InfluxQuery:
    """One line per host: `value`, an aggregate expression, per step."""
    return InfluxQuery(select(value, measurement, SHOWN, where, group=(STEP, BY_HOST)), alias)


def together(columns: Mapping[str, str], measurement: str, *, where: str = "") -> InfluxQuery:
    """One line per column for all selected hosts together: name -> aggregate expression."""
    chosen = ", ".join(f'{expression} AS "{name}"' for name, expression in columns.items())
    return InfluxQuery(select(chosen, measurement, SHOWN, where, group=(STEP,)), "$col")


def rate_by_host(
    counters: Sequence[str], measurement: str, *, alias: str = "$tag_host", where: str = ""
) -> InfluxQuery:
    """One line per host: the sum of its counters' rates, per second."""
    return by_host(" + ".join(per_second(counter) for counter in counters), measurement, where=where, alias=alias)


def worst_by_host(field: str, measurement: str, *, where: str = "") -> InfluxQuery:
    """One line per host: the highest value of the field among its disks, file systems… in each step.

    It reads all of the host's series at once: a subquery per series would read the same blocks for 15 times the CPU.
    """
    return by_host(f'max("{field}{PEAK}")', measurement, where=where)


def totals_by_host(counters: Mapping[str, str]) -> InfluxQuery:
    """One line per host and counter: name -> field of STATUS, which is the total of a host's disks or cards.

    Adding them up here would take a subquery over a series per disk or card, and over ten times the CPU.
    """
    rates = ", ".join(f'{per_second(field)} AS "{name}"' for name, field in counters.items())
    return by_host(rates, STATUS, alias="$tag_host $col")


def latest(value: str, name: str, measurement: str, *, where: str = "") -> InfluxQuery:
    """A table with one row per host: `value`, an expression of `last`, as column `name`; values older than SILENT_AFTER
    do not count."""
    text = select(f'{value} AS "{name}"', measurement, HOST, LATELY, where, group=(BY_HOST,))
    return InfluxQuery(text, table=True)


def worst(value: str, measurement: str, *, where: str = "") -> InfluxQuery:
    """A table with one row: the selected host with the highest `value`, in columns `worst` and `host`.

    value: an aggregate expression over a host's last few minutes; older points do not count.
    """
    newest = select(f'{value} AS "value"', measurement, HOST, LATELY, where, group=(BY_HOST,))
    return InfluxQuery(select('top("value", "host", 1) AS "worst"', newest, LATELY), table=True)


def speed(field: str, measurement: str, time: str, *conditions: str, group: Sequence[str]) -> str:
    """A query for how fast a field grows per second between its first and last value in the range.

    No result if there is only one value. `first` and `last` read one block each, and keep the times of their points."""
    ends = (
        select(f'{end}("{field}") AS "value"', measurement, time, *conditions, group=group) for end in ("first", "last")
    )
    together = ", ".join(f"({end})" for end in ends)
    by = ", ".join(group)
    return f'SELECT derivative("value", 1s) FROM {together} WHERE {time} GROUP BY {by}'  # noqa: S608 - constants


def per_second(counter: str) -> str:
    """An expression for how fast a counter grows per second; a reset (a reboot) causes no spike."""
    return f'non_negative_derivative(last("{counter}"), 1s)'
