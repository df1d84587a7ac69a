"""Time ranges and intervals in the format of Grafana's query API."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from .errors import ApiError

_RELATIVE = re.compile(r"^now(?:(?P<sign>[+-])(?P<number>\d+)(?P<unit>[smhdwMy]))?(?:/[smhdwMy])?$")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400, "M": 30 * 86400, "y": 365 * 86400}
_DURATION = re.compile(r"^(\d+(?:\.\d+)?)(ms|s|m|h|d|w|y)?$")
_INTERVAL_UNITS = (
    ("y", 365 * 86400_000),
    ("d", 86400_000),
    ("h", 3600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
)


@dataclass(frozen=True)
class TimeRange:
    """Start and end in milliseconds since 1970, the panel's step, and the number of points that it can draw."""

    start_ms: int
    end_ms: int
    interval_ms: int = 1000
    max_data_points: int = 100

    @property
    def start(self) -> datetime:
        """The range's start as an aware datetime."""
        return datetime.fromtimestamp(self.start_ms / 1000, UTC)

    @property
    def end(self) -> datetime:
        """The range's end as an aware datetime."""
        return datetime.fromtimestamp(self.end_ms / 1000, UTC)


def parse_instant(value: Any, now: datetime) -> int:
    """Parse `1700000000000`, `"now-1h"` or an RFC 3339 time to milliseconds since 1970; 400 for anything else."""
    written = str(value).strip()
    if re.fullmatch(r"-?\d+", written):
        return int(written)
    match = _RELATIVE.match(written)
    if match:
        moment = now
        if match["number"]:
            shift = timedelta(seconds=int(match["number"]) * _SECONDS[match["unit"]])
            moment = now - shift if match["sign"] == "-" else now + shift
        return int(moment.timestamp() * 1000)
    try:
        return int(datetime.fromisoformat(written).timestamp() * 1000)
    except ValueError:
        raise ApiError(400, f"error parsing time {written!r}") from None


def parse_range(start: Any, end: Any, interval_ms: Any, max_data_points: Any) -> TimeRange:
    """Parse a time range. The interval and the number of points default to Grafana's 1 s and 100."""
    now = datetime.now(UTC)
    return TimeRange(
        parse_instant(start, now),
        parse_instant(end, now),
        max(1, int(float(interval_ms or 1000))),
        max(1, int(float(max_data_points or 100))),
    )


def format_interval(milliseconds: int) -> str:
    """An interval as Grafana writes it, in the largest whole unit: 90000 is `1m`, 15000 is `15s`."""
    for unit, size in _INTERVAL_UNITS:
        if milliseconds >= size:
            return f"{milliseconds // size}{unit}"
    return "1ms"


def parse_seconds(written: str) -> int:
    """Parse `300`, `5m` or `1h` to whole seconds; ValueError for anything else."""
    match = _DURATION.match(written.strip())
    if match is None:
        raise ValueError(f"{written!r} is not a duration")
    unit = match[2] or "s"
    return int(float(match[1]) * (0.001 if unit == "ms" else _SECONDS[unit]))
