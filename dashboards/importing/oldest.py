"""The changes before the first schema that Grafana accepts (16): the steps of its DashboardMigrator up to there.

github.com/grafana/grafana: public/app/features/dashboard/state/DashboardMigrator.ts. `layout` converts the layout.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dashboards.importing.layout import objects
from dashboards.importing.report import Json

OLDEST_SCHEMA = 16
"""The first schema with panels on a grid. Grafana itself migrates newer ones."""
HIGHEST = 999
"""Today's is 42; Grafana's server refuses a number that does not fit its integers."""


def schema_of(dashboard: Json) -> int:
    """The dashboard's schema; 0 if it has none."""
    found = dashboard.get("schemaVersion")
    return min(found, HIGHEST) if isinstance(found, int) and not isinstance(found, bool) and found > 0 else 0


def upgraded(dashboard: Json) -> Json:
    """The dashboard as one of schema 16, except for its rows; changes its panels in place."""
    schema = schema_of(dashboard)
    if schema >= OLDEST_SCHEMA:
        return dashboard
    for panel in _panels(dashboard):
        _panel(panel, schema)
    if schema < 6:
        noted = next((one for one in objects(dashboard.get("pulldowns")) if one.get("type") == "annotations"), None)
        if noted:
            dashboard = {**dashboard, "annotations": {"list": noted.get("annotations") or []}}
    if schema < 7 and objects(dashboard.get("nav")):
        dashboard = {**dashboard, "timepicker": objects(dashboard["nav"])[0]}
    templating = dashboard.get("templating")
    for variable in objects(templating.get("list") if isinstance(templating, dict) else None):
        if variable.get("type") == "filter":
            variable["type"] = "query"
        hidden = 2 if variable.pop("hideVariable", None) else 1 if variable.pop("hideLabel", None) else None
        if hidden:
            variable["hide"] = hidden
    return dashboard


def _panels(dashboard: Json) -> Iterator[Json]:
    yield from objects(dashboard.get("panels"))
    for row in objects(dashboard.get("rows")):
        yield from objects(row.get("panels"))


def _panel(panel: Json, schema: int) -> None:
    if panel.get("type") in ("graphite", "graph") and schema < 4:
        _graph(panel)
    if schema < 8:
        for target in objects(panel.get("targets")):
            _influx(target)
    limits = panel.get("thresholds")
    if panel.get("type") == "singlestat" and schema < 9 and isinstance(limits, str) and limits.count(",") >= 2:
        panel["thresholds"] = limits.split(",", 1)[1]  # the first was where the first colour began
    if panel.get("type") == "table" and schema < 10:
        for style in objects(panel.get("styles")):
            if isinstance(style.get("thresholds"), list) and len(style["thresholds"]) >= 3:
                style["thresholds"] = style["thresholds"][1:]


def _graph(panel: Json) -> None:
    panel["type"] = "graph"
    if isinstance(panel.get("legend"), bool):
        panel["legend"] = {"show": panel["legend"]}
    if isinstance(panel.get("grid"), dict):
        for old, new in (("min", "leftMin"), ("max", "leftMax")):
            if panel["grid"].get(old):
                panel["grid"][new] = panel["grid"].pop(old)
    formats = [panel.pop("y_format", None), panel.pop("y2_format", None)]
    if any(formats) and not panel.get("y_formats"):
        panel["y_formats"] = formats
    sides = panel.pop("aliasYAxis", None)
    if isinstance(sides, dict) and sides:
        panel["seriesOverrides"] = [{"alias": name, "yaxis": side} for name, side in sides.items()]


def _influx(target: Json) -> None:
    """Convert fields with one function each to lists of parts."""
    fields, groups = target.get("fields"), target.get("groupBy")
    if not isinstance(fields, list) or not isinstance(groups, list) or "tags" not in target:
        return
    fill = target.pop("fill", None)
    del target["fields"]
    if target.get("rawQuery"):
        return
    target["select"] = [list(_parts(field)) for field in objects(fields)]
    for part in objects(groups):
        for kind, key in (("time", "interval"), ("tag", "key")):
            if part.get("type") == kind and part.get(key):
                part["params"] = [part.pop(key)]
    if fill:
        groups.append({"type": "fill", "params": [fill]})


def _parts(field: Json) -> Iterator[dict[str, Any]]:
    yield {"type": "field", "params": [field.get("name")]}
    yield {"type": field.get("func"), "params": []}
    if field.get("mathExpr"):
        yield {"type": "math", "params": [field["mathExpr"]]}
    if field.get("asExpr"):
        yield {"type": "alias", "params": [field["asExpr"]]}
