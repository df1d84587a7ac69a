"""Durations in alerting's format: `5m`, `1h30m`, `4d`."""

from __future__ import annotations

import re

from .http import invalid

_PART = re.compile(r"(\d+)(ms|s|m|h|d|w|y)")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "y": 31536000}


def parse_duration(written: str, name: str) -> float:
    """Parse a duration to seconds; 400, naming the setting `name`, for anything that is not a duration."""
    if written == "0":
        return 0
    if not re.fullmatch(rf"(?:{_PART.pattern})+", written):
        raise invalid(f"{name}: not a valid duration string: {written!r}")
    return sum(int(number) * _SECONDS[unit] for number, unit in _PART.findall(written))
