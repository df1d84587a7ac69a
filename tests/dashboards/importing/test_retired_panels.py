"""Panels of plugins that Grafana retired, as Grafana's own migrations convert them."""

from __future__ import annotations

from typing import Any

import pytest

from dashboards.importing.conversion import Imported
from tests.dashboards.importing.conftest import imported, panel, with_panel


def one(**content: Any) -> dict[str, Any]:
    return panel(imported(with_panel(**content)), "One")


def test_a_pie_chart_becomes_grafana_s_own() -> None:
    pie = one(
        type="grafana-piechart-panel",
        pieType="donut",
        valueName="total",
        format="bytes",
        decimals=2,
        legendType="Under graph",
        legend={"show": True, "values": True, "percentage": True},
        aliasColors={"root": "#BF1B00", "none": ""},
    )
    assert pie["type"] == "piechart"
    assert pie["options"] == {
        "legend": {
            "placement": "bottom",
            "values": ["value", "percent"],
            "displayMode": "table",
            "showLegend": True,
            "calcs": [],
        },
        "reduceOptions": {"calcs": ["sum"]},
        "pieType": "donut",
    }
    assert pie["fieldConfig"]["defaults"] == {"unit": "bytes", "decimals": 2}
    (colour,) = pie["fieldConfig"]["overrides"]
    assert colour["matcher"] == {"id": "byName", "options": "root"}
    assert colour["properties"] == [{"id": "color", "value": {"mode": "fixed", "fixedColor": "#BF1B00"}}]
    assert pie["targets"][0]["query"].startswith("SELECT")


def test_a_pie_chart_labelled_on_the_graph_has_no_legend() -> None:
    options = one(type="grafana-piechart-panel", legendType="On graph", legend={"show": True, "percentage": True})[
        "options"
    ]
    assert (options["legend"]["showLegend"], options["displayLabels"]) == (False, ["name", "percent"])


def test_a_pie_chart_without_options_looks_as_grafana_s_migration_makes_it() -> None:
    pie = one(type="grafana-piechart-panel")
    assert pie["fieldConfig"]["defaults"] == {"decimals": 0}  # today's default would be 1
    assert (pie["options"]["legend"]["placement"], pie["options"]["legend"]["showLegend"]) == ("right", True)


def test_a_world_map_becomes_a_geomap() -> None:
    found = imported(
        with_panel(
            type="grafana-worldmap-panel",
            mapCenter="Europe",
            mapCenterLatitude="46",
            mapCenterLongitude=14,
            initialZoom="4",
            decimals=1,
            thresholds="10, 100",
            colors=["green", "orange", "red"],
            mouseWheelZoom=True,
        )
    )
    world = panel(found, "One")
    assert world["type"] == "geomap"
    assert world["options"]["view"] == {"id": "europe", "zoom": 4, "lat": 46, "lon": 14}
    assert world["options"]["controls"] == {"showZoom": True, "mouseWheelZoom": True}
    assert world["options"]["basemap"] == {"type": "default", "name": "Basemap"}
    steps = world["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert [(step["value"], step["color"]) for step in steps] == [(None, "green"), (10, "orange"), (100, "red")]
    (warning,) = [each for each in found.report.warned() if "map" in each]
    assert "“One” is an empty map: add a layer of markers" in warning


@pytest.mark.parametrize(("centre", "view"), [("(0°, 0°)", "zero"), ("Last GeoHash", "coords"), ("Mars", None)])
def test_a_map_s_centre_becomes_a_view(centre: str, view: str | None) -> None:
    assert one(type="grafana-worldmap-panel", mapCenter=centre)["options"]["view"].get("id") == view


def test_a_discrete_panel_becomes_a_state_timeline() -> None:
    states = one(
        type="natel-discrete-panel",
        units="short",
        colorMaps=[{"text": "up", "color": "green"}, {"text": "weak", "color": "orange"}],
        valueMaps=[{"value": "1", "text": "up"}],
        rangeMaps=[{"from": "2", "to": "5", "text": "weak"}],
    )
    assert (states["type"], states["options"]) == ("state-timeline", {"mergeValues": True})
    values, ranges = states["fieldConfig"]["defaults"]["mappings"]
    assert values["options"]["1"] == {"text": "up", "color": "green"}
    assert ranges["options"] == {"from": 2, "to": 5, "result": {"text": "weak", "color": "orange"}}


@pytest.mark.parametrize(
    ("before", "after"),
    [("grafana-singlestat-panel", "stat"), ("heatmap-new", "heatmap"), ("table2", "table"), ("text2", "text")],
)
def test_renamed_panel_types_get_their_new_name(before: str, after: str) -> None:
    assert one(type=before)["type"] == after


def test_what_was_converted_is_reported() -> None:
    found: Imported = imported(with_panel(type="grafana-piechart-panel"))
    assert "converted a panel grafana-piechart-panel to piechart" in found.report.sentences()
