"""Grafana's transformations for tables: joining, reducing, filtering and ordering the results of several queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from grafana_foundation_sdk.builders.common import TableSortByFieldState
from grafana_foundation_sdk.models.dashboard import DataTransformerConfig, MatcherConfig


def columns(
    ref_ids: str, *, rename: Mapping[str, str], drop: Sequence[str] = (), order: Sequence[str] = ()
) -> DataTransformerConfig:
    """Rename, drop and order columns of some queries' results (`ref_ids`: "A" or "B|C"), before any join."""
    return DataTransformerConfig(
        id_val="organize",
        filter_val=MatcherConfig(id_val="byRefId", options=f"/^(?:{ref_ids})$/"),
        options=_organized(rename, drop, order),
    )


def _organized(rename: Mapping[str, str], drop: Sequence[str], order: Sequence[str]) -> dict[str, object]:
    return {
        "excludeByName": dict.fromkeys(drop, True),
        "indexByName": {name: index for index, name in enumerate(order)},
        "renameByName": dict(rename),
    }


def join(column: str) -> DataTransformerConfig:
    """One row for each value of the column in any result; missing values stay empty."""
    return DataTransformerConfig(id_val="joinByField", options={"byField": column, "mode": "outer"})


def reduced(reducer: str, columns: Sequence[str], name: str) -> DataTransformerConfig:
    """An additional column: the "max" or "min" of some columns of each row; missing values do not count."""
    return DataTransformerConfig(
        id_val="calculateField",
        options={"mode": "reduceRow", "alias": name, "reduce": {"reducer": reducer, "include": list(columns)}},
    )


def highest_by(column: str, others: Sequence[str]) -> DataTransformerConfig:
    """One row for each value of the column, with the highest values of some others, called `NAME (max)`."""
    fields = {name: {"aggregations": ["max"], "operation": "aggregate"} for name in others}
    grouped = {column: {"aggregations": [], "operation": "groupby"}}
    return DataTransformerConfig(id_val="groupBy", options={"fields": grouped | fields})


def only_above(column: str, limit: float) -> DataTransformerConfig:
    """Only the rows whose value in the column is greater than the limit."""
    above = {"fieldName": column, "config": {"id": "greater", "options": {"value": limit}}}
    return DataTransformerConfig(
        id_val="filterByValue", options={"filters": [above], "type": "include", "match": "any"}
    )


def ordered_by(column: str, *, falling: bool = False) -> DataTransformerConfig:
    """Sort the rows by a column, which need not be shown."""
    return DataTransformerConfig(id_val="sortBy", options={"fields": {}, "sort": [{"field": column, "desc": falling}]})


def arrange(order: Sequence[str], *, rename: Mapping[str, str], drop: Sequence[str] = ()) -> DataTransformerConfig:
    """Order the joined columns, rename some, and drop those that only served for sorting."""
    return DataTransformerConfig(id_val="organize", options=_organized(rename, drop, order))


def sorted_by(column: str, *, falling: bool = False) -> TableSortByFieldState:
    """The column by which rows are sorted until someone clicks on another; if rising, empty cells come first."""
    return TableSortByFieldState().display_name(column).desc(falling)
