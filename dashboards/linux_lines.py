"""Graphs with a line per host, for the rows of "Linux hosts"."""

from __future__ import annotations

from grafana_foundation_sdk.builders import timeseries
from grafana_foundation_sdk.models.common import GraphTransform
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue

from dashboards import looks
from dashboards.looks import Limits
from dashboards.panels import lines
from dashboards.queries import InfluxQuery, both_rates_by_host, influx


def lines_by_host(
    uid: str,
    title: str,
    description: str,
    unit: str,
    *queries: InfluxQuery,
    limits: Limits | None = None,
    full: float | None = None,
    width: int = 12,
    from_zero: bool = True,
) -> timeseries.Panel:
    """A line per host; a click on one selects that host."""
    return lines(
        title,
        description,
        unit,
        influx(uid, *queries),
        limits=limits,
        full=full,
        width=width,
        links=[looks.one_host("__field.labels.host")],
        from_zero=from_zero,
    )


def both_ways(
    uid: str,
    title: str,
    description: str,
    unit: str,
    *,
    up: tuple[str, str],
    down: tuple[str, str],
    source: tuple[str, str, str],
    width: int = 12,
) -> timeseries.Panel:
    """Two counters (field, name) a host, the first drawn above the line and the second mirrored below it.

    source: measurement, the tag that distinguishes a host's counters, and which of them count.
    """
    queries = both_rates_by_host(up, down, source)
    panel = lines_by_host(uid, title, description, unit, *queries, width=width, from_zero=False)
    mirrored = [DynamicConfigValue("custom.transform", GraphTransform.NEGATIVE_Y)]
    return panel.override_by_regexp(f"/ {down[1]}$/", mirrored)
