"""What exports contain that Grafana cannot draw or refuses: it is corrected, or refused in one sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dashboards.importing.source import read
from tests.dashboards.importing.conftest import imported, panel, refusal, with_panel

MODEL = with_panel(type="graph", title="Shared")["panels"][0]


def places(*given: Any) -> list[dict[str, int]]:
    """Where panels with these places end up."""
    dashboard = with_panel()
    (usual,) = dashboard["panels"]
    dashboard["panels"] = [usual | {"gridPos": each} for each in given]
    return [each["gridPos"] for each in imported(dashboard).dashboard["panels"]]


def ids(*given: Any) -> list[Any]:
    """The IDs that panels with these IDs get."""
    dashboard = with_panel()
    (usual,) = dashboard["panels"]
    dashboard["panels"] = [usual | {"id": each} for each in given]
    return [each["id"] for each in imported(dashboard).dashboard["panels"]]


def test_the_panels_of_a_row_inside_a_row_are_moved_out() -> None:
    dashboard = with_panel()
    (usual,) = dashboard["panels"]
    inner = {"type": "row", "title": "Inner", "panels": [usual]}
    outer = {"type": "row", "title": "Outer", "collapsed": True, "panels": [inner, usual | {"title": "Two"}]}
    found = imported(dashboard | {"panels": [outer]})
    (row,) = found.dashboard["panels"]
    assert [each["title"] for each in row["panels"]] == ["One", "Two"]
    assert panel(found, "One")["datasource"] == {"type": "influxdb", "uid": "influxdb"}
    assert "moved the panels out of a row inside another row" in found.report.sentences()


@pytest.mark.parametrize(
    "elements", [{"abc": {"name": "L", "model": MODEL}}, [None, {"uid": "abc", "name": "L", "model": MODEL}]]
)
def test_a_library_panel_is_found_in_exports_of_any_age(elements: Any) -> None:
    library = {"id": 4, "libraryPanel": {"uid": "abc", "name": "L"}}
    inside = {"type": "row", "title": "R", "collapsed": True, "panels": [library]}
    for panels in ([library], [inside]):
        found = imported(with_panel() | {"panels": panels, "__elements": elements})
        assert panel(found, "Shared")["type"] == "timeseries"


@pytest.mark.parametrize("model", [None, {"libraryPanel": {"uid": "other"}}, {"type": "row", "panels": [MODEL]}])
def test_a_library_panel_without_content_is_refused_by_name(model: Any) -> None:
    library = {"id": 4, "libraryPanel": {"uid": "abc", "name": "CPU, shared"}}
    elements = {"abc": {"name": "CPU, shared", "model": model}}
    text = refusal(with_panel() | {"panels": [library], "__elements": elements})
    assert "“CPU, shared” is a library panel whose content is not in the file" in text


@pytest.mark.parametrize(
    "query",
    [
        'option v = {timeRangeStart: -1h}\nx = from(bucket: "b")',
        '// the last hour\nfrom(bucket: "b")',
        'data = () => from(bucket: "b")\ndata() |> yield()',
    ],
)
def test_flux_is_recognized_however_it_begins(query: str) -> None:
    target = {"datasource": {"type": "influxdb", "uid": "x"}, "query": query, "refId": "A"}
    assert "“One” queries InfluxDB in Flux" in refusal(with_panel(targets=[target]))


def test_a_query_in_sql_without_a_datasource_is_refused() -> None:
    assert "“One” queries a database in SQL" in refusal(with_panel(targets=[{"rawSql": "SELECT 1", "refId": "A"}]))


def test_a_panel_s_alert_rule_is_left_out_and_reported() -> None:
    found = imported(with_panel(alert={"name": "High"}))
    assert "alert" not in panel(found, "One")
    assert any("left out the alert rule of a panel" in line for line in found.report.sentences())


@pytest.mark.parametrize("kind", ["timeseries", "graph", "singlestat", "grafana-piechart-panel"])
def test_a_panel_keeps_its_transformations_converted_or_not(kind: str) -> None:
    whole = {"id": "organize", "options": {"excludeByName": {"Time": True}}}
    given: list[object] = [whole, None, "merge", {"options": {}}, {"id": None}]
    found = imported(with_panel(type=kind, transformations=given))
    assert panel(found, "One")["transformations"] == [whole]
    assert any("left out transformations without an ID" in line for line in found.report.sentences())
    assert "transformations" not in panel(imported(with_panel(type=kind, transformations={"id": "merge"})), "One")


def test_an_old_table_s_own_transformations_come_before_those_of_the_conversion() -> None:
    own = {"id": "organize", "options": {}}
    old = {"type": "table-old", "transform": "timeseries_aggregations", "columns": [{"text": "Avg", "value": "avg"}]}
    alone = panel(imported(with_panel(**old)), "One")["transformations"]
    assert alone and panel(imported(with_panel(**old, transformations=[own])), "One")["transformations"] == [
        own,
        *alone,
    ]


def test_places_outside_the_grid_are_corrected() -> None:
    assert places({"x": "12", "y": "0", "w": "12", "h": "8"}) == [{"x": 12, "y": 0, "w": 12, "h": 8}]
    assert places({"x": 20, "y": 3, "w": 24, "h": 8}) == [{"x": 0, "y": 3, "w": 24, "h": 8}]
    assert places({"x": -1, "y": -5, "w": 6, "h": 8}) == [{"x": 0, "y": 0, "w": 6, "h": 8}]
    ((huge),) = places(dict.fromkeys("xywh", 1e12))
    assert huge["w"] == 24 and huge["h"] <= 200
    below = {"x": 0, "y": 8, "w": 24, "h": 8}
    for none in (None, {}, {"x": None, "y": 0, "w": 8, "h": 8}, {"x": 0, "y": 0, "w": 0, "h": 0}, "top"):
        assert places({"x": 0, "y": 0, "w": 24, "h": 8}, none)[1] == below


def test_ids_are_distinct_and_exact_in_browsers() -> None:
    assert ids(3, 3, None, "7", True, -3, 2**53, 2**53 + 1) == [3, 1, 2, 4, 5, 6, 7, 8]
    assert ids(2**31 - 1, 2**31) == [2**31 - 1, 1]


def test_numbers_become_text_where_grafana_expects_text() -> None:
    found = imported(with_panel(title=5, targets=[{"query": "SELECT 1 FROM a", "refId": 3}]))
    assert [each["refId"] for each in panel(found, "5")["targets"]] == ["3"]


@pytest.mark.parametrize(
    ("given", "statistics"),
    [("Sum", ["Sum"]), (["Sum", "Maximum"], ["Sum", "Maximum"]), (["", None, "Sum"], ["Sum"]), ([""], ["Average"])],
    ids=["no list", "a list", "an empty one among others", "an empty one alone"],
)
def test_cloudwatch_s_statistics_become_one_per_query(given: Any, statistics: list[str]) -> None:
    target = {"namespace": "AWS/EC2", "metricName": "CPUUtilization", "statistics": given, "refId": "A"}
    asked = panel(imported(with_panel(targets=[target])), "One")["targets"]
    assert [each["statistic"] for each in asked] == statistics


def test_a_dashboard_s_values_of_the_wrong_type_are_left_out() -> None:
    wrong = {"refresh": True, "timezone": 5, "timepicker": [], "weekStart": 1, "schemaVersion": 10**30}
    found = imported(with_panel() | wrong).dashboard
    assert not found.keys() & (wrong.keys() - {"schemaVersion"})
    assert found["schemaVersion"] < 1000
    right = {"refresh": "10s", "timezone": "utc", "timepicker": {"hidden": True}, "weekStart": "monday"}
    assert imported(with_panel() | right).dashboard.items() >= right.items()


@pytest.mark.parametrize("kind", ["timeseries", "graph"])
def test_a_panel_s_values_of_the_wrong_type_are_left_out(kind: str) -> None:
    found = imported(with_panel(type=kind, timeFrom=6, interval=10, repeat=True, maxDataPoints="300", maxPerRow="few"))
    one = panel(found, "One")
    assert not one.keys() & {"timeFrom", "interval", "repeat"}
    assert (one["maxDataPoints"], one.get("maxPerRow")) == (300, None)
    assert "left out a panel's timeFrom, because it is not text (6)" in found.report.sentences()
    right = {"timeFrom": "6h", "timeShift": None, "interval": "10s", "repeat": "host", "maxDataPoints": 300}
    found = imported(with_panel(type=kind, **right))
    assert panel(found, "One").items() >= {key: value for key, value in right.items() if value is not None}.items()
    assert not [line for line in found.report.sentences() if "not text" in line]


def test_a_title_can_begin_with_an_invisible_character() -> None:
    found = imported(with_panel() | {"title": "\u200bHosts"})
    assert (found.name, found.dashboard["title"]) == ("hosts", "\u200bHosts")


@pytest.mark.parametrize("name", [None, "", " "])
def test_a_variable_without_a_name_is_left_out_and_reported(name: str | None) -> None:
    listed = [{"name": name, "label": "Host", "type": "query", "query": "SHOW TAG VALUES"}, {"type": "constant"}]
    found = imported(with_panel() | {"templating": {"list": listed}})
    assert found.dashboard["templating"]["list"] == []
    assert "left out a variable without a name (“Host”), which nothing can use" in found.report.sentences()
    assert "left out a variable without a name, which nothing can use" in found.report.sentences()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("// exported\n{}", "contains a comment (line 1, column 1); JSON does not allow them: remove it"),
        ('{"title": "x", /* y */ "panels": []}', "contains a comment"),
        (" \n", "is empty; export the dashboard again"),
        ("<!DOCTYPE html><html></html>", "is not JSON but a web page; export the dashboard as JSON"),
    ],
)
def test_a_file_that_is_not_json_is_described(text: str, reason: str) -> None:
    assert reason in refusal(text)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_file_can_begin_with_a_byte_order_mark(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "dashboard.json"
    file.write_bytes(json.dumps({"title": "Größe"}, ensure_ascii=False).encode(encoding))
    assert json.loads(read(str(file))) == {"title": "Größe"}


def test_an_input_inside_a_text_becomes_the_datasource_s_name() -> None:
    named = [{"name": "DS_INFLUX", "type": "datasource", "pluginId": "influxdb"}]
    named += [{"name": "DS_LOGS", "type": "datasource", "pluginId": "loki"}]
    url = 'https://example.com/explore?left={"datasource":"${DS_INFLUX}"}'
    whole = with_panel(title="${DS_INFLUX} and ${DS_LOGS}", datasource="${DS_INFLUX}") | {"__inputs": named}
    found = imported(whole | {"links": [{"type": "link", "title": "Logs", "url": url}], "description": "${DS_LOGS}"})
    assert panel(found, "InfluxDB and Loki")["datasource"]["uid"] == "influxdb"
    assert found.dashboard["links"][0]["url"] == url.replace("${DS_INFLUX}", "InfluxDB")
    assert found.dashboard["description"].startswith("Loki\n")


def test_a_panel_that_shows_the_data_of_a_missing_panel_is_left_out() -> None:
    reference = {"datasource": {"type": "datasource", "uid": "-- Dashboard --"}, "refId": "A"}
    dashboard = with_panel()
    (usual,) = dashboard["panels"]
    for number, title in ((1, "Here"), (77, "Nowhere")):
        dashboard["panels"].append(
            usual | {"id": number + 1, "title": title, "targets": [reference | {"panelId": number}]}
        )
    found = imported(dashboard)
    assert [each["title"] for each in found.dashboard["panels"]] == ["One", "Here"]
    assert "left out: “Nowhere”: shows the data of a panel that does not exist" in found.report.sentences()


@pytest.mark.parametrize("query", ["*", "avg:system.cpu{*}", "index=main error"])
def test_a_query_in_another_language_is_not_taken_for_influxdb(query: str) -> None:
    """Even if its datasource has only a name, and all other queries of the dashboard are InfluxDB's."""
    dashboard = with_panel() | {"annotations": {"list": [{"name": "a", "datasource": "Search", "query": query}]}}
    assert imported(dashboard).dashboard["annotations"]["list"] == []
    other = dashboard["panels"][0] | {"title": "Two", "datasource": "Search", "targets": [{"query": query}]}
    dashboard["panels"].append(other)
    assert "“Two” queries a datasource that the file does not name" in refusal(dashboard)


@pytest.mark.parametrize(
    ("given", "values"),
    [
        ({"query": "a : 1, b\\,c : 2,d"}, [("a", "1"), ("b,c", "2"), ("d", "d")]),
        ({"query": '[{"text": "a", "value": "1"}, {"value": 2}]', "valuesFormat": "json"}, [("a", "1"), ("2", "2")]),
        ({"query": "[broken", "valuesFormat": "json"}, []),
    ],
)
def test_the_values_of_a_custom_variable_are_read(given: dict[str, str], values: list[tuple[str, str]]) -> None:
    variable = {"name": "v", "type": "custom"} | given
    (found,) = imported(with_panel() | {"templating": {"list": [variable]}}).dashboard["templating"]["list"]
    assert [(each["text"], each["value"]) for each in found["options"]] == values
    assert found["current"] == (
        dict(zip(("text", "value"), values[0], strict=True)) if values else {"text": "", "value": ""}
    )


def test_tags_and_tooltip_have_the_right_type() -> None:
    found = imported(with_panel() | {"tags": "a,b", "graphTooltip": "2"}).dashboard
    assert (found["tags"], found["graphTooltip"]) == (["imported"], 0)
    found = imported(with_panel() | {"tags": ["a", None, 5], "graphTooltip": 2}).dashboard
    assert (found["tags"], found["graphTooltip"]) == (["a", "5", "imported"], 2)
