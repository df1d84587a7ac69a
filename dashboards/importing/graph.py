"""Converts Angular's `graph` to `timeseries`, by the rules that Grafana had while it could still convert it.

github.com/grafana/grafana: public/app/plugins/panel/timeseries/migrations.ts. A graph over series instead of time
becomes a bar gauge, and a histogram stays one.
"""

from __future__ import annotations

from typing import Any

from dashboards.importing.graph_series import overrides
from dashboards.importing.report import Json, Report
from dashboards.importing.values import REDUCERS, number, present

COLOURS = {"critical": "red", "warning": "orange", "ok": "green"}


def converted(old: Json, report: Report) -> Json:
    """The panel's type, options and field configuration. `old` is the whole old panel."""
    left, right = axes(old)
    mode = (old.get("xaxis") or {}).get("mode")
    defaults = {"color": {"mode": "palette-classic"}, **axis_defaults(left)}
    if mode == "histogram":
        options: Json = present(bucketCount=number((old.get("xaxis") or {}).get("buckets")))
        return {"type": "histogram", "options": options, "fieldConfig": {"defaults": defaults, "overrides": []}}
    if mode == "series":
        calcs = [REDUCERS.get(str(value), "sum") for value in (old["xaxis"].get("values") or ["total"])[:1]]
        options = {"reduceOptions": {"calcs": calcs}, "orientation": "vertical", "displayMode": "basic"}
        return {"type": "bargauge", "options": options, "fieldConfig": {"defaults": defaults, "overrides": []}}
    defaults["custom"] = {**defaults.get("custom", {}), **_drawing(old)}
    _thresholds(old, defaults)
    if old.get("timeRegions"):
        report.count("left out the coloured time regions of a graph")
    return {
        "type": "timeseries",
        "options": {"legend": _legend(old.get("legend")), "tooltip": _tooltip(old.get("tooltip"))},
        "fieldConfig": {"defaults": defaults, "overrides": overrides(old, axis_defaults(right))},
    }


def axes(old: Json) -> tuple[Json, Json]:
    """The left and the right axis; before 2016 their options were in the panel itself."""
    if isinstance(old.get("yaxes"), list):
        found = [axis if isinstance(axis, dict) else {} for axis in old["yaxes"]]
        return (*found, {}, {})[:2]  # type: ignore[return-value]
    formats = old.get("y_formats") or []
    grid = old.get("grid") if isinstance(old.get("grid"), dict) else {}
    sides = []
    for index, side in enumerate(("left", "right")):
        sides.append(
            present(
                format=formats[index] if index < len(formats) else None,
                min=(grid or {}).get(f"{side}Min"),
                max=(grid or {}).get(f"{side}Max"),
                logBase=(grid or {}).get(f"{side}LogBase"),
                label=old.get(f"{side}YAxisLabel"),
                show=old.get("y-axis"),
            )
        )
    return sides[0], sides[1]


def axis_defaults(axis: Json) -> Json:
    """The unit, limits and appearance of an axis as field options."""
    base = axis.get("logBase")
    custom = present(
        axisPlacement="hidden" if axis.get("show") is False else None,
        axisLabel=axis.get("label") or None,
        scaleDistribution={"type": "log", "log": base} if base in (2, 10) else None,
    )
    return present(
        unit=axis.get("format") or None,
        decimals=number(axis.get("decimals")),
        min=number(axis.get("min")),
        max=number(axis.get("max")),
        custom=custom or None,
    )


def _drawing(old: Json) -> Json:
    bars, lines, points = bool(old.get("bars")), old.get("lines", True), bool(old.get("points"))
    style = "bars" if bars else "line" if lines else "points"
    fill = 100 if bars else 10 * (number(old.get("fillGradient")) or number(old.get("fill")) or 0)
    stacked = "percent" if old.get("percentage") else "normal"
    radius = number(old.get("pointradius"))
    return present(
        drawStyle=style,
        lineWidth=number(old.get("linewidth")) if old.get("linewidth") is not None else 1,
        fillOpacity=fill,
        gradientMode="opacity" if number(old.get("fillGradient")) else None,
        lineInterpolation="stepAfter" if old.get("steppedLine") else None,
        showPoints="always" if points or style == "points" else "never",
        pointSize=2 + 2 * radius if points and radius is not None else None,
        spanNulls=old.get("nullPointMode") == "connected",
        stacking={"mode": stacked, "group": "A"} if old.get("stack") else None,
        lineStyle={"fill": "dash", "dash": [old.get("dashLength") or 10, old.get("spaceLength") or 10]}
        if old.get("dashes")
        else None,
    )


def _legend(old: Any) -> Json:
    legend = old if isinstance(old, dict) else {}
    calcs = [name for key, name in REDUCERS.items() if legend.get("values") and legend.get(key)]
    return {
        "showLegend": legend.get("show", True) is not False,
        "displayMode": "table" if legend.get("alignAsTable") else "list",
        "placement": "right" if legend.get("rightSide") else "bottom",
        "calcs": calcs,
    }


def _tooltip(old: Any) -> Json:
    tooltip = old if isinstance(old, dict) else {}
    order = {1: "asc", 2: "desc"}.get(tooltip.get("sort") or 0, "none")
    return {"mode": "multi" if tooltip.get("shared") else "single", "sort": order}


def _thresholds(old: Json, defaults: Json) -> None:
    """Lines and areas at limits; each colour begins at its limit."""
    limits = [limit for limit in old.get("thresholds") or [] if isinstance(limit, dict)]
    grid = old.get("grid") if isinstance(old.get("grid"), dict) else {}
    for place in ("1", "2"):  # before 2016
        value = number((grid or {}).get(f"threshold{place}"))
        if value is not None:
            limits.append(
                {"value": value, "op": "gt", "line": True, "colorMode": ("warning", "critical")[place == "2"]}
            )
    known = sorted(
        (limit for limit in limits if number(limit.get("value")) is not None),
        key=lambda limit: number(limit["value"]) or 0,
    )
    if not known:
        return
    steps: list[Json] = [{"value": None, "color": "transparent"}]
    for index, limit in enumerate(known):
        value = number(limit["value"])
        if limit.get("op") == "lt":
            steps[-1]["color"] = _colour(limit)
            following = known[index + 1] if index + 1 < len(known) else None
            steps.append(
                {
                    "value": value,
                    "color": _colour(following) if following and following.get("op") == "lt" else "transparent",
                }
            )
        else:
            steps.append({"value": value, "color": _colour(limit)})
    line, area = any(limit.get("line") for limit in known), any(limit.get("fill") for limit in known)
    defaults["custom"]["thresholdsStyle"] = {"mode": "line+area" if line and area else "area" if area else "line"}
    defaults["thresholds"] = {"mode": "absolute", "steps": steps}


def _colour(limit: Json) -> str:
    own = limit.get("fillColor") or limit.get("lineColor")
    return COLOURS.get(str(limit.get("colorMode")), str(own) if own else "red")
