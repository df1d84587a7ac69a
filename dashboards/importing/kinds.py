"""The kinds of panels and datasources that exist here."""

from __future__ import annotations

from typing import Any

from dashboards.registry import EVERY

OWN_UIDS = frozenset(entry.uid for entry in EVERY)
OWN_TITLES = frozenset(entry.title for entry in EVERY)

CORE = frozenset(
    (
        *(
            "alertlist",
            "annolist",
            "barchart",
            "bargauge",
            "candlestick",
            "canvas",
            "dashlist",
            "datagrid",
            "flamegraph",
        ),
        *("gauge", "geomap", "heatmap", "histogram", "logs", "news", "nodeGraph", "piechart", "row", "stat"),
        *("state-timeline", "status-history", "table", "text", "timeseries", "traces", "trend", "xychart"),
    )
)
"""The panels that Grafana comes with; no plugin is installed on the server."""
WITHOUT_QUERIES = frozenset(("alertlist", "annolist", "dashlist", "news", "row", "text"))
SOURCES = {"influxdb": "InfluxDB", "cloudwatch": "CloudWatch"}
"""The datasources of a stack: uid, which is also the plugin's id, and name."""
SPECIAL: dict[str, dict[str, str]] = {
    "-- Mixed --": {"type": "datasource", "uid": "-- Mixed --"},
    "-- Dashboard --": {"type": "datasource", "uid": "-- Dashboard --"},
    "-- Grafana --": {"type": "grafana", "uid": "-- Grafana --"},
    "__expr__": {"type": "__expr__", "uid": "__expr__"},
}
"""Grafana's built-in datasources, by the name that this project writes."""
GRAFANA = frozenset(("grafana", "-- Grafana --"))
"""The uid and the name of Grafana's own datasource; references can have either."""


def is_old_table(panel: dict[str, Any]) -> bool:
    """Whether a panel of type `table` is the Angular one, which had the same name."""
    return panel.get("type") == "table" and "fieldConfig" not in panel and bool({"styles", "columns"} & panel.keys())
