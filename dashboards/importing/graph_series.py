"""What an Angular graph said of single series, as field overrides."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dashboards.importing.report import Json
from dashboards.importing.values import number


def overrides(old: Json, right: Json) -> list[Json]:
    """Colours by name and `seriesOverrides`. right: the field options of the right axis."""
    colours = old.get("aliasColors") if isinstance(old.get("aliasColors"), dict) else {}
    found = [_rule(name, [_property("color", _fixed(colour))]) for name, colour in (colours or {}).items() if colour]
    for series in old.get("seriesOverrides") or []:
        if isinstance(series, dict) and series.get("alias"):
            properties = [one for key, value in series.items() for one in _properties(key, value, right)]
            dashes = _dashes(old, series)
            if dashes:
                properties.append(dashes)
            if properties:
                found.append(_rule(str(series["alias"]), properties))
    return found


def _rule(name: str, properties: list[Json]) -> Json:
    is_pattern = len(name) > 1 and name.startswith("/") and name.rstrip("gi").endswith("/")
    return {"matcher": {"id": "byRegexp" if is_pattern else "byName", "options": name}, "properties": properties}


def _property(name: str, value: Any) -> Json:
    return {"id": name, "value": value}


def _fixed(colour: Any) -> Json:
    return {"mode": "fixed", "fixedColor": str(colour)}


def _properties(key: str, value: Any, right: Json) -> Iterator[Json]:
    """One setting of one series. What has no counterpart is left out, as Grafana itself did."""
    size = number(value) or 0
    match key:
        case "yaxis" if value == 2:
            yield _property("custom.axisPlacement", "right")
            for name in ("unit", "decimals", "min", "max"):
                if name in right:
                    yield _property(name, right[name])
            if right.get("custom", {}).get("axisLabel"):
                yield _property("custom.axisLabel", right["custom"]["axisLabel"])
        case "fill":
            yield _property("custom.fillOpacity", 10 * size)
        case "fillBelowTo":
            yield _property("custom.fillBelowTo", value)
        case "fillGradient" if value:
            yield _property("custom.gradientMode", "opacity")
            yield _property("custom.fillOpacity", 10 * size)
        case "points":
            yield _property("custom.showPoints", "always" if value else "never")
        case "pointradius":
            yield _property("custom.pointSize", 2 + 2 * size)
        case "bars":
            yield _property("custom.drawStyle", "bars" if value else "line")
            if value:
                yield _property("custom.fillOpacity", 100)
        case "lines" if not value:
            yield _property("custom.lineWidth", 0)
        case "linewidth":
            yield _property("custom.lineWidth", size)
        case "stack":
            mode = {"mode": "normal", "group": value if isinstance(value, str) else "A"}
            yield _property("custom.stacking", mode if value else {"mode": "none", "group": "A"})
        case "transform" if value == "negative-Y":
            yield _property("custom.transform", value)
        case "color" if value:
            yield _property("color", _fixed(value))
        case "hiddenSeries" | "hideTooltip" | "legend":
            hidden = bool(value) if key != "legend" else not value
            part = {"hiddenSeries": "viz", "hideTooltip": "tooltip", "legend": "legend"}[key]
            if hidden:
                yield _property("custom.hideFrom", {"viz": False, "tooltip": False, "legend": False} | {part: True})


def _dashes(old: Json, series: Json) -> Json | None:
    if not {"dashes", "dashLength", "spaceLength"} & series.keys():
        return None
    both = {**old, **series}
    dash = [both.get("dashLength") or 10, both.get("spaceLength") or 10]
    return _property("custom.lineStyle", {"fill": "dash" if both.get("dashes") else "solid", "dash": dash})
