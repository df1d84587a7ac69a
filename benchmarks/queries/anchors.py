"""The queries of two published dashboards for Telegraf's measurements, in our own words.

https://grafana.com/grafana/dashboards/928 and https://grafana.com/grafana/dashboards/1375: the lists describe what they
show, are not taken from their JSON, and neither is part of this repository. Both query every panel at once, group by
`$inter` (10 s and up), and have series for each disk, interface and file system. Inputs that our agents do not have
(netstat, single cores) are left out: they cost nothing without data.
"""

from __future__ import annotations

from collections.abc import Sequence

STEP = 10
"""Seconds: the finest step of both."""

CPU = ("user", "system", "softirq", "steal", "nice", "irq", "iowait", "guest", "guest_nice")
MEMORY = ("total", "used", "cached", "free", "buffered")
PROCESSES = ("running", "blocked", "sleeping", "stopped", "zombies", "dead", "paging", "unknown")
TOTAL = "\"cpu\" = 'cpu-total'"


def _means(fields: Sequence[str]) -> str:
    return ", ".join(f'mean("{field}")' for field in fields)


def _rates(fields: Sequence[str]) -> str:
    return ", ".join(f'non_negative_derivative(mean("{field}"), 1s)' for field in fields)


def _asked(what: str, source: str, where: str = "", group: str = "*") -> str:
    chosen = f" AND {where}" if where else ""
    by = f", {group}" if group else ""
    return (
        f'SELECT {what} FROM "{source}" WHERE "host" =~ /^$host$/ AND $timeFilter{chosen}'  # noqa: S608 - constants
        f" GROUP BY time($__interval){by}"
    )


NUMBERS = (
    _asked('last("uptime")', "system", group=""),
    _asked('mean("load5")', "system", group=""),
    _asked('mean("total")', "processes", group=""),
    _asked('mean("total_threads")', "processes", group=""),
    _asked('mean("zombies")', "processes", group=""),
    _asked('mean("usage_idle") * -1 + 100', "cpu", TOTAL, group=""),
    _asked('mean("usage_iowait")', "cpu", TOTAL, group=""),
    _asked('mean("used_percent")', "mem", group=""),
    _asked('mean("used_percent")', "swap", group=""),
    _asked('mean("used_percent")', "disk", "\"path\" = '/'", group=""),
)

SYSTEM_928 = (
    *NUMBERS,
    _asked(_means([f"usage_{field}" for field in CPU]), "cpu", TOTAL),
    _asked(_means(("load1", "load5", "load15")), "system"),
    _asked(_means(MEMORY), "mem"),
    _asked(_means(PROCESSES), "processes"),
    _asked(_rates(("context_switches",)), "kernel"),
    _asked(_rates(("interrupts",)), "kernel"),
    _asked(_rates(("processes_forked",)), "kernel"),
    _asked(_means(("total", "used")), "swap"),
    _asked(_rates(("in", "out")), "swap"),
    _asked(_rates(("bytes_recv",)), "net"),
    _asked(_rates(("bytes_sent",)), "net"),
    _asked(_rates(("packets_recv", "packets_sent")), "net"),
    _asked(_rates(("err_in", "err_out", "drop_in", "drop_out")), "net"),
    _asked(_rates(("reads",)), "diskio"),
    _asked(_rates(("writes",)), "diskio"),
    _asked(_rates(("read_bytes",)), "diskio"),
    _asked(_rates(("write_bytes",)), "diskio"),
    _asked(_rates(("read_time",)), "diskio"),
    _asked(_rates(("write_time",)), "diskio"),
    _asked(_means(("used_percent",)), "disk"),
    _asked(_means(("free", "total")), "disk"),
    _asked(_means(("inodes_free", "inodes_total")), "disk"),
)

HOST_1375 = (
    _asked('last("uptime")', "system", group='"host"'),
    _asked(_means([f"usage_{field}" for field in CPU]), "cpu", TOTAL, group='"host"'),
    *(_asked(_means((load,)), "system", group='"host"') for load in ("load1", "load5", "load15")),
    *(_asked(_means((field,)), "mem", group='"host"') for field in MEMORY),
    *(_asked(_means((field,)), "swap", group='"host"') for field in ("used", "total")),
    *(_asked(_rates((field,)), "swap", group='"host"') for field in ("in", "out")),
    *(_asked(_means((field,)), "processes", group='"host"') for field in ("total", *PROCESSES)),
    *(
        _asked(_rates((field,)), "net", group='"host", "interface"')
        for field in ("bytes_recv", "bytes_sent", "packets_recv", "packets_sent", "drop_in", "drop_out")
    ),
    *(
        _asked(_rates((field,)), "diskio", group='"host", "name"')
        for field in ("read_bytes", "write_bytes", "reads", "writes", "io_time")
    ),
    *(_asked(_means((field,)), "disk", group='"host", "path"') for field in ("total", "free", "used")),
    *(_asked(_means((field,)), "disk", group='"host", "path"') for field in ("inodes_total", "inodes_free")),
    _asked(_rates(("context_switches", "interrupts")), "kernel", group='"host"'),
)

ANCHORS = {"928": SYSTEM_928, "1375": HOST_1375}
