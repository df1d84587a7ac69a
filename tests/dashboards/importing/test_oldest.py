"""Dashboards older than schema 16. The import converts them itself, without Grafana's migrations."""

from __future__ import annotations

from typing import Any

from tests.dashboards.importing.conftest import imported, panel


def of_2014(schema: int = 5, **content: Any) -> dict[str, Any]:
    query = {"query": "SELECT mean(x) FROM cpu WHERE $timeFilter", "rawQuery": True}
    one = {"title": "One", "type": "graph", "span": 12, "targets": [query], **content}
    return {"title": "Small", "schemaVersion": schema, "rows": [{"title": "Row", "panels": [one]}]}


def test_fields_with_a_function_become_parts_of_the_query() -> None:
    old = {
        "measurement": "cpu",
        "fields": [{"name": "usage_idle", "func": "mean", "mathExpr": "* -1 + 100", "asExpr": "busy"}],
        "tags": [{"key": "cpu", "value": "cpu-total"}],
        "groupBy": [{"type": "time", "interval": "auto"}, {"type": "tag", "key": "host"}],
        "fill": "none",
    }
    (query,) = panel(imported(of_2014(targets=[old])), "One")["targets"]
    assert query["select"] == [
        [
            {"type": "field", "params": ["usage_idle"]},
            {"type": "mean", "params": []},
            {"type": "math", "params": ["* -1 + 100"]},
            {"type": "alias", "params": ["busy"]},
        ]
    ]
    assert query["groupBy"] == [
        {"type": "time", "params": ["auto"]},
        {"type": "tag", "params": ["host"]},
        {"type": "fill", "params": ["none"]},
    ]
    assert not {"fields", "fill"} & query.keys()


def test_axes_of_2013_are_converted() -> None:
    old = {"y_format": "bytes", "grid": {"min": 1, "max": 9}, "legend": False, "aliasYAxis": {"in": 2}}
    graph = panel(imported(of_2014(schema=1, **old)), "One")
    defaults = graph["fieldConfig"]["defaults"]
    assert (defaults["unit"], defaults["min"], defaults["max"]) == ("bytes", 1, 9)
    assert graph["options"]["legend"]["showLegend"] is False
    (second,) = graph["fieldConfig"]["overrides"]
    assert second["properties"][0] == {"id": "custom.axisPlacement", "value": "right"}


def test_the_first_of_three_old_limits_is_left_out() -> None:
    number = {"type": "singlestat", "thresholds": "0,70,90", "colors": ["green", "orange", "red"]}
    for schema, limits in ((5, [None, 70, 90]), (12, [None, 0, 70, 90])):
        steps = panel(imported(of_2014(schema, **number)), "One")["fieldConfig"]["defaults"]["thresholds"]["steps"]
        assert [step["value"] for step in steps] == limits


def test_variables_and_annotations_of_2014_are_converted() -> None:
    noted = {"type": "annotations", "annotations": [{"name": "Boots", "datasource": "-- Grafana --"}]}
    server = {"type": "filter", "name": "server", "query": "SHOW TAG VALUES WITH KEY = host", "hideVariable": True}
    hidden = {"type": "filter", "name": "disk", "query": "SHOW TAG VALUES WITH KEY = path", "hideLabel": True}
    old = of_2014() | {"pulldowns": [noted], "templating": {"list": [server, hidden]}}
    dashboard = imported(old).dashboard
    assert [each["name"] for each in dashboard["annotations"]["list"]] == ["Boots"]
    assert [(each["type"], each["hide"]) for each in dashboard["templating"]["list"]] == [("query", 2), ("query", 1)]


def test_saved_copies_of_repeated_rows_are_removed() -> None:
    old = of_2014(schema=14)
    old["rows"].append({"title": "Copy", "repeatIteration": 1, "panels": [{"title": "Two", "type": "graph"}]})
    assert [one["title"] for one in imported(old).dashboard["panels"]] == ["One"]
