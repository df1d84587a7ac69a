"""A day of many hosts' measurements, under the names that our agents' Telegraf writes.

Fields that no query uses are left out: InfluxDB stores each field separately, so they cost a query nothing.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

LEVELS: dict[str, dict[str, tuple[float, float]]] = {
    "cpu,cpu=cpu-total": {
        "usage_idle": (60, 90),
        **{f"usage_{mode}": (0, 9) for mode in ("user", "system", "iowait", "steal")},
        **{f"usage_{mode}": (0, 0.1) for mode in ("nice", "irq", "softirq", "guest", "guest_nice")},
    },
    "mem": {"used_percent": (40, 70)},
    "swap": {"used_percent": (0, 5)},
    "system": {"load1": (0.1, 3), "load5": (0.3, 2), "load15": (0.5, 1)},
    "ext4,device=sda1": {"errors": (0, 0)},
    **{f"diskio,name={disk}": {"io_await": (0.2, 5), "io_util": (0, 20)} for disk in ("sda", "sda1", "sdb")},
}
"""Series -> field -> its lowest and highest value."""

WHOLE: dict[str, dict[str, tuple[int, int]]] = {
    "mem": {
        "total": (16 << 30, 16 << 30),
        "available": (6 << 30, 8 << 30),
        "free": (1 << 30, 2 << 30),
        **dict.fromkeys(("used", "cached", "buffered"), (1 << 30, 4 << 30)),
    },
    "swap": {"total": (1 << 30, 1 << 30), "used": (0, 1 << 20), "free": (1 << 29, 1 << 30)},
    "system": {"n_cpus": (4, 4)},
    "processes": {
        "total": (150, 170),
        "total_threads": (300, 360),
        **dict.fromkeys(("running", "blocked", "zombies", "stopped", "dead", "paging", "unknown"), (0, 3)),
        "sleeping": (140, 150),
    },
}

COUNTERS: dict[str, dict[str, int]] = {
    "system": {"uptime": 10},
    "kernel": {"context_switches": 40_000, "interrupts": 20_000, "processes_forked": 30},
    "swap": {"in": 10, "out": 10},
    **{
        f"diskio,name={disk}": {
            **{"reads": 300, "writes": 500, "read_bytes": 4_000_000, "write_bytes": 9_000_000},
            **{"read_time": 90, "write_time": 200, "io_time": 300},
        }
        for disk in ("sda", "sda1", "sdb")
    },
    **{
        f"net,interface={card}": {
            **{"bytes_recv": 900_000, "bytes_sent": 700_000, "packets_recv": 900, "packets_sent": 800},
            **{"err_in": 0, "err_out": 0, "drop_in": 1, "drop_out": 0},
        }
        for card in ("eth0", "eth1")
    },
}
"""Series -> field -> how much it grows per interval."""

TOTALS = {
    **{"disk_reads": 600, "disk_writes": 1_000, "disk_read_bytes": 8_000_000, "disk_write_bytes": 18_000_000},
    **{"net_bytes_recv": 1_800_000, "net_bytes_sent": 1_400_000, "net_packets_recv": 1_800, "net_packets_sent": 1_600},
    "net_lost": 2,
}
"""The same for `host_status`, which /etc/telegraf/measure measures once a minute."""
MINUTE = 60

FILE_SYSTEMS = ("/", "/var")
SIZE = 100 << 30


class Host:
    """One host. `lines` must be called with increasing times."""

    def __init__(self, name: str, role: str) -> None:
        self._tags = f"host={name},role={role}"
        self._random = random.Random(name)  # noqa: S311 - no secret
        self._counts = {(series, field): 0 for series, fields in COUNTERS.items() for field in fields}
        self._totals = dict.fromkeys(TOTALS, 0)
        self._free = dict.fromkeys(FILE_SYSTEMS, SIZE // 2)

    def lines(self, moment: int, intervals: int = 1) -> Iterator[str]:
        """One point in line protocol. moment: seconds since 1970. intervals: how many since the last one."""
        chance = self._random.random
        fields: dict[str, list[str]] = {}
        for series, levels in LEVELS.items():
            fields[series] = [f"{name}={low + (high - low) * chance():.3f}" for name, (low, high) in levels.items()]
        for series, wholes in WHOLE.items():
            parts = fields.setdefault(series, [])
            parts += [f"{name}={low + int((high - low) * chance())}i" for name, (low, high) in wholes.items()]
        for series, counters in COUNTERS.items():
            parts = fields.setdefault(series, [])
            for name, growth in counters.items():
                self._counts[series, name] += int(growth * intervals * (0.5 + chance()))
                parts.append(f"{name}={self._counts[series, name]}i")
        for path in FILE_SYSTEMS:
            self._free[path] -= int(20_000 * intervals * chance())
            free = self._free[path]
            fields[f"disk,path={path},fstype=ext4,device=sda1"] = [
                f"total={SIZE}i,free={free}i,used={SIZE - free}i,used_percent={100 - 100 * free / SIZE:.4f}",
                f"inodes_total=6000000i,inodes_free=5000000i,inodes_used_percent={16 + chance():.3f}",
            ]
        for name, growth in TOTALS.items():
            self._totals[name] += int(growth * intervals * (0.5 + chance()))
        if moment % MINUTE == 0:
            fields["host_status"] = [f"{name}={value}i" for name, value in self._totals.items()]
        for series, parts in fields.items():
            yield f"{series},{self._tags} {','.join(parts)} {moment}"
