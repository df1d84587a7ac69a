"""Converts plugins that Grafana retired when it got its own panels: pie chart, world map, discrete.

Follows the rules of Grafana's own migrations, github.com/grafana/grafana: public/app/plugins/panel/{piechart,geomap,
state-timeline}/migrations.ts.
"""

from __future__ import annotations

from dashboards.importing.graph_series import colours_by_name
from dashboards.importing.layout import objects
from dashboards.importing.report import Json, Report, title_of
from dashboards.importing.values import number, present, texts_of

REDUCERS = {"current": "lastNotNull", "min": "min", "max": "max", "avg": "mean", "total": "sum"}
CENTRES = {
    "(0°, 0°)": "zero",
    "North America": "north-america",
    "Europe": "europe",
    "West Asia": "west-asia",
    "SE Asia": "se-asia",
    "Last GeoHash": "coords",
}
"""The old map's centres → today's names of these views."""


def piechart(old: Json, report: Report) -> Json:
    """`grafana-piechart-panel` as `piechart`."""
    legend = old["legend"] if isinstance(old.get("legend"), dict) else None
    numbers = [name for key, name in (("values", "value"), ("percentage", "percent")) if (legend or {}).get(key)]
    on_graph = old.get("legendType") == "On graph"
    options = present(
        legend={
            "placement": "bottom" if old.get("legendType") == "Under graph" else "right",
            "values": numbers,
            "displayMode": "table",
            "showLegend": not on_graph and (legend is None or bool(legend.get("show"))),
            "calcs": [],
        },
        displayLabels=["name", *numbers] if on_graph else None,
        reduceOptions={"calcs": [REDUCERS[name] for name in (old["valueName"],) if name in REDUCERS]}
        if old.get("valueName")
        else None,
        pieType=old["pieType"] if old.get("pieType") in ("pie", "donut") else None,
    )
    defaults = {**present(unit=old.get("format")), "decimals": number(old.get("decimals")) or 0}
    return {
        "type": "piechart",
        "options": options,
        "fieldConfig": {"defaults": defaults, "overrides": colours_by_name(old)},
    }


def geomap(old: Json, report: Report) -> Json:
    """`grafana-worldmap-panel` as `geomap`: view, limits and colours. Grafana does not convert the circles either."""
    report.warnings.append(
        f"“{title_of(old)}” is an empty map: add a layer of markers to it, because circles cannot be converted"
    )
    return {
        "type": "geomap",
        "options": {
            "view": present(
                id=CENTRES.get(str(old.get("mapCenter"))),
                zoom=number(old.get("initialZoom")) or None,
                lat=number(old.get("mapCenterLatitude")),
                lon=number(old.get("mapCenterLongitude")),
            ),
            "controls": {"showZoom": True, "mouseWheelZoom": bool(old.get("mouseWheelZoom"))},
            "basemap": {"type": "default", "name": "Basemap"},
            "layers": [],
            "tooltip": {"mode": "details"},
        },
        "fieldConfig": {
            "defaults": present(decimals=number(old.get("decimals")) or None, thresholds=_limits(old)),
            "overrides": [],
        },
    }


def _limits(old: Json) -> Json | None:
    """Thresholds, at which each colour begins; the first has no limit."""
    colours, limits = old.get("colors"), [number(text) for text in texts_of(old.get("thresholds"))]
    if not limits or not isinstance(colours, list) or not colours:
        return None
    values = [None, *limits, *[None] * len(colours)]
    return {
        "mode": "absolute",
        "steps": [
            {"value": value, "color": str(colour)}
            for index, (colour, value) in enumerate(zip(colours, values, strict=False))
            if index == 0 or value is not None
        ],
    }


def discrete(old: Json, report: Report) -> Json:
    """`natel-discrete-panel` as `state-timeline`."""
    texts: dict[str, Json] = {}
    for each in objects(old.get("colorMaps")):
        if each.get("color"):
            texts.setdefault(str(each.get("text")), {})["color"] = str(each["color"])
    for each in objects(old.get("valueMaps")):
        if each.get("text") and each.get("value") not in (None, ""):
            texts.setdefault(str(each["value"]), {})["text"] = str(each["text"])
    colours = {text: result["color"] for text, result in texts.items() if "color" in result}
    ranges: list[Json] = [
        {"from": number(each.get("from")), "to": number(each.get("to")), "result": {"text": str(each["text"])}}
        for each in objects(old.get("rangeMaps"))
        if each.get("text")
    ]
    for result in (*texts.values(), *(each["result"] for each in ranges)):
        if "color" not in result and result.get("text") in colours:
            result["color"] = colours[result["text"]]
    return {
        "type": "state-timeline",
        "options": {"mergeValues": True},
        "fieldConfig": {
            "defaults": present(
                unit=old.get("units") or None,
                custom={"fillOpacity": 100, "lineWidth": 0},
                mappings=[
                    {"type": "value", "options": texts},
                    *({"type": "range", "options": options} for options in ranges),
                ],
            ),
            "overrides": [],
        },
    }
