"""The metrics that EC2 publishes about its instances, from the real counters of the machines behind them.

Names, units and meanings: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/viewing_metrics_with_cloudwatch.html.
EBS metrics cover the attached volumes only: the root disk, which is a folder here, has no counters.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.machines import cgroups, network
from sandbox.machines.machine import Machine

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.literals import StandardUnitType
    from mypy_boto3_cloudwatch.type_defs import DimensionTypeDef

NAMESPACE = "AWS/EC2"
SECTOR = 512

EARNED_PER_HOUR: dict[str, dict[str, float]] = {
    "t2": {"nano": 3, "micro": 6, "small": 12, "medium": 24, "large": 36, "xlarge": 54, "2xlarge": 81.6},
    "t3": {"nano": 6, "micro": 12, "small": 24, "medium": 24, "large": 36, "xlarge": 96, "2xlarge": 192},
}
EARNED_PER_HOUR |= {"t3a": EARNED_PER_HOUR["t3"], "t4g": EARNED_PER_HOUR["t3"]}
"""CPU credits per hour by family and size. A credit is one virtual CPU at 100 % for a minute."""

VOLUME_BASELINES: dict[str, tuple[float, float]] = {
    "nano": (5.43e6, 250),
    "micro": (10.86e6, 500),
    "small": (21.75e6, 1000),
    "medium": (43.43e6, 2000),
    "large": (86.86e6, 4000),
}
"""Bytes and requests per second that T3 and T4g instances of a size can sustain to and from their volumes:
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ebs-optimized.html."""

VOLUME_BURST = (260.62e6, 11_800.0)
"""What all these sizes can reach for half an hour a day."""

BURST_SECONDS = 1800


@dataclass(frozen=True)
class Counters:
    """What a machine has used so far. seconds: when the counters were read (monotonic)."""

    seconds: float
    cpu_seconds: float = 0.0
    bytes_in: int = 0
    bytes_out: int = 0
    packets_in: int = 0
    packets_out: int = 0
    read_operations: int = 0
    read_bytes: int = 0
    write_operations: int = 0
    write_bytes: int = 0

    def since(self, before: Counters) -> Counters:
        """What was used in between; a counter that restarted (after a reboot) counts from zero."""
        used = {}
        for name in Counters.__dataclass_fields__:
            now, then = getattr(self, name), getattr(before, name)
            used[name] = now - then if now >= then else now
        return Counters(**used)


@dataclass
class Credits:
    """The CPU credit account of a burstable instance, in credits.

    T2 starts with 30 launch credits per virtual CPU, the later families with none. The balance is capped at a day's
    earnings. kind: the instance type.
    """

    kind: str
    virtual_cpus: int
    balance: float = field(init=False)

    def __post_init__(self) -> None:
        self.balance = 30.0 * self.virtual_cpus if self.kind.startswith("t2.") else 0.0

    @property
    def earned_per_hour(self) -> float | None:
        """The credits earned per hour; None for types without credits."""
        family, _, size = self.kind.partition(".")
        return EARNED_PER_HOUR.get(family, {}).get(size)

    def book(self, seconds: float, used: float) -> None:
        """Add what was earned in `seconds` and subtract what was used."""
        rate = self.earned_per_hour
        if rate is not None:
            self.balance = min(max(self.balance + rate * seconds / 3600 - used, 0.0), rate * 24)


@dataclass
class Burst:
    """An instance's burst balance: how many bytes (or requests) above the baseline it has left.

    baseline: what is always allowed, per second. highest: what is allowed until the balance is used up.
    """

    baseline: float
    highest: float
    used: float = field(default=0.0, init=False)

    def book(self, seconds: float, moved: float) -> None:
        """Subtract what was above the baseline, or give back what was below it."""
        self.used = min(max(self.used + moved - self.baseline * seconds, 0.0), self._all)

    @property
    def percent_left(self) -> float:
        return 100.0 * (1 - self.used / self._all)

    @property
    def _all(self) -> float:
        return (self.highest - self.baseline) * BURST_SECONDS


def bursts(kind: str) -> dict[str, Burst]:
    """The burst balances (bytes and requests) of an instance type by metric name; empty for types without."""
    family, _, size = kind.partition(".")
    if family not in ("t3", "t3a", "t4g") or size not in VOLUME_BASELINES:
        return {}
    names = ("EBSByteBalance%", "EBSIOBalance%")
    pairs = zip(names, VOLUME_BASELINES[size], VOLUME_BURST, strict=True)
    return {name: Burst(baseline, highest) for name, baseline, highest in pairs}


def read_counters(machine: Machine, loops: list[Path]) -> Counters:
    """The machine's counters now; zeros if the machine is off."""
    supervisor = machine.supervisor
    cgroup = cgroups.of(supervisor) if supervisor else None
    statistics = Path("/sys/class/net") / network.port_name(machine.place, machine.address) / "statistics"

    # The host's end of the cable receives what the machine sends.
    def cable(name: str) -> int:
        try:
            return int((statistics / name).read_text())
        except OSError:
            return 0

    disks = [(Path("/sys/block") / loop.name / "stat").read_text().split() for loop in loops]
    try:
        cpu = cgroups.cpu_seconds(cgroup) if cgroup else 0.0
    except OSError:  # the machine has just ended
        cpu = 0.0
    return Counters(
        seconds=time.monotonic(),
        cpu_seconds=cpu,
        bytes_in=cable("tx_bytes"),
        bytes_out=cable("rx_bytes"),
        packets_in=cable("tx_packets"),
        packets_out=cable("rx_packets"),
        read_operations=sum(int(disk[0]) for disk in disks),
        read_bytes=sum(int(disk[2]) for disk in disks) * SECTOR,
        write_operations=sum(int(disk[4]) for disk in disks),
        write_bytes=sum(int(disk[6]) for disk in disks) * SECTOR,
    )


def values(used: Counters, virtual_cpus: int, *, healthy: bool) -> dict[str, tuple[float, StandardUnitType]]:
    """The metrics of one period: name → (value, unit). healthy: whether the machine is running and plugged in."""
    seconds = max(used.seconds, 1e-3)
    failed = 0.0 if healthy else 1.0
    return {
        "CPUUtilization": (min(100.0 * used.cpu_seconds / seconds / virtual_cpus, 100.0), "Percent"),
        "NetworkIn": (used.bytes_in, "Bytes"),
        "NetworkOut": (used.bytes_out, "Bytes"),
        "NetworkPacketsIn": (used.packets_in, "Count"),
        "NetworkPacketsOut": (used.packets_out, "Count"),
        "EBSReadOps": (used.read_operations, "Count"),
        "EBSWriteOps": (used.write_operations, "Count"),
        "EBSReadBytes": (used.read_bytes, "Bytes"),
        "EBSWriteBytes": (used.write_bytes, "Bytes"),
        "StatusCheckFailed": (failed, "Count"),
        "StatusCheckFailed_Instance": (failed, "Count"),
        "StatusCheckFailed_System": (0.0, "Count"),
    }


class Meter:
    """Reads one instance's counters and publishes what it has used since the last time."""

    def __init__(self, machine: Machine, kind: str, virtual_cpus: int) -> None:
        self.machine = machine
        self.credits = Credits(kind, virtual_cpus)
        self.bursts = bursts(kind)
        self._last = read_counters(machine, [])

    def publish(self, cloudwatch: CloudWatchClient, loops: list[Path], *, healthy: bool) -> None:
        """Put one data point of each metric into CloudWatch, with the dimension InstanceId."""
        now = read_counters(self.machine, loops)
        used = now.since(self._last)
        self._last = now
        points = values(used, self.credits.virtual_cpus, healthy=healthy)
        if self.credits.earned_per_hour is not None:
            spent = used.cpu_seconds / 60
            self.credits.book(used.seconds, spent)
            points["CPUCreditUsage"] = (spent, "Count")
            points["CPUCreditBalance"] = (self.credits.balance, "Count")
        moved = {
            "EBSByteBalance%": used.read_bytes + used.write_bytes,
            "EBSIOBalance%": used.read_operations + used.write_operations,
        }
        for name, burst in self.bursts.items():
            burst.book(used.seconds, moved[name])
            points[name] = (burst.percent_left, "Percent")
        dimensions: list[DimensionTypeDef] = [{"Name": "InstanceId", "Value": self.machine.id}]
        cloudwatch.put_metric_data(
            Namespace=NAMESPACE,
            MetricData=[
                {"MetricName": name, "Value": value, "Unit": unit, "Dimensions": dimensions}
                for name, (value, unit) in points.items()
            ],
        )
