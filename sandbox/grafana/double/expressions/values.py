"""The values of expressions: series and single numbers, each with its labels.

https://grafana.com/docs/grafana/latest/panels-visualizations/query-transform-data/expression-queries/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import QueryError
from ..frames import Field, Frame

Number = float | None
"""None is a missing value (null)."""


@dataclass(frozen=True)
class Series:
    """Values over time; times in milliseconds since 1970."""

    labels: Mapping[str, str]
    times: Sequence[int]
    values: Sequence[Number]


@dataclass(frozen=True)
class Single:
    """One number."""

    labels: Mapping[str, str]
    value: Number


Value = Series | Single
Values = Sequence[Value]
"""The values of one step; empty if it has no data."""


def failure(message: str) -> QueryError:
    """The error for an expression that cannot be run."""
    return QueryError(message, 400, "plugin")


def from_frames(ref_id: str, frames: Sequence[Frame]) -> Values:
    """A data source's result as series: each column of numbers with its column of times."""
    found: list[Value] = []
    for frame in frames:
        times = next((column.values for column in frame.fields if column.type == "time"), None)
        if not frame.fields or not any(column.values for column in frame.fields):
            continue
        if times is None or any(column.type == "string" for column in frame.fields):
            raise failure(
                f"[sse.readDataError] [{ref_id}] got error: input data must be a wide series but got type long"
                f" (input refid {ref_id})"
            )
        found += [
            Series(dict(column.labels), list(times), [_number(value) for value in column.values])
            for column in frame.fields
            if column.type in ("number", "boolean")
        ]
    return found


def to_frames(ref_id: str, values: Values) -> Sequence[Frame]:
    """A step's values as the API returns them: one frame per value."""
    frames = []
    for value in values:
        if isinstance(value, Single):
            column = Field(ref_id, "number", [value.value], value.labels)
            frames.append(Frame("", [column], {"type": "numeric-multi", "typeVersion": [0, 1]}))
        else:
            columns = [Field("Time", "time", value.times), Field(ref_id, "number", value.values, value.labels)]
            frames.append(Frame("", columns, {"type": "timeseries-multi", "typeVersion": [0, 1]}))
    return frames


def _number(value: Any) -> Number:
    return None if value is None else float(value)
