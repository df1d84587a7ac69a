"""What old panels' options have in common: reducers, thresholds, value mappings."""

from __future__ import annotations

import math
from typing import Any

from dashboards.importing.report import Json

REDUCERS = {
    "avg": "mean",
    "current": "lastNotNull",
    "total": "sum",
    "min": "min",
    "max": "max",
    "first": "first",
    "delta": "delta",
    "diff": "diff",
    "range": "range",
    "count": "count",
}
"""Angular's names of reducers → today's."""


def number(value: Any) -> float | int | None:
    """A number, even if written as text; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value if math.isfinite(value) else None
    try:
        found = float(value) if isinstance(value, str) and value.strip() else math.nan
    except ValueError:
        return None
    if not math.isfinite(found):
        return None
    return int(found) if found == int(found) else found


def texts_of(value: Any) -> list[str]:
    """The elements of a list or a comma-separated text."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return [str(part) for part in value] if isinstance(value, list) else []


def present(**options: Any) -> Json:
    """Only the options that have a value."""
    return {key: value for key, value in options.items() if value is not None}


def steps(limits: Any, colours: Any) -> Json | None:
    """Thresholds from old limits ("80,90") and colours, of which there is one more; None without any."""
    known = [limit for text in texts_of(limits) if (limit := number(text)) is not None]
    names = texts_of(colours) if isinstance(colours, list) else []
    if not known or not names:
        return None
    names += [names[-1]] * (len(known) + 1 - len(names))
    values: list[float | int | None] = [None, *known]
    return {
        "mode": "absolute",
        "steps": [{"value": value, "color": colour} for value, colour in zip(values, names, strict=False)],
    }


def mappings(old: Json) -> list[Json] | None:
    """Texts for values from `valueMaps` or `rangeMaps`, whichever is in use; None without any."""
    value_maps = [each for each in old.get("valueMaps") or [] if isinstance(each, dict)]
    range_maps = [each for each in old.get("rangeMaps") or [] if isinstance(each, dict)]
    in_use = old.get("mappingType") or (1 if value_maps else 2)
    found = _of_values(value_maps) if in_use == 1 else _of_ranges(range_maps)
    return found or None


def _of_values(maps: list[Json]) -> list[Json]:
    plain: Json = {}
    found: list[Json] = []
    for index, each in enumerate(maps):
        result = {"text": str(each.get("text", "")), "index": index}
        if each.get("value") in ("null", None):
            found.append({"type": "special", "options": {"match": "null", "result": result}})
        else:
            plain[str(each["value"])] = result
    return [*([{"type": "value", "options": plain}] if plain else []), *found]


def _of_ranges(maps: list[Json]) -> list[Json]:
    found: list[Json] = []
    for index, each in enumerate(maps):
        result = {"text": str(each.get("text", "")), "index": index}
        if each.get("from") == "null" and each.get("to") == "null":
            found.append({"type": "special", "options": {"match": "null", "result": result}})
        else:
            limits = {"from": number(each.get("from")), "to": number(each.get("to"))}
            found.append({"type": "range", "options": {**limits, "result": result}})
    return found
