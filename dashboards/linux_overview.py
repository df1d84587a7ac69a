"""The first row of "Linux hosts": which host is in trouble, and with what."""

from __future__ import annotations

from collections.abc import Sequence

from grafana_foundation_sdk.builders import stat, table
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import (
    ValueMap,
    ValueMapping,
    ValueMappingResult,
)

from dashboards import linux_attention, looks, tables
from dashboards.linux_attention import EVER, SILENT
from dashboards.lists import rows_of
from dashboards.page import Row
from dashboards.panels import number, worst_one
from dashboards.queries import (
    BY_HOST,
    HOST,
    LATELY,
    REAL_FILE_SYSTEMS,
    REMEMBERED,
    SILENT_AFTER,
    TOTAL_CPU,
    InfluxQuery,
    influx,
    latest,
    select,
    worst,
)


def overview(uid: str, tags: Sequence[str]) -> Row:
    """Numbers for all selected hosts with the name of the worst one, the hosts that need attention, and all hosts."""
    return Row("All chosen hosts", [*_numbers(uid), linux_attention.panel(uid), _hosts(uid, tags)])


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
    """Known hosts minus reporting ones; `fill(0)` makes it work if none reports."""
    both = f"({_hosts_within(EVER, 'known')}), ({_hosts_within(LATELY, 'up')})"
    return InfluxQuery(f'SELECT count("known") - count("up") FROM {both} WHERE {EVER} fill(0)')  # noqa: S608 - constants only


def _hosts_within(time: str, name: str) -> str:
    return select(f'last("uptime") AS "{name}"', "system", HOST, time, group=(BY_HOST,))


def _hosts(uid: str, tags: Sequence[str]) -> table.Panel:
    """One row per host. The first query also lists hosts that are silent in the time range, with each one's last tags;
    the others add columns."""
    columns = {
        "cpu": "CPU",
        "memory": "Memory",
        "disk": "Fullest file system",
        "load": "Load per CPU",
        "errors": "Disk errors",
    }
    shown = ["host", *tags, "State", *columns.values(), "Last seen", "Uptime"]
    narrow = looks.at_least(90)
    panel = (
        rows_of(
            "Hosts",
            f"The newest values of each host, none older than {SILENT_AFTER}: a host that has been silent"
            " longer has none. Click a column's title to sort, a host's name to see only that host.",
            units.Percent,
            influx(
                uid,
                InfluxQuery(linux_attention.newest_of_each_host(tags), table=True),
                InfluxQuery(linux_attention.states(), table=True),
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
                tables.arrange(shown, rename={"host": "Host"}),
            ],
        )
        .sort_by([tables.sorted_by("State", falling=True), tables.sorted_by("CPU", falling=True)])
        .override_by_name("Host", looks.host_column())
        .override_by_name("State", [*looks.signal(_up_or_silent()), looks.unit(units.Short), looks.width(80)])
        .override_by_name("CPU", [*looks.bar(looks.CPU, 100), narrow])
        .override_by_name("Memory", [*looks.bar(looks.MEMORY, 100), narrow])
        .override_by_name("Fullest file system", [*looks.bar(looks.DISK, 100), narrow])
        .override_by_name("Load per CPU", [looks.unit(units.Short), *looks.bar(looks.LOAD, 4), narrow])
        .override_by_name(
            "Disk errors", [looks.unit(units.Short), *looks.marked(looks.ERRORS), looks.whole(), looks.width(90)]
        )
        .override_by_name("Last seen", [looks.unit(units.DateTimeFromNow), looks.width(135)])
        .override_by_name("Uptime", [looks.unit(units.Seconds), looks.width(90), looks.left()])
    )
    for tag in tags:
        panel = panel.override_by_name(tag, [narrow])
    return panel


def _up_or_silent() -> list[ValueMapping]:
    up = ValueMap({"0": ValueMappingResult("up", looks.GOOD, index=0)})
    return [up, ValueMap({str(SILENT): ValueMappingResult("silent", looks.BAD, index=1)})]
