"""The collapsed rows of "Linux host": a line per core, disk, file system and interface of one host."""

from __future__ import annotations

from collections.abc import Mapping

from grafana_foundation_sdk.builders import table, timeseries
from grafana_foundation_sdk.models import units

from dashboards import looks, tables
from dashboards.lists import rows_of
from dashboards.looks import Limits
from dashboards.page import Row
from dashboards.panels import lines, number
from dashboards.queries import (
    HOST,
    LATELY,
    STATUS,
    InfluxQuery,
    by_host,
    influx,
    per_second,
    select,
    together,
)

A_WEEK_BEFORE = "7d"
NOT_THEN = "This host measured nothing then"


def connections(uid: str) -> Row:
    """TCP connections, and what the kernel keeps for them."""
    again = {"sent again": f"{per_second('tcp_resent')} / {per_second('tcp_sent')} * 100"}
    open_ones = {
        "established": 'max("tcp_established")',
        "ending": 'max("tcp_waiting")',
        "without a program": 'max("tcp_orphans")',
    }
    kept = {"sockets": 'max("sockets_used")', "tracked connections": 'max("conntrack_count")'}
    refused = {"refused": per_second("tcp_overflows")}
    return Row(
        "TCP and sockets",
        [
            _together(
                uid,
                "TCP retransmissions",
                "Share of sent segments that had to be sent again: above one percent, the network is losing packets.",
                units.Percent,
                again,
                limits=Limits(1, 5),
            ),
            _together(
                uid,
                "TCP connections",
                "“Ending” ones only wait for late packets; many of them are many short connections.",
                units.Short,
                open_ones,
            ),
            _together(
                uid,
                "Sockets and tracked connections",
                "Sockets in use of any kind; connections that netfilter tracks, if it does (its table's size is"
                " net.netfilter.nf_conntrack_max: when it is full, new connections are dropped).",
                units.Short,
                kept,
            ),
            _together(
                uid,
                "Connections refused",
                "New connections that found a program's queue full, per second.",
                units.OpsPerSecond,
                refused,
                limits=Limits(0.1, 10),
            ),
        ],
    )


def kernel(uid: str) -> Row:
    """Processes killed for lack of memory, open files, the clock, failed services."""
    killed = {"killed": 'non_negative_difference(last("oom_kills"))'}
    return Row(
        "Kernel and services",
        [
            _together(
                uid,
                "Processes killed for lack of memory",
                "By the kernel, in each step; `journalctl -k -g oom` says which.",
                units.Short,
                killed,
                limits=Limits(1, 1),
                width=8,
            ),
            _together(uid, "Open files", "Of all processes.", units.Short, {"files": 'max("files_open")'}, width=8),
            lines(
                "Context switches of this host",
                "How often the CPUs switch from one process to another.",
                units.OpsPerSecond,
                influx(uid, by_host(per_second("context_switches"), "kernel", alias="switches")),
                width=8,
            ),
            number(
                "Clock offset",
                "Between this host's clock and the true time, as chrony or systemd-timesyncd last found it;"
                " not measured where neither of them runs.",
                units.Seconds,
                influx(uid, InfluxQuery(select('last("clock_offset")', STATUS, HOST, LATELY))),
                width=8,
                height=6,
                decimals=None,
                if_absent="not measured",
            ),
            _failed_units(uid),
        ],
    )


def week_before(uid: str) -> Row:
    """The time range shown, and the same time a week earlier."""
    shown = {
        "CPU use": ('100 - mean("usage_idle")', "cpu", "\"cpu\"::tag = 'cpu-total'", units.Percent, 100),
        "memory use": ('mean("used_percent")', "mem", "", units.Percent, 100),
        "load per CPU": ('mean("load5") / mean("n_cpus")', "system", "", units.Short, None),
    }
    panels = [
        lines(
            f"{time}: {name}",
            "Compare the panel above with the one below it: they begin at the same hour of the week.",
            unit,
            influx(uid, by_host(value, measurement, where=where, alias=name)),
            full=full,
            width=8,
            height=6,
        )
        for time in ("Now", "Last week")
        for name, (value, measurement, where, unit, full) in shown.items()
    ]
    return Row(
        "The same time last week",
        [
            panel if number < len(shown) else panel.time_shift(A_WEEK_BEFORE).no_value(NOT_THEN)
            for number, panel in enumerate(panels)
        ],
    )


def _together(
    uid: str,
    title: str,
    text: str,
    unit: str,
    columns: Mapping[str, str],
    *,
    limits: Limits | None = None,
    width: int = 12,
) -> timeseries.Panel:
    """Lines of what /etc/telegraf/measure measures: name -> aggregate expression."""
    return lines(title, text, unit, influx(uid, together(columns, STATUS)), limits=limits, width=width)


def _failed_units(uid: str) -> table.Panel:
    newest = 'last("failed_units") AS "Failed", last("failed_names") AS "Units"'
    return (
        rows_of(
            "Failed services",
            "systemd's units in the state “failed”, a minute ago; `systemctl status NAME` says why.",
            units.Short,
            influx(uid, InfluxQuery(select(newest, STATUS, HOST, LATELY), table=True)),
            [tables.columns("A", rename={}, drop=["Time"])],
            width=16,
            height=6,
        )
        .no_value("–")
        .override_by_name("Failed", [*looks.coloured(looks.ERRORS), looks.whole(), looks.width(90)])
    )
