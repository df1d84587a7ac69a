"""Converts InfluxDB's rows to Grafana's data frames."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..frames import Field, Frame
from ..timerange import TimeRange, format_interval

_ALIAS = re.compile(r"\$(\w+)|\[\[([\s\S]+?)\]\]")


def frames(
    result: Mapping[str, Any], query: Mapping[str, Any], statement: str, time_range: TimeRange
) -> Sequence[Frame]:
    """One frame per column and series (`time_series`), or a single frame (`table`)."""
    rows = result.get("series") or []
    shape = str(query.get("resultFormat") or "time_series")
    meta = {
        "executedQueryString": statement,
        "preferredVisualisationType": shape if shape in ("table", "logs") else "graph",
    }
    if not rows:
        return []
    if shape == "table":
        return [_table(rows, meta)]
    made: list[Frame] = []
    for row in rows:
        if "time" in [column.lower() for column in row["columns"]]:
            made += _series(row, query, meta, time_range)
        else:
            made.append(_values_only(row, statement, meta))
    return made


def _series(
    row: Mapping[str, Any], query: Mapping[str, Any], meta: Mapping[str, Any], time_range: TimeRange
) -> list[Frame]:
    made = []
    times = [values[0] for values in row["values"]]
    tags: dict[str, str] = row.get("tags") or {}
    for number, column in enumerate(row["columns"]):
        if column == "time":
            continue
        name = _name(str(row.get("name", "")), column, tags, query, time_range)
        values = Field("Value", *_typed(row["values"], number), tags, name)
        made.append(Frame(name, [Field("Time", "time", times), values], {"type": "timeseries-multi", **meta}))
    return made


def _values_only(row: Mapping[str, Any], statement: str, meta: Mapping[str, Any]) -> Frame:
    """Lists such as SHOW TAG VALUES (the second column) and SHOW MEASUREMENTS (the first)."""
    number = 1 if "SHOW TAG VALUES" in statement.upper() and len(row["columns"]) > 1 else 0
    values = [str(line[number]) for line in row.get("values") or []]
    return Frame(str(row.get("name", "")), [Field("Value", "string", values)], meta)


def _table(rows: Sequence[Mapping[str, Any]], meta: Mapping[str, Any]) -> Frame:
    columns: list[str] = rows[0]["columns"]
    lines = [values for row in rows for values in row["values"]]
    fields = []
    for number, column in enumerate(columns):
        if column == "time":
            fields.append(Field("Time", "time", [values[number] for values in lines]))
        else:
            fields.append(Field(column, *_typed(lines, number), display_name=column))
    tagged = [
        Field(key, "string", [(row.get("tags") or {}).get(key) for row in rows for _ in row["values"]], {}, key)
        for key in rows[0].get("tags") or {}
    ]
    return Frame(str(rows[0].get("name", "")), [*fields[:1], *tagged, *fields[1:]], meta)


def _typed(lines: Sequence[Sequence[Any]], number: int) -> tuple[str, list[Any]]:
    """The column's type, which its first value determines, and its values; values of other types become null."""
    column = [values[number] for values in lines]
    first = next((value for value in column if value is not None), None)
    if isinstance(first, bool):
        return "boolean", [value if isinstance(value, bool) else None for value in column]
    if isinstance(first, str):
        return "string", [value if isinstance(value, str) else None for value in column]
    plain = [value if isinstance(value, int | float) and not isinstance(value, bool) else None for value in column]
    return "number", plain


def _name(
    measurement: str, column: str, tags: Mapping[str, str], query: Mapping[str, Any], time_range: TimeRange
) -> str:
    alias = str(query.get("alias") or "")
    if not alias:
        labels = ", ".join(f"{key}: {value}" for key, value in tags.items())
        return f"{measurement}.{column}" + (f" {{ {labels} }}" if labels else "")
    known = {
        "m": measurement,
        "measurement": measurement,
        "col": column,
        "__interval": format_interval(time_range.interval_ms),
        "__interval_ms": str(time_range.interval_ms),
        **{f"tag_{key}": value for key, value in tags.items()},
        **{str(number): part for number, part in enumerate(measurement.split("."))},
    }
    return _ALIAS.sub(lambda match: known.get(match[1] or match[2], match[0]), alias)
