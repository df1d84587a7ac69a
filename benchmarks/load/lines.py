"""InfluxDB's line protocol: reads what one agent sent, and writes it as many hosts with changing values.

Values change so that they cost as much as real ones: fractions of which no two are alike, counters that grow unevenly.
https://docs.influxdata.com/influxdb/v1/write_protocols/line_protocol_reference/
"""

from __future__ import annotations

import re
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from random import Random

LINE = re.compile(r'((?:\\.|[^\\ ])+) ((?:"(?:\\.|[^\\"])*"|\\.|[^ "\\])+) (\d+)')
PAIR = re.compile(r'((?:\\.|[^\\=,])+)=("(?:\\.|[^\\"])*"|(?:\\.|[^\\,])*)(?:,|$)')
LARGE = 1000
"""Numbers above it differ between hosts from the start; small ones, such as a number of processors, do not."""

Value = Callable[[], str]
"""Returns a field's next value, as written in a line."""


@dataclass(frozen=True)
class Point:
    """One line. measurement, tags, fields: still escaped. time: nanoseconds since 1970."""

    measurement: str
    tags: dict[str, str]
    fields: dict[str, str]
    time: int

    @property
    def series(self) -> str:
        return ",".join([self.measurement, *(f"{name}={value}" for name, value in self.tags.items())])

    def of(self, host: str) -> Point:
        """The same point of another host."""
        return Point(self.measurement, self.tags | {"host": host}, self.fields, self.time)


def parsed(line: str) -> Point:
    """The point in a line. Raises ValueError, which shows the line."""
    found = LINE.fullmatch(line)
    if found is None:
        raise ValueError(f"not a line of InfluxDB's protocol: {line!r}")
    measurement, _, tags = re.sub(r"(?<!\\),", "\0", found[1], count=1).partition("\0")
    return Point(measurement, dict(PAIR.findall(tags)), dict(PAIR.findall(found[2])), int(found[3]))


Shape = tuple[str, tuple[str, ...]]
"""A series and its fields' names: a measurement such as `system` comes in several lines of the same series."""


@dataclass(frozen=True)
class Pattern:
    """What an agent sends repeatedly. lines: by shape, oldest first. every: intervals between two lines of a shape."""

    lines: dict[Shape, list[Point]]
    every: dict[Shape, int]

    @classmethod
    def of(cls, points: Iterable[Point], interval: int) -> Pattern:
        """The pattern of these points. interval: the agent's, in seconds. A line seen once is measured each minute."""
        found: dict[Shape, list[Point]] = defaultdict(list)
        for point in sorted(points, key=lambda each: each.time):
            found[point.series, tuple(sorted(point.fields))].append(point)
        # A first line lacks fields that need two rounds, such as a disk's utilisation.
        whole = {shape: seen for shape, seen in found.items() if not any(_part(shape, other) for other in found)}
        a_minute = max(1, 60 // interval)
        return cls(whole, {shape: a_minute if len(seen) == 1 else 1 for shape, seen in whole.items()})

    @property
    def series(self) -> set[str]:
        return {series for series, _ in self.lines}

    @property
    def values_each_interval(self) -> float:
        return sum(len(fields) / self.every[series, fields] for series, fields in self.lines)


def _part(shape: Shape, other: Shape) -> bool:
    return shape[0] == other[0] and set(shape[1]) < set(other[1])


class Host:
    """A simulated host: the pattern under another name, with different values."""

    def __init__(self, name: str, pattern: Pattern) -> None:
        self.name = name
        random = Random(name)  # noqa: S311 - values, not secrets
        self._lines: list[tuple[int, str, list[tuple[str, Value]]]] = []
        for (series, fields), points in pattern.lines.items():
            values = [(field, moving([point.fields[field] for point in points], field, random)) for field in fields]
            self._lines.append((pattern.every[series, fields], points[0].of(name).series, values))

    def lines(self, moment: int, interval: int) -> list[str]:
        """Everything this host measures at a moment (seconds since 1970, a multiple of the interval)."""
        turn = moment // interval
        return [
            f"{series} {','.join(f'{field}={value()}' for field, value in fields)} {moment}000000000"
            for every, series, fields in self._lines
            if turn % every == 0
        ]


def moving(seen: list[str], field: str, random: Random) -> Value:
    """The continuation of a field with these values: a counter grows, a gauge wanders, the rest stays."""
    if seen[0][0] in '"tTfF':
        return lambda: seen[-1]
    whole = seen[0].endswith(("i", "u"))
    numbers = [float(value.rstrip("iu")) for value in seen]
    steps = [after - before for before, after in pairwise(numbers)]
    now = numbers[-1]
    if whole and not any(steps):
        own = round(now * random.uniform(0.5, 1.5)) if now > LARGE else round(now)
        return lambda: f"{own}{seen[0][-1]}"
    if whole and min(steps) >= 0:
        return _counter(now * random.uniform(0.5, 1.5), statistics.mean(steps), seen[0][-1], random)
    step = max(statistics.pstdev(steps or [0.0]), abs(now) / 100)
    highest = 100.0 if "percent" in field or field.startswith("usage_") else max(4 * max(numbers), 1.0)
    return _gauge(now, step, highest, seen[0][-1] if whole else "", random)


def _counter(now: float, mean: float, suffix: str, random: Random) -> Value:
    def value() -> str:
        nonlocal now
        now += random.expovariate(1 / mean)
        return f"{round(now)}{suffix}"

    return value


def _gauge(now: float, step: float, highest: float, suffix: str, random: Random) -> Value:
    """A walk between zero and `highest`. A value that was always zero stays near it."""

    def value() -> str:
        nonlocal now
        now = min(max(now + random.uniform(-step, step), 0.0), highest)
        return f"{round(now)}{suffix}" if suffix else repr(now)

    return value
