"""Figures from what was counted: percentiles, and how many hosts a kind of server can handle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

DAY = 86400
MIB = 1024**2
GIB = 1024**3


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that this percentage of the values does not exceed. Raises ValueError if there are none."""
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100).__int__() - 1)]


@dataclass(frozen=True)
class Kind:
    """A kind of server. memory: bytes. cores: sustained CPU time, in cores (a burstable type's baseline)."""

    name: str
    memory: float
    cores: float


KINDS = (
    Kind("t4g.small", 2 * GIB, 2 * 0.2),
    Kind("t4g.medium", 4 * GIB, 2 * 0.2),
    Kind("t4g.large", 8 * GIB, 2 * 0.3),
    Kind("m7g.large", 8 * GIB, 2),
    Kind("m7g.xlarge", 16 * GIB, 4),
)
"""https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/burstable-credits-baseline-concepts.html; the first is the
default."""

VOLUME = 20 * GIB
RETENTION = 30
"""Days. This and the data volume are the defaults."""

ROLLED = 0.1
"""The size of a day of 5-minute steps, as a share of raw data's (benchmarks/queries)."""


@dataclass(frozen=True)
class Cost:
    """What hosts cost, measured: the baseline without any, and what each of them adds.

    memory: bytes. cores: CPU seconds per second. disk: bytes per day.
    """

    memory_alone: float
    memory: float
    cores_alone: float
    cores: float
    disk: float


@dataclass(frozen=True)
class Limit:
    """How many hosts one resource allows, and how that was calculated."""

    resource: str
    hosts: int
    sum: str


FULL = 0.5
"""The usable share of the data volume: a backup, which is on by default, first writes a copy of InfluxDB's data."""

USABLE = 0.85
"""The usable share of the memory: the kernel needs some, and so does the cache of files."""


def kept_days(retention: float) -> float:
    """The number of days of raw data that have the size of everything that is kept: raw data, and 5-minute steps twelve
    times as long. Raw data is deleted by the day and steps by the week, so up to that much more exists."""
    return retention + 1 + ROLLED * (12 * retention + 7)


def limits(kind: Kind, cost: Cost, volume: float = VOLUME, retention: float = RETENTION) -> list[Limit]:
    """How many hosts this kind of server can handle, by resource; the scarcest first."""
    room = kind.memory * USABLE
    memory = (room - cost.memory_alone) / cost.memory
    cores = (kind.cores - cost.cores_alone) / cost.cores
    kept = cost.disk * kept_days(retention)
    disk = volume * FULL / kept
    found = [
        Limit(
            "memory",
            max(0, int(memory)),
            f"({room / MIB:.0f} MiB - {cost.memory_alone / MIB:.0f} MiB) / {cost.memory / MIB:.2f} MiB",
        ),
        Limit("CPU", max(0, int(cores)), f"({kind.cores:.2f} - {cost.cores_alone:.3f} cores) / {cost.cores:.5f} cores"),
        Limit(
            "disk",
            max(0, int(disk)),
            f"{volume * FULL / MIB:.0f} MiB / ({cost.disk / MIB:.2f} MiB per day x {kept_days(retention):.1f} days)",
        ),
    ]
    return sorted(found, key=lambda limit: limit.hosts)
