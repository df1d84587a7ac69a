"""Data frames: Grafana's tables of typed columns, and their JSON.

https://grafana.com/developers/plugin-tools/key-concepts/data-frames
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_GO_TYPES = {"time": "time.Time", "number": "float64", "string": "string", "boolean": "bool"}


@dataclass(frozen=True)
class Field:
    """One column. type: time (milliseconds), number, string or boolean; None is a missing value."""

    name: str
    type: str
    values: Sequence[Any]
    labels: Mapping[str, str] = field(default_factory=dict)
    display_name: str | None = None

    def schema(self) -> dict[str, Any]:
        """The column's entry in the frame's schema."""
        info: dict[str, Any] = {"frame": _GO_TYPES[self.type]}
        if self.type != "time":
            info["nullable"] = True
        schema: dict[str, Any] = {"name": self.name, "type": self.type, "typeInfo": info}
        if self.labels:
            schema["labels"] = dict(self.labels)
        if self.display_name is not None:
            schema["config"] = {"displayNameFromDS": self.display_name}
        return schema


@dataclass(frozen=True)
class Frame:
    """A named set of columns of equal length. meta: Grafana's frame metadata."""

    name: str
    fields: Sequence[Field]
    meta: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self, ref_id: str) -> dict[str, Any]:
        """The frame as /api/ds/query returns it. NaN and infinities, which do not exist in JSON, become null."""
        schema: dict[str, Any] = {"refId": ref_id, "fields": [column.schema() for column in self.fields]}
        if self.name:
            schema["name"] = self.name
        if self.meta:
            schema["meta"] = dict(self.meta)
        return {
            "schema": schema,
            "data": {"values": [[_plain(value) for value in column.values] for column in self.fields]},
        }


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
