"""The subset of Go's templates that rules use in annotations and labels.

`{{ $labels.NAME }}`, also with `urlquery`, `{{ externalURL }}`, `{{ $value }}`, and `{{ $values.REF.Value }}`, also
with `printf "%.1f"`, `humanize`, `humanizeDuration` and `humanizePercentage`. A text with anything else stays as it is,
like an invalid template in Grafana.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from urllib.parse import quote_plus

_ACTION = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}", re.S)
_LABEL = re.compile(r"(urlquery\s+)?(?:\$labels|\.Labels)\.(\w+)")
_NUMBER = re.compile(
    r'(?:(?P<function>humanize\w*|printf)\s+)?(?:"(?P<format>%[.\d]*[fgde])"\s+)?\$values\.(?P<ref>\w+)(?:\.Value)?'
)
_UNITS = ((86400, "d"), (3600, "h"), (60, "m"))


def expand(text: str, labels: Mapping[str, str], values: Mapping[str, float | None], root: str = "") -> str:
    """Replace the actions in a text. root: Grafana's own URL with a trailing slash (`externalURL`)."""
    try:
        return _ACTION.sub(lambda match: root if match[1] == "externalURL" else _action(match[1], labels, values), text)
    except (KeyError, ValueError, TypeError):
        return text


def _action(action: str, labels: Mapping[str, str], values: Mapping[str, float | None]) -> str:
    if label := _LABEL.fullmatch(action):
        value = labels.get(label[2], "[no value]")
        return quote_plus(value) if label[1] else value
    if action == "$value":
        return ", ".join(f"[ var='{name}' value={value} ]" for name, value in values.items())
    number = _NUMBER.fullmatch(action)
    if number is None:
        raise ValueError(action)
    if number["ref"] not in values:
        return "[no value]"
    found = values[number["ref"]]
    return _shown(math.nan if found is None else found, number["function"] or "", number["format"] or "")


def _shown(value: float, function: str, pattern: str) -> str:
    if function == "printf":
        return pattern % value
    if function == "humanizeDuration":
        return humanize_duration(value)
    return f"{value * 100:.4g}%" if function == "humanizePercentage" else f"{value:g}"


def humanize_duration(seconds: float) -> str:
    """A duration as Prometheus writes it: `1d 2h 3m 4s`, or `4.5s` below a minute."""
    if not math.isfinite(seconds):
        return f"{seconds:g}"
    if abs(seconds) < 60:
        return f"{seconds:.4g}s"
    sign, left = ("-" if seconds < 0 else ""), int(abs(seconds))
    parts: list[str] = []
    for size, unit in _UNITS:
        if left >= size or parts:
            parts.append(f"{left // size}{unit}")
            left %= size
    return sign + " ".join([*parts, f"{left}s"])
