"""CloudWatch's arithmetic: pure functions from data points to the series that it returns.

docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

PERCENTILE = re.compile(r"p(100|\d{1,2}(?:\.\d+)?)$")
PLAIN = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")
SHORT_PERIODS = (1, 5, 10, 20, 30)


class UnsupportedError(Exception):
    """Something that CloudWatch refuses, or that the local AWS cannot answer correctly."""


@dataclass(frozen=True)
class Point:
    """One datum: a value, or statistics of several values. at: seconds since 1970; unit: as it was sent."""

    at: float
    count: float
    total: float
    low: float
    high: float
    unit: str | None = None


Series = dict[int, float]
"""Values by the start of their period, in seconds since 1970, ascending."""


@dataclass(frozen=True)
class Metric:
    """A metric's identity."""

    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]]

    @property
    def values(self) -> Mapping[str, str]:
        """The dimensions as a mapping."""
        return dict(sorted(self.dimensions))


def check_period(period: int) -> None:
    """Raises UnsupportedError for a period that CloudWatch does not have."""
    if period not in SHORT_PERIODS and (period < 60 or period % 60):
        raise UnsupportedError(f"Period must be 1, 5, 10, 20, 30 or a multiple of 60, not {period}.")


def check_statistic(name: str) -> None:
    """Raises UnsupportedError for a statistic that the local AWS cannot compute."""
    if name not in PLAIN and not PERCENTILE.match(name):
        raise UnsupportedError(f"The local AWS computes {', '.join(PLAIN)} and percentiles, not {name}.")


def series(points: Iterable[Point], statistic: str, period: int, start: float, end: float) -> Series:
    """A statistic over each period that has data. Periods are aligned to the clock; `end` is exclusive.

    `start` is rounded down to a whole period, so that the first one is complete.
    """
    check_period(period)
    check_statistic(statistic)
    first = math.floor(start / period) * period
    buckets: dict[int, list[Point]] = defaultdict(list)
    for point in points:
        if first <= point.at < end:
            buckets[math.floor(point.at / period) * period].append(point)
    found = {begin: compute(buckets[begin], statistic) for begin in sorted(buckets)}
    return {begin: value for begin, value in found.items() if value is not None}


def compute(points: list[Point], statistic: str) -> float | None:
    """One statistic of a period's points; None for a percentile of statistic sets, whose values are unknown."""
    count = sum(point.count for point in points)
    total = math.fsum(point.total for point in points)
    plain = {
        "SampleCount": count,
        "Average": total / count if count else None,
        "Sum": total,
        "Minimum": min(point.low for point in points),
        "Maximum": max(point.high for point in points),
    }
    if statistic in plain:
        return plain[statistic]
    # The values of a statistic set are known only if there is a single one, or all are the same.
    if any(point.count != 1 and point.low != point.high for point in points):
        return None
    return percentile([(point.low, point.count) for point in points], float(statistic[1:]))


def percentile(values: list[tuple[float, float]], percent: float) -> float:
    """The value below which `percent` of the weight lies, interpolated linearly. values: with their sample counts."""
    ordered = sorted(value for value, count in values for _ in range(max(1, int(count))))
    position = (len(ordered) - 1) * percent / 100
    below = math.floor(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)
