"""What was counted, as figures: percentiles, and how many hosts a kind of server carries by them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

DAY = 86400
MIB = 1024**2
GIB = 1024**3


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest of the values that so many percent of them do not exceed. Raises ValueError when there are none."""
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100).__int__() - 1)]


@dataclass(frozen=True)
class Kind:
    """A kind of server. memory: bytes. cores: CPU time that lasts, in cores (a burstable type's baseline)."""

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
"""Days; this and the data volume as they are by default."""

ROLLED = 0.1
"""Bytes of a day of 5-minute steps, as a share of raw data's (benchmarks/queries)."""


@dataclass(frozen=True)
class Cost:
    """What hosts cost, measured: the baseline without any, and what each of them adds.

    memory: bytes. cores: CPU seconds a second. disk: bytes a day.
    """

    memory_alone: float
    memory: float
    cores_alone: float
    cores: float
    disk: float


@dataclass(frozen=True)
class Limit:
    """How many hosts one resource allows, and the sum that says so."""

    resource: str
    hosts: int
    sum: str


FULL = 0.5
"""Of the data volume: a backup, which is on by default, first writes on it as much as InfluxDB has stored."""

USABLE = 0.85
"""Of the memory: the kernel keeps some to itself, and files need some to be cached in."""


def kept_days(retention: float) -> float:
    """How many days of raw data take as much as everything that is kept: raw data, and 5-minute steps twelve times as
    long. A day of raw data goes at once, and a week of steps, so that much more is there at most."""
    return retention + 1 + ROLLED * (12 * retention + 7)


def limits(kind: Kind, cost: Cost, volume: float = VOLUME, retention: float = RETENTION) -> list[Limit]:
    """How many hosts this kind of server carries, by resource; the scarcest first."""
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
            f"{volume * FULL / MIB:.0f} MiB / ({cost.disk / MIB:.2f} MiB a day x {kept_days(retention):.1f} days)",
        ),
    ]
    return sorted(found, key=lambda limit: limit.hosts)
