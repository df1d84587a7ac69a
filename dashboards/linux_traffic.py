"""The rows "Disks" and "Network" of "Linux hosts".

There are no lines per disk, file system or interface: each panel says whether it adds up a host's or takes the worst.
Single file systems are rows of a table.
"""

from __future__ import annotations

from grafana_foundation_sdk.builders import table
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import (
    DashboardRangeMapOptions,
    DynamicConfigValue,
    RangeMap,
    ValueMapping,
    ValueMappingResult,
)

from dashboards import looks, tables
from dashboards.linux_lines import MINUTELY, NO_TOTALS, band, both_ways, lines_by_host
from dashboards.lists import rows_of
from dashboards.looks import Limits
from dashboards.page import Row
from dashboards.queries import (
    BY_HOST,
    HOST,
    PEAK,
    REAL_FILE_SYSTEMS,
    SHOWN,
    STATUS,
    TREND,
    WHOLE_DISKS,
    InfluxQuery,
    influx,
    rate_by_host,
    select,
    speed,
    worst_by_host,
)

YEAR = 365 * 86400
"""Seconds."""


def disks(uid: str) -> Row:
    """File systems with their time to full, and their disks' activity."""
    return Row(
        "Disks",
        [
            _file_systems(uid),
            band(
                uid,
                "File systems of all hosts",
                "file systems of the chosen hosts",
                'mean("used_percent")',
                "disk",
                highest=f'max("used_percent{PEAK}")',
                where=REAL_FILE_SYSTEMS,
                each=(BY_HOST, '"path"'),
                limits=looks.DISK,
            ),
            lines_by_host(
                uid,
                "Fullest file system over time",
                "The highest use of any of a host's file systems.",
                units.Percent,
                worst_by_host("used_percent", "disk", where=REAL_FILE_SYSTEMS),
                limits=looks.DISK,
                full=100,
            ),
            lines_by_host(
                uid,
                "Inodes",
                "The highest share of used inodes of any of a host's file systems: without inodes no"
                " file can be created even if there is space.",
                units.Percent,
                worst_by_host("inodes_used_percent", "disk", where=REAL_FILE_SYSTEMS),
                limits=looks.DISK,
                full=100,
            ),
            both_ways(
                uid,
                "Disk traffic",
                "All disks of a host combined; written above the line, read below it.",
                units.BytesPerSecondIEC,
                written="disk_write_bytes",
                read="disk_read_bytes",
            ),
            both_ways(
                uid,
                "Disk requests",
                "All disks of a host combined; writes above the line, reads below it.",
                units.IOOpsPerSecond,
                writes="disk_writes",
                reads="disk_reads",
            ),
            lines_by_host(
                uid,
                "Disk latency",
                "How long a request took on average, waiting in the queue included, on the host's slowest disk in its"
                " slowest interval.",
                units.Milliseconds,
                worst_by_host("io_await", "diskio", where=WHOLE_DISKS),
                limits=Limits(20, 100),
                width=8,
            ),
            lines_by_host(
                uid,
                "Disk busy",
                "Share of time with at least one request in progress, on the host's busiest disk. A disk that"
                " serves many at once can be 100 % busy and still have room: look at the latency.",
                units.Percent,
                worst_by_host("io_util", "diskio", where=WHOLE_DISKS),
                full=100,
                width=8,
            ),
            lines_by_host(
                uid,
                "Disk errors",
                "Errors of a host's ext4 file systems since they were last checked (e2fsck resets the"
                " count): metadata they could not read, write or verify. Only ext4 counts; a host without ext4 has no"
                " line.",
                units.Short,
                worst_by_host("errors", "ext4"),
                limits=looks.ERRORS,
                width=8,
            ),
        ],
    )


def network(uid: str) -> Row:
    """Traffic, packets, and packets that were lost."""
    return Row(
        "Network",
        [
            both_ways(
                uid,
                "Network traffic",
                "All network cards of a host combined; sent above the line, received below it.",
                units.BytesPerSecondIEC,
                width=8,
                sent="net_bytes_sent",
                received="net_bytes_recv",
            ),
            both_ways(
                uid,
                "Packets",
                "All network cards of a host combined; sent above the line, received below it.",
                units.PacketsPerSecond,
                width=8,
                sent="net_packets_sent",
                received="net_packets_recv",
            ),
            lines_by_host(
                uid,
                "Errors and drops",
                f"Packets lost at the network cards, both ways. Zero on a healthy host. {MINUTELY}",
                looks.LOST_PACKETS,
                rate_by_host(("net_lost",), STATUS),
                limits=Limits(1, 100),
                width=8,
            ).no_value(NO_TOTALS),
        ],
    )


def _file_systems(uid: str) -> table.Panel:
    """One row per file system, the fullest first. Time to full is computed as in the alert "Disk fills up": from the
    rate between the first and the last existing value, whatever the time range. Without growth it is 0."""
    each = (BY_HOST, '"path"')
    newest = select(
        'last("total") AS "total", last("free") AS "free", last("used_percent") AS "used"',
        "disk",
        SHOWN,
        REAL_FILE_SYSTEMS,
        group=each,
    )
    growth = speed("free", "disk", HOST, f"time > now() - {TREND}", REAL_FILE_SYSTEMS, group=each)
    known = ", ".join(f'last("{name}") AS "{name}"' for name in ("total", "free", "used", "derivative"))
    both = f"time >= ${{__from}}ms - {TREND}"  # the time shown, and the last hours
    together = f"SELECT {known} FROM ({newest}), ({growth}) WHERE {both} GROUP BY {', '.join(each)}"  # noqa: S608
    # A file system that was unmounted before the time range has only a trend.
    until_full = '"free" / (0 - "derivative") AS "full"'
    rows = select(f'"total", "free", "used", {until_full}', together, both, '"total" > 0', group=each)
    titles = {
        "host": "Host",
        "path": "Mounted at",
        "total": "Size",
        "free": "Free",
        "used": "Used",
        "full": "Time to full",
    }
    return (
        rows_of(
            "File systems",
            f"Time to full assumes that a file system keeps growing as it did in the last {TREND} (or as long as it is"
            " known), whatever the time range: one big file distorts it. Red: full within four hours, orange: within a"
            " day.",
            units.BytesIEC,
            influx(uid, InfluxQuery(rows, table=True)),
            [tables.columns("A", rename=titles, drop=["Time"], order=list(titles))],
        )
        .sort_by([tables.sorted_by("Used", falling=True)])
        .override_by_name("Host", looks.host_column())
        .override_by_name("Used", [looks.unit(units.Percent), *looks.bar(looks.DISK, 100)])
        .override_by_name(
            "Time to full",
            [
                looks.unit(units.Seconds),
                DynamicConfigValue("mappings", _not_filling_up()),
                *looks.coloured(looks.TIME_TO_FULL),
            ],
        )
    )


def _not_filling_up() -> list[ValueMapping]:
    shrinking = DashboardRangeMapOptions(None, 0, ValueMappingResult("not filling up", looks.QUIET, index=0))
    slowly = DashboardRangeMapOptions(YEAR, None, ValueMappingResult("over a year", looks.QUIET, index=1))
    return [RangeMap(shrinking), RangeMap(slowly), looks.when_absent("not enough data", looks.QUIET)]
