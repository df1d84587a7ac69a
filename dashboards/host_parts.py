"""The collapsed rows of "Linux host" with a line per core, disk, file system and interface of one host."""

from __future__ import annotations

from grafana_foundation_sdk.builders import timeseries
from grafana_foundation_sdk.models import units

from dashboards import looks
from dashboards.looks import Limits
from dashboards.page import Row
from dashboards.panels import lines, mirrored
from dashboards.queries import (
    BY_HOST,
    OUTWARD_INTERFACES,
    REAL_FILE_SYSTEMS,
    SHOWN,
    STEP,
    WHOLE_DISKS,
    InfluxQuery,
    influx,
    per_second,
    select,
)


def cores(uid: str) -> Row:
    """One line per core."""
    query = of_each("cpu", '100 - mean("usage_idle")', "cpu", "\"cpu\"::tag != 'cpu-total'")
    text = "One core at 100 % is usually a program with a single thread, which other cores cannot help."
    return Row("Cores", [lines("CPU use by core", text, units.Percent, influx(uid, query), full=100, width=24)])


def disks(uid: str) -> Row:
    """Traffic, requests, latency and use of each disk, its partitions included."""
    disk = ("name", "diskio", WHOLE_DISKS)
    panels = [
        _both_ways(
            uid,
            "Traffic by disk",
            "Written above the line, read below it.",
            units.BytesPerSecondIEC,
            disk,
            written="write_bytes",
            read="read_bytes",
        ),
        _both_ways(
            uid,
            "Requests by disk",
            "Writes above the line, reads below it.",
            units.IOOpsPerSecond,
            disk,
            written="writes",
            read="reads",
        ),
        lines(
            "Latency by disk",
            "How long a request took on average, including its wait in the queue.",
            units.Milliseconds,
            influx(uid, of_each("name", 'max("io_await")', "diskio", WHOLE_DISKS)),
            limits=Limits(20, 100),
        ),
        lines(
            "Busy time by disk",
            "Share of time with at least one request under way.",
            units.Percent,
            influx(uid, of_each("name", 'max("io_util")', "diskio", WHOLE_DISKS)),
            full=100,
        ),
    ]
    return Row("Disks, each", panels)


def file_systems(uid: str) -> Row:
    """Space and inodes of each mount."""
    panels = [
        lines(
            title,
            text,
            units.Percent,
            influx(uid, of_each("path", f'max("{field}")', "disk", REAL_FILE_SYSTEMS)),
            limits=looks.DISK,
            full=100,
        )
        for title, text, field in (
            ("Use by mount", "Share of each file system's space that is in use.", "used_percent"),
            (
                "Inodes by mount",
                "Without free inodes no file can be created, even if there is space.",
                "inodes_used_percent",
            ),
        )
    ]
    return Row("File systems, each", panels)


def interfaces(uid: str) -> Row:
    """Traffic, packets and losses of each network card."""
    card = ("interface", "net", OUTWARD_INTERFACES)
    lost = " + ".join(per_second(counter) for counter in ("err_in", "err_out", "drop_in", "drop_out"))
    panels = [
        _both_ways(
            uid,
            "Traffic by interface",
            "Sent above the line, received below it.",
            units.BytesPerSecondIEC,
            card,
            width=8,
            sent="bytes_sent",
            received="bytes_recv",
        ),
        _both_ways(
            uid,
            "Packets by interface",
            "Sent above the line, received below it.",
            units.PacketsPerSecond,
            card,
            width=8,
            sent="packets_sent",
            received="packets_recv",
        ),
        lines(
            "Errors and drops by interface",
            "Packets lost, both ways. Zero on a healthy host.",
            looks.LOST_PACKETS,
            influx(uid, of_each("interface", lost, "net", OUTWARD_INTERFACES)),
            limits=Limits(1, 100),
            width=8,
        ),
    ]
    return Row("Interfaces, each", panels)


def of_each(tag: str, value: str, measurement: str, where: str, *, alias: str = "") -> InfluxQuery:
    """One line per value of the tag: a core, a disk, a mount, an interface."""
    text = select(value, measurement, SHOWN, where, group=(STEP, BY_HOST, f'"{tag}"'))
    return InfluxQuery(text, alias or f"$tag_{tag}")


def _both_ways(
    uid: str, title: str, text: str, unit: str, source: tuple[str, str, str], *, width: int = 12, **counters: str
) -> timeseries.Panel:
    """Two counters (name -> field) of each of the tag's values, the second mirrored below the line.

    source: the tag, the measurement, and the condition for its series.
    """
    tag, measurement, where = source
    rates = ", ".join(f'{per_second(field)} AS "{name}"' for name, field in counters.items())
    query = of_each(tag, rates, measurement, where, alias=f"$tag_{tag} $col")
    panel = lines(title, text, unit, influx(uid, query), width=width, from_zero=False)
    return mirrored(panel, list(counters)[1])
