"""Tables: Grafana's transformations that make one of the answers of several queries, and its order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from grafana_foundation_sdk.builders.common import TableSortByFieldState
from grafana_foundation_sdk.models.dashboard import DataTransformerConfig, MatcherConfig


def columns(
    ref_ids: str, *, rename: Mapping[str, str], drop: Sequence[str] = (), order: Sequence[str] = ()
) -> DataTransformerConfig:
    """Rename, drop and order columns of some queries' answers (`ref_ids`: "A" or "B|C"), before any join."""
    return DataTransformerConfig(
        id_val="organize",
        filter_val=MatcherConfig(id_val="byRefId", options=f"/^(?:{ref_ids})$/"),
        options={
            "excludeByName": dict.fromkeys(drop, True),
            "indexByName": {name: index for index, name in enumerate(order)},
            "renameByName": dict(rename),
        },
    )


def join(column: str) -> DataTransformerConfig:
    """One row for each value of the column that any answer has; what an answer lacks stays empty."""
    return DataTransformerConfig(id_val="joinByField", options={"byField": column, "mode": "outer"})


def reduced(reducer: str, columns: Sequence[str], name: str) -> DataTransformerConfig:
    """A further column: the "max" or "min" of some columns of each row; what is not there does not count."""
    return DataTransformerConfig(
        id_val="calculateField",
        options={"mode": "reduceRow", "alias": name, "reduce": {"reducer": reducer, "include": list(columns)}},
    )


def only_above(column: str, limit: float) -> DataTransformerConfig:
    """Only the rows whose value in the column is greater."""
    above = {"fieldName": column, "config": {"id": "greater", "options": {"value": limit}}}
    return DataTransformerConfig(
        id_val="filterByValue", options={"filters": [above], "type": "include", "match": "any"}
    )


def ordered_by(column: str, *, falling: bool = False) -> DataTransformerConfig:
    """The rows' order, by a column that need not be shown."""
    return DataTransformerConfig(id_val="sortBy", options={"fields": {}, "sort": [{"field": column, "desc": falling}]})


def arrange(order: Sequence[str], *, rename: Mapping[str, str], drop: Sequence[str] = ()) -> DataTransformerConfig:
    """Put the joined columns into order, give the joining ones their titles, drop what only served to order rows."""
    return DataTransformerConfig(
        id_val="organize",
        options={
            "excludeByName": dict.fromkeys(drop, True),
            "indexByName": {name: index for index, name in enumerate(order)},
            "renameByName": dict(rename),
        },
    )


def sorted_by(column: str, *, falling: bool = False) -> TableSortByFieldState:
    """The column the rows are sorted by until somebody clicks on another; empty cells come first when
    rising."""
    return TableSortByFieldState().display_name(column).desc(falling)
