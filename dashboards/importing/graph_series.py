"""Converts an Angular graph's settings for single series to field overrides."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from dashboards.importing.report import Json
from dashboards.importing.values import number


def overrides(old: Json, right: Json) -> list[Json]:
    """Colours by name and `seriesOverrides`. right: the field options of the right axis."""
    found = colours_by_name(old)
    for series in old.get("seriesOverrides") or []:
        if isinstance(series, dict) and series.get("alias"):
            properties = [one for key, value in series.items() for one in _properties(key, value, right)]
            dashes = _dashes(old, series)
            if dashes:
                properties.append(dashes)
            if properties:
                found.append(_rule(str(series["alias"]), properties))
    return found


def colours_by_name(old: Json) -> list[Json]:
    """The panel's `aliasColors` as overrides."""
    colours = old["aliasColors"] if isinstance(old.get("aliasColors"), dict) else {}
    return [_rule(name, [_property("color", _fixed(colour))]) for name, colour in colours.items() if colour]


def _rule(name: str, properties: list[Json]) -> Json:
    is_pattern = len(name) > 1 and name.startswith("/") and name.rstrip("gi").endswith("/")
    return {"matcher": {"id": "byRegexp" if is_pattern else "byName", "options": name}, "properties": properties}


def _property(name: str, value: Any) -> Json:
    return {"id": name, "value": value}


def _fixed(colour: Any) -> Json:
    return {"mode": "fixed", "fixedColor": str(colour)}


def _properties(key: str, value: Any, right: Json) -> Iterator[Json]:
    """The properties for one setting of a series. What has no counterpart is left out, as Grafana itself did."""
    if key == "yaxis" and value == 2:
        yield _property("custom.axisPlacement", "right")
        yield from (_property(name, right[name]) for name in ("unit", "decimals", "min", "max") if name in right)
        if "axisLabel" in right.get("custom", {}):
            yield _property("custom.axisLabel", right["custom"]["axisLabel"])
    elif key in PARTS:
        yield from (_property(name, part) for name, part in PARTS[key](value).items())


def _hidden(part: str) -> Json:
    return {"custom.hideFrom": {"viz": False, "tooltip": False, "legend": False} | {part: True}}


def _stacking(value: Any) -> Json:
    group = value if isinstance(value, str) else "A"
    return {"custom.stacking": {"mode": "normal" if value else "none", "group": group}}


def _bars(value: Any) -> Json:
    return {"custom.drawStyle": "bars", "custom.fillOpacity": 100} if value else {"custom.drawStyle": "line"}


def _gradient(value: Any) -> Json:
    opacity = 10 * (number(value) or 0)
    return {"custom.gradientMode": "opacity", "custom.fillOpacity": opacity} if value else {}


PARTS: dict[str, Callable[[Any], Json]] = {
    "fill": lambda value: {"custom.fillOpacity": 10 * (number(value) or 0)},
    "fillBelowTo": lambda value: {"custom.fillBelowTo": value},
    "fillGradient": _gradient,
    "points": lambda value: {"custom.showPoints": "always" if value else "never"},
    "pointradius": lambda value: {"custom.pointSize": 2 + 2 * (number(value) or 0)},
    "bars": _bars,
    "lines": lambda value: {} if value else {"custom.lineWidth": 0},
    "linewidth": lambda value: {"custom.lineWidth": number(value) or 0},
    "stack": _stacking,
    "transform": lambda value: {"custom.transform": value} if value == "negative-Y" else {},
    "color": lambda value: {"color": _fixed(value)} if value else {},
    "hiddenSeries": lambda value: _hidden("viz") if value else {},
    "hideTooltip": lambda value: _hidden("tooltip") if value else {},
    "legend": lambda value: {} if value else _hidden("legend"),
}
"""A series' setting → the field options that it becomes."""


def _dashes(old: Json, series: Json) -> Json | None:
    if not {"dashes", "dashLength", "spaceLength"} & series.keys():
        return None
    both = {**old, **series}
    dash = [both.get("dashLength") or 10, both.get("spaceLength") or 10]
    return _property("custom.lineStyle", {"fill": "dash" if both.get("dashes") else "solid", "dash": dash})
