"""The first row of "Linux hosts": which host is in trouble, and with what."""

from __future__ import annotations

from collections.abc import Sequence

from grafana_foundation_sdk.builders import stat, statetimeline, table
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import (
    DashboardRangeMapOptions,
    DynamicConfigValue,
    RangeMap,
    ValueMap,
    ValueMapping,
    ValueMappingResult,
)

from dashboards import linux_attention, looks, tables
from dashboards.linux_attention import EVER
from dashboards.lists import rows_of, states
from dashboards.page import Row
from dashboards.panels import POINTS, number, worst_one
from dashboards.queries import (
    BY_HOST,
    HOST,
    LATELY,
    POLICY,
    REAL_FILE_SYSTEMS,
    REMEMBERED,
    SILENT_AFTER,
    STEP,
    TOTAL_CPU,
    InfluxQuery,
    influx,
    latest,
    select,
    worst,
)

LOOKED_BACK = "6h"
"""How long before the shown time "When hosts reported" looks for hosts, a value per step: longer costs more."""
UNROLLED = "1h"
"""How much of the newest time may lack its 5-minute steps: an alert reports it when they are later than that."""


def overview(uid: str, tags: Sequence[str]) -> Row:
    """Numbers over all selected hosts with the worst one's name, the hosts that need attention, all hosts."""
    return Row("All chosen hosts", [*_numbers(uid), linux_attention.panel(uid), _hosts(uid, tags)])


def reporting(uid: str) -> Row:
    """When each host was silent."""
    return Row("When hosts were silent", [_reporting(uid)])


def _numbers(uid: str) -> list[stat.Panel]:
    named = [looks.one_host("__data.fields.host")]
    return [
        number(
            "Silent",
            f"Chosen hosts with a point in the last {REMEMBERED}, but none in the last {SILENT_AFTER}, whatever the"
            " time range; the table below names them.",
            units.Short,
            influx(uid, _count_of_silent()),
            limits=looks.SILENT,
            if_absent="0",
        ),
        number(
            "Reporting",
            f"Chosen hosts with a point in the last {SILENT_AFTER}, whatever the time range.",
            units.Short,
            influx(uid, _count_of_reporting()),
            limits=looks.Limits(watch=1, act=0.5),
            if_absent="0",
        ),
        worst_one(
            "Busiest CPU",
            f"The highest CPU use among the chosen hosts in the last {SILENT_AFTER}, and its host.",
            units.Percent,
            influx(uid, worst('100 - last("usage_idle")', "cpu", where=TOTAL_CPU)),
            limits=looks.CPU,
            links=named,
        ),
        worst_one(
            "Fullest memory",
            "The highest share of memory that cannot be reclaimed among the chosen hosts, and its host.",
            units.Percent,
            influx(uid, worst('last("used_percent")', "mem")),
            limits=looks.MEMORY,
            links=named,
        ),
        worst_one(
            "Fullest file system",
            "The highest use of any file system of any chosen host; the tables below show which.",
            units.Percent,
            influx(uid, worst('max("used_percent")', "disk", where=REAL_FILE_SYSTEMS)),
            limits=looks.DISK,
            links=named,
        ),
        worst_one(
            "Highest load",
            "Five-minute load per CPU: above 1, processes are waiting.",
            units.Short,
            influx(uid, worst('last("load5") / last("n_cpus")', "system")),
            limits=looks.LOAD,
            links=named,
            decimals=2,
        ),
    ]


def _count_of_reporting() -> InfluxQuery:
    return InfluxQuery(select('count("up")', _hosts_within(LATELY, "up"), LATELY))


def _count_of_silent() -> InfluxQuery:
    """Known hosts minus reporting ones; the fill makes 0 of "none reports"."""
    both = f"({_hosts_within(EVER, 'known')}), ({_hosts_within(LATELY, 'up')})"
    return InfluxQuery(f'SELECT count("known") - count("up") FROM {both} WHERE {EVER} fill(0)')  # noqa: S608 - constants only


def _hosts_within(time: str, name: str) -> str:
    return select(f'last("uptime") AS "{name}"', "system", HOST, time, group=(BY_HOST,))


def _hosts(uid: str, tags: Sequence[str]) -> table.Panel:
    """One row per host. The first query also lists hosts that are silent in the time range, with the tags that each
    had last; the others add columns."""
    state = select('count("uptime") AS "state"', "system", HOST, LATELY, group=(BY_HOST,))
    columns = {
        "state": "State",
        "cpu": "CPU",
        "memory": "Memory",
        "disk": "Fullest file system",
        "load": "Load per CPU",
        "errors": "Disk errors",
    }
    return (
        rows_of(
            "Hosts",
            f"The newest values of each host, none older than {SILENT_AFTER}: a host that has been silent"
            " longer has none. Click a column's title to sort, a host's name to see only that host.",
            units.Percent,
            influx(
                uid,
                InfluxQuery(linux_attention.newest_of_each_host(tags), table=True),
                InfluxQuery(state, table=True),
                latest('100 - last("usage_idle")', "cpu", "cpu", where=TOTAL_CPU),
                latest('last("used_percent")', "memory", "mem"),
                latest('max("used_percent")', "disk", "disk", where=REAL_FILE_SYSTEMS),
                latest('last("load5") / last("n_cpus")', "load", "system"),
                latest('max("errors")', "errors", "ext4"),
            ),
            [
                tables.columns("A", rename={"Time": "Last seen", "uptime": "Uptime"}),
                tables.columns("B|C|D|E|F|G", rename=columns, drop=["Time"]),
                tables.join("host"),
                tables.arrange(["host", *tags, *columns.values(), "Last seen", "Uptime"], rename={"host": "Host"}),
            ],
        )
        .sort_by([tables.sorted_by("State"), tables.sorted_by("CPU", falling=True)])
        .override_by_name("Host", [DynamicConfigValue("links", [looks.one_host("__value.text").build()])])
        .override_by_name("State", [*looks.signal(_up_or_silent()), looks.unit(units.Short), looks.width(90)])
        .override_by_name("CPU", looks.bar(looks.CPU, 100))
        .override_by_name("Memory", looks.bar(looks.MEMORY, 100))
        .override_by_name("Fullest file system", looks.bar(looks.DISK, 100))
        .override_by_name("Load per CPU", [looks.unit(units.Short), *looks.bar(looks.LOAD, 4)])
        .override_by_name(
            "Disk errors", [looks.unit(units.Short), *looks.marked(looks.ERRORS), looks.whole(), looks.width(100)]
        )
        .override_by_name("Last seen", [looks.unit(units.DateTimeFromNow)])
        .override_by_name("Uptime", [looks.unit(units.Seconds)])
    )


def _up_or_silent() -> list[ValueMapping]:
    up = RangeMap(DashboardRangeMapOptions(1, None, ValueMappingResult("up", looks.GOOD, index=0)))
    return [up, looks.when_absent("silent", looks.BAD)]


def _reporting(uid: str) -> statetimeline.Panel:
    """Points per step, from some hours before the time range (to include hosts that are silent
    throughout) to half a minute ago (points in transit are not silence). Steps before a host's first point
    are left out: it was not silent then, just unknown.

    5-minute steps are some minutes late, so the last UNROLLED is of raw data in any case."""
    time = f"time >= ${{__from}}ms - {LOOKED_BACK} AND time <= ${{__to}}ms AND time < now() - 30s"
    newest = f"time > now() - {UNROLLED}"
    every = (STEP, BY_HOST)
    counted = select('count("uptime") AS "points"', "system", HOST, time, group=every, policy=POLICY)
    lately = select('count("uptime") AS "points"', "system", HOST, time, newest, group=every)
    total = 'sum("points")'
    steps = select(
        f'{total} AS "points", cumulative_sum({total}) AS "so far"',
        f"({counted}), ({lately})",
        time,
        group=every,
        fill="0",
    )
    points = select('"points"', steps, time, '"so far" > 0', group=(BY_HOST,))
    silent = ValueMap({"0": ValueMappingResult("silent", looks.BAD, index=0)})
    up = RangeMap(DashboardRangeMapOptions(1, None, ValueMappingResult("up", looks.GOOD, index=1)))
    return (
        states(
            "When hosts reported",
            "Red: no points in that minute (or longer, in a wide time range). Blank: not heard from yet. A host that"
            f" sent nothing in the time shown or in the {LOOKED_BACK} before it has no band; the table above lists it.",
            units.Short,
            influx(uid, InfluxQuery(points, "$tag_host")),
            step="1m",
            links=[looks.one_host("__field.labels.host")],
        )
        .max_data_points(POINTS)
        .mappings([silent, up])
    )
