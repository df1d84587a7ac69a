"""The dashboard "Linux host": everything about one host. Every link of a host's name leads here."""

from __future__ import annotations

from collections.abc import Sequence

from grafana_foundation_sdk.builders import stat
from grafana_foundation_sdk.models import units

from dashboards import host_parts, host_processes, host_rows, looks
from dashboards.host_variables import boots, variables
from dashboards.linux_resources import MEMORY_COLOURS, MEMORY_KINDS, MODE_COLOURS, MODES
from dashboards.lists import alerts_of
from dashboards.looks import Limits
from dashboards.page import Row, page
from dashboards.panels import in_colours, lines, number, stacked
from dashboards.queries import (
    HOST,
    LATELY,
    REAL_FILE_SYSTEMS,
    SILENT_AFTER,
    STATUS,
    TOTAL_CPU,
    InfluxQuery,
    influx,
    select,
    together,
)
from dashboards.registry import LINUX_HOST, Entry

WAITED = Limits(20, 60)
"""Percent of a minute during which processes waited for a resource."""
FAILED = Limits(1, 1)


def build(datasource_uid: str = "influxdb", *, further: Sequence[Entry] = ()) -> str:
    """The dashboard's JSON, for the InfluxDB datasource with this uid, with links to `further` dashboards."""
    return page(
        LINUX_HOST,
        "One host: an overview, the details of each part, and its alerts. A vertical mark is a boot.",
        variables(datasource_uid),
        [
            _at_a_glance(datasource_uid),
            host_processes.processes(datasource_uid),
            host_parts.cores(datasource_uid),
            host_parts.disks(datasource_uid),
            host_parts.file_systems(datasource_uid),
            host_parts.interfaces(datasource_uid),
            host_rows.connections(datasource_uid),
            host_rows.kernel(datasource_uid),
            host_rows.week_before(datasource_uid),
        ],
        further,
        annotations=[boots(datasource_uid)],
    )


def _at_a_glance(uid: str) -> Row:
    pressure = {
        "processors": 'mean("cpu_some")',
        "memory": 'mean("memory_some")',
        "memory, all at once": 'mean("memory_full")',
        "disks": 'mean("io_some")',
        "disks, all at once": 'mean("io_full")',
    }
    return Row(
        "This host",
        [
            *_numbers(uid),
            stacked(
                "CPU by mode",
                "What all processors do together. Much “waiting for disks” points to the disks, much “stolen” to a"
                " burstable instance without credits or a crowded machine.",
                units.Percent,
                influx(uid, together(MODES, "cpu", where=TOTAL_CPU)),
                MODE_COLOURS,
                full=100,
            ),
            stacked(
                "Memory by type",
                "The cache is given back when programs need the memory.",
                units.BytesIEC,
                influx(uid, together(MEMORY_KINDS, "mem")),
                MEMORY_COLOURS,
            ),
            in_colours(
                lines(
                    "Waiting for",
                    "Share of the last minute in which some process waited for the resource, or all that could run did"
                    " (pressure stall information). Shortages show here, even if use is low or always at 100 %.",
                    units.Percent,
                    influx(uid, together(pressure, STATUS)),
                    limits=WAITED,
                    full=100,
                ),
                dict(zip(pressure, (looks.AMBER, looks.BLUE, looks.SKY, looks.VERMILION, looks.PINK), strict=True)),
            ),
            alerts_of(
                "Alerts of this host",
                "Firing and pending alerts whose label “host” is this host.",
                'host="$host"',
                influx(uid).datasource,
            ),
        ],
    )


def _numbers(uid: str) -> list[stat.Panel]:
    def newest(value: str, measurement: str, where: str = "") -> InfluxQuery:
        return InfluxQuery(select(value, measurement, HOST, LATELY, where))

    silent = f"Empty if the host has sent nothing for {SILENT_AFTER}, whatever the time range."
    return [
        number(
            "Up for",
            f"Since the last boot. {silent}",
            units.Seconds,
            influx(uid, newest('last("uptime")', "system")),
            decimals=1,
            if_absent="silent",
            absent=looks.BAD,
        ).links([looks.instance_of_host()]),
        number(
            "CPU now",
            f"All processors together. {silent}",
            units.Percent,
            influx(uid, newest('100 - last("usage_idle")', "cpu", TOTAL_CPU)),
            limits=looks.CPU,
        ),
        number(
            "Memory now",
            f"Share that cannot be reclaimed. {silent}",
            units.Percent,
            influx(uid, newest('last("used_percent")', "mem")),
            limits=looks.MEMORY,
        ),
        number(
            "Fullest file system",
            f"The row “File systems, each” says which. {silent}",
            units.Percent,
            influx(uid, newest('max("used_percent")', "disk", REAL_FILE_SYSTEMS)),
            limits=looks.DISK,
        ),
        number(
            "Load per CPU now",
            f"Over five minutes; above 1, processes are waiting. {silent}",
            units.Short,
            influx(uid, newest('last("load5") / last("n_cpus")', "system")),
            limits=looks.LOAD,
            decimals=2,
        ),
        number(
            "Failed units",
            "systemd's units in the state “failed”; the row “Kernel and services” names them.",
            units.Short,
            influx(uid, newest('last("failed_units")', STATUS)),
            limits=FAILED,
            if_absent="not measured",
        ),
    ]
