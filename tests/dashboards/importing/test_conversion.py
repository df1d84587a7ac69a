"""The conversion of community dashboards."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from dashboards.importing import measured
from dashboards.importing.conversion import Imported
from tests.dashboards.importing.conftest import GOOD, imported, panel, sample, with_panel
from tests.support.another_process import printed

USERDATA = Path(__file__).parents[3] / "userdata"


@pytest.fixture(scope="module")
def hosts() -> Imported:
    """The sample in the style of dashboard 928 of 2017: rows, inputs, Angular panels."""
    return imported(sample("telegraf-rows"))


@pytest.mark.parametrize("name", GOOD)
def test_nothing_of_the_exporting_grafana_is_left(name: str) -> None:
    dashboard = imported(sample(name)).dashboard
    text = json.dumps(dashboard)
    for word in (
        "__inputs",
        "__requires",
        "${DS_",
        "${VAR_",
        "[[server",
        "[[host",
        "AWS production",
        "theirs",
        '"graph"',
        '"singlestat"',
    ):
        assert word not in text, word
    assert not {"id", "version", "gnetId", "rows", "style", "iteration", "originalTitle"} & dashboard.keys()
    assert dashboard["editable"] is False
    assert "managed by Pulumi" in dashboard["description"]
    assert "imported" in dashboard["tags"]


def test_the_same_file_gives_the_same_dashboard_in_every_process() -> None:
    code = "import json; from tests.dashboards.importing.conftest import GOOD, imported, sample; "
    code += "print(json.dumps([imported(sample(name)).dashboard for name in GOOD]))"
    assert json.dumps([imported(sample(name)).dashboard for name in GOOD]) == printed(code)


def test_the_uid_is_the_name(hosts: Imported) -> None:
    assert (hosts.name, hosts.dashboard["uid"]) == ("telegraf-hosts-by-rows", "telegraf-hosts-by-rows")
    assert imported(sample("telegraf-rows"), "mine").dashboard["uid"] == "mine"


def test_the_description_says_where_the_dashboard_came_from(hosts: Imported) -> None:
    assert "grafana.com/grafana/dashboards/999928" in hosts.dashboard["description"]


def test_the_name_of_one_of_the_program_s_dashboards_is_avoided() -> None:
    assert imported(with_panel() | {"title": "Linux hosts"}).name == "linux-hosts-imported"


def test_the_name_is_added_to_a_title_that_is_taken(hosts: Imported) -> None:
    again = imported(sample("telegraf-rows"), "second").among({"Telegraf: hosts by rows"})
    assert again.dashboard["title"] == "Telegraf: hosts by rows (second)"
    assert hosts.among({"Something else"}) is hosts


def test_old_rows_are_laid_out_on_the_grid(hosts: Imported) -> None:
    places = [(p["title"], *(p["gridPos"][side] for side in "xywh")) for p in hosts.dashboard["panels"]]
    assert places == [
        ("At a glance: $server", 0, 0, 24, 1),
        ("CPU in use", 0, 1, 6, 4),
        ("Memory", 6, 1, 6, 4),
        ("", 12, 1, 12, 4),
        ("Lines", 0, 5, 24, 1),
        ("CPU", 0, 6, 16, 8),
        ("File systems", 16, 6, 8, 8),
        ("Connections", 0, 14, 24, 8),
        ("More", 0, 22, 24, 1),
    ]
    more = hosts.dashboard["panels"][-1]
    assert (more["collapsed"], [one["title"] for one in more["panels"]]) == (True, ["Load"])


def test_every_panel_has_its_own_id(hosts: Imported) -> None:
    every = [*hosts.dashboard["panels"], *hosts.dashboard["panels"][-1]["panels"]]
    assert len({one["id"] for one in every}) == len(every)
    assert panel(hosts, "CPU in use")["id"] == 1


def test_singlestat_becomes_stat(hosts: Imported) -> None:
    stat = panel(hosts, "CPU in use")
    assert stat["type"] == "stat"
    assert stat["options"]["reduceOptions"]["calcs"] == ["lastNotNull"]
    assert (stat["options"]["colorMode"], stat["options"]["graphMode"]) == ("value", "area")
    defaults = stat["fieldConfig"]["defaults"]
    assert (defaults["unit"], defaults["decimals"]) == ("percent", 1)
    assert [step["value"] for step in defaults["thresholds"]["steps"]] == [None, 70, 90]
    assert defaults["mappings"] == [
        {"type": "value", "options": {"0": {"text": "idle", "index": 1}}},
        {"type": "special", "options": {"match": "null", "result": {"text": "no data", "index": 0}}},
    ]


def test_singlestat_drawn_as_a_gauge_becomes_a_gauge(hosts: Imported) -> None:
    gauge = panel(hosts, "Memory")
    assert gauge["type"] == "gauge"
    assert (gauge["fieldConfig"]["defaults"]["min"], gauge["fieldConfig"]["defaults"]["max"]) == (0, 100)


def test_graph_becomes_timeseries(hosts: Imported) -> None:
    graph = panel(hosts, "CPU")
    assert graph["type"] == "timeseries"
    defaults = graph["fieldConfig"]["defaults"]
    assert (defaults["unit"], defaults["min"], defaults["max"]) == ("percent", 0, 100)
    custom = defaults["custom"]
    assert (custom["drawStyle"], custom["lineWidth"], custom["fillOpacity"], custom["spanNulls"]) == (
        "line",
        2,
        10,
        True,
    )
    assert (custom["stacking"]["mode"], custom["thresholdsStyle"]["mode"]) == ("normal", "line+area")
    assert graph["options"]["legend"] == {
        "showLegend": True,
        "displayMode": "table",
        "placement": "right",
        "calcs": ["mean", "lastNotNull"],
    }
    assert graph["options"]["tooltip"] == {"mode": "multi", "sort": "desc"}
    colour, second_axis = graph["fieldConfig"]["overrides"]
    assert colour["properties"] == [{"id": "color", "value": {"mode": "fixed", "fixedColor": "#BF1B00"}}]
    assert second_axis["matcher"] == {"id": "byRegexp", "options": "/idle/"}
    properties = {one["id"]: one["value"] for one in second_axis["properties"]}
    assert properties["custom.axisPlacement"] == "right"
    assert (properties["unit"], properties["custom.transform"]) == ("short", "negative-Y")


def test_bars_are_drawn_as_bars(hosts: Imported) -> None:
    assert panel(hosts, "Connections")["fieldConfig"]["defaults"]["custom"]["drawStyle"] == "bars"


def test_a_graph_over_series_becomes_a_bar_gauge_and_a_histogram_stays_one() -> None:
    series = panel(imported(with_panel(type="graph", xaxis={"mode": "series", "values": ["current"]})), "One")
    assert (series["type"], series["options"]["reduceOptions"]["calcs"]) == ("bargauge", ["lastNotNull"])
    histogram = panel(imported(with_panel(type="graph", xaxis={"mode": "histogram", "buckets": 20})), "One")
    assert (histogram["type"], histogram["options"]) == ("histogram", {"bucketCount": 20})


def test_an_old_table_becomes_a_table(hosts: Imported) -> None:
    table = panel(hosts, "File systems")
    assert table["type"] == "table"
    assert [one["id"] for one in table["transformations"]] == ["merge", "organize"]
    assert table["transformations"][1]["options"] == {"excludeByName": {"Time": True}}
    (rule,) = table["fieldConfig"]["overrides"]
    assert rule["matcher"] == {"id": "byName", "options": "last"}
    assert {one["id"] for one in rule["properties"]} == {
        *("displayName", "unit", "decimals", "custom.cellOptions", "thresholds"),
    }
    assert table["fieldConfig"]["defaults"]["decimals"] == 2


def test_links_in_old_tables_use_the_current_variables() -> None:
    style = {"pattern": "host", "link": True, "linkUrl": "/d/x?var-host=$__cell&cpu=$__cell_2", "linkTooltip": "Look"}
    table = panel(imported(with_panel(type="table-old", styles=[style], transform="table")), "One")
    (rule,) = table["fieldConfig"]["overrides"]
    (link,) = rule["properties"][0]["value"]
    assert link["url"] == "/d/x?var-host=${__value.raw}&cpu=${__data.fields[2]}"


def test_text_keeps_its_text(hosts: Imported) -> None:
    text = next(one for one in hosts.dashboard["panels"] if one["type"] == "text")
    assert text["options"] == {"content": "# Notes\nfor **${server}**", "mode": "markdown"}
    assert "datasource" not in text


def test_modern_panels_are_left_as_they_are() -> None:
    options = {"displayMode": "gradient"}
    config = {"defaults": {"unit": "s"}, "overrides": []}
    found = panel(
        imported(with_panel(type="bargauge", options=options, fieldConfig=config, pluginVersion="9.1.0")), "One"
    )
    assert (found["type"], found["options"], found["fieldConfig"]) == ("bargauge", options, config)
    assert found["pluginVersion"] == "9.1.0"


def test_variables_lose_the_exported_choices(hosts: Imported) -> None:
    server, inter = hosts.dashboard["templating"]["list"]
    assert server["datasource"] == {"type": "influxdb", "uid": "influxdb"}
    assert (server["current"], "options" in server, server["refresh"]) == ({"text": "", "value": ""}, False, 1)
    assert inter["current"]["value"] == "30s"
    assert [option["value"] for option in inter["options"]] == ["10s", "30s", "1m"]
    (host,) = imported(sample("of-2015")).dashboard["templating"]["list"]
    assert host["current"] == {"text": ["All"], "value": ["$__all"]}


def test_annotations_with_a_known_datasource_are_kept(hosts: Imported) -> None:
    assert [each["name"] for each in hosts.dashboard["annotations"]["list"]] == ["Annotations & Alerts", "Boots"]
    assert any("left out the annotation Deployments" in line for line in hosts.report.sentences())


def test_a_dashboard_of_2015_is_converted() -> None:
    found = imported(sample("of-2015"))
    load = panel(found, "Load")
    defaults = load["fieldConfig"]["defaults"]
    assert (defaults["unit"], defaults["min"], defaults["custom"]["axisLabel"]) == ("short", 0, "processes")
    assert [step["value"] for step in defaults["thresholds"]["steps"]] == [None, 4, 8]
    (query,) = load["targets"]
    assert query["refId"] == "A"
    assert "/${host}/" in query["query"]


def test_cloudwatch_queries_are_converted() -> None:
    found = imported(sample("cloudwatch-grid"))
    first, second = panel(found, "Sent")["targets"]
    assert (first["statistic"], second["statistic"]) == ("Sum", "Maximum")
    assert first["refId"] != second["refId"]
    assert first["label"] == "${PROP('Dim.QueueName')} ${PROP('Stat')}"
    assert first["dimensions"] == {"QueueName": ["$queue"]}
    assert {one["datasource"]["uid"] for one in (first, second)} == {"cloudwatch"}
    assert not {"alias", "statistics"} & first.keys()


def test_two_panels_with_the_same_id_get_different_ones() -> None:
    ids = [one["id"] for one in imported(sample("cloudwatch-grid")).dashboard["panels"]]
    assert len(set(ids)) == 3


def test_a_panel_can_query_both_datasources() -> None:
    queries: list[dict[str, Any]] = [
        {"datasource": {"uid": "x", "type": "influxdb"}, "query": "SELECT 1", "rawQuery": True, "refId": "A"},
        {"namespace": "AWS/EC2", "metricName": "CPUUtilization", "dimensions": {}, "statistics": ["Average"]},
    ]
    found = panel(imported(with_panel(datasource={"uid": "-- Mixed --"}, targets=queries)), "One")
    assert found["datasource"]["uid"] == "-- Mixed --"
    assert [one["datasource"]["uid"] for one in found["targets"]] == ["influxdb", "cloudwatch"]
    assert [one["refId"] for one in found["targets"]] == ["A", "B"]


def test_library_panels_become_ordinary_ones() -> None:
    model = {"type": "stat", "title": "From the library", "targets": [{"measurement": "cpu", "refId": "A"}]}
    dashboard = {
        "title": "Small",
        "panels": [{"id": 4, "gridPos": {"x": 0, "y": 0, "w": 8, "h": 8}, "libraryPanel": {"uid": "abc", "name": "L"}}],
        "__elements": {"abc": {"name": "L", "kind": 1, "model": model}},
    }
    assert panel(imported(dashboard), "From the library")["id"] == 4


@pytest.mark.parametrize("alias", ["[[tag_host]] [[col]]", "$tag_host $m", "[[1]]", "$tag_cpu"])
def test_placeholders_in_aliases_are_kept(alias: str) -> None:
    query = {"query": "SELECT mean(x) FROM cpu GROUP BY host", "rawQuery": True, "alias": alias}
    assert panel(imported(with_panel(targets=[query])), "One")["targets"][0]["alias"] == alias


def test_only_variables_are_written_without_brackets() -> None:
    query = {
        "query": "SELECT mean(x) FROM cpu WHERE host =~ /[[server:regex]]|[[:alpha:]]/",
        "alias": "[[server]] [[col]]",
    }
    variable = {"name": "server", "type": "custom", "query": "a,b", "datasource": "theirs"}
    found = imported(with_panel(targets=[query]) | {"templating": {"list": [variable]}})
    (target,) = panel(found, "One")["targets"]
    assert target["query"].endswith("/${server:regex}|[[:alpha:]]/")
    assert target["alias"] == "${server} [[col]]"
    assert "datasource" not in found.dashboard["templating"]["list"][0]


@pytest.mark.parametrize(
    "reference",
    [
        {"type": "datasource", "uid": "grafana"},
        {"type": "grafana", "uid": "-- Grafana --"},
        {"uid": "grafana"},
        "-- Grafana --",
        "grafana",
    ],
)
def test_grafana_s_own_datasource_is_recognized_in_all_spellings(reference: Any) -> None:
    dashboard = with_panel(datasource=reference, targets=[{"queryType": "randomWalk", "datasource": reference}])
    noted = {"name": "Deployments", "datasource": reference, "target": {"type": "tags", "tags": ["deploy"]}}
    found = imported(dashboard | {"annotations": {"list": [noted]}})
    own = {"type": "grafana", "uid": "-- Grafana --"}
    assert panel(found, "One")["datasource"] == panel(found, "One")["targets"][0]["datasource"] == own
    assert found.dashboard["annotations"]["list"][0]["datasource"] == own


def test_a_query_without_a_datasource_uses_that_of_the_others() -> None:
    variable = {"name": "host", "type": "query", "query": "$names"}
    found = imported(with_panel() | {"templating": {"list": [variable]}})
    assert found.dashboard["templating"]["list"][0]["datasource"]["uid"] == "influxdb"


@pytest.mark.parametrize("kind", ["timeseries", "graph", "text", "piechart", "row"])
def test_null_means_absent(kind: str) -> None:
    nulls = dict.fromkeys(
        (
            "title",
            "fieldConfig",
            "options",
            "links",
            "gridPos",
            "datasource",
            "targets",
            "repeat",
            "panels",
            "thresholds",
        )
    )
    dashboard = with_panel(type=kind, **nulls) | {
        **dict.fromkeys(("annotations", "links", "tags", "time", "timepicker", "refresh", "description", "__inputs")),
        "templating": {"list": None},
    }
    (found,) = imported(dashboard).dashboard["panels"]
    if kind != "row":
        assert (found["title"], found["fieldConfig"]["overrides"], found["links"]) == ("", [], [])
    half = with_panel(type="timeseries", fieldConfig={"defaults": None, "overrides": None})
    assert panel(imported(half), "One")["fieldConfig"] == {"defaults": {}, "overrides": []}


def test_saved_copies_of_repeated_panels_are_removed() -> None:
    dashboard = with_panel(repeat="server", minSpan=3)
    copy = dashboard["panels"][0] | {"id": 2, "repeat": None, "repeatPanelId": 1, "scopedVars": {"server": {}}}
    found = imported(dashboard | {"panels": [*dashboard["panels"], copy]})
    (kept,) = found.dashboard["panels"]
    assert (kept["repeat"], kept["maxPerRow"]) == ("server", 4)


@pytest.mark.parametrize("envelope", ["dashboard", "json", "spec"])
def test_envelopes_are_removed(envelope: str) -> None:
    wrapped = {envelope: with_panel(), "apiVersion": "dashboard.grafana.app/v1beta1" if envelope == "spec" else ""}
    assert imported(wrapped).dashboard["title"] == "Small"


def test_queries_of_what_no_agent_measures_are_warnings(hosts: Imported) -> None:
    measurement, policy = hosts.report.warnings
    assert "no agent measures netstat" in measurement and "“Connections”" in measurement
    assert "the retention policy is autogen, not default" in policy


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ('SELECT mean(x) FROM "cpu" WHERE $timeFilter', []),
        ('SELECT mean(x) FROM "telegraf"."autogen"."cpu"', []),
        ("SELECT mean(x) FROM telegraf..docker_container_cpu", []),
        ("SELECT mean(x) FROM /disk.*/", []),
        ('SELECT mean(x) FROM "$measurement"', []),
        ("SELECT max(x) FROM (SELECT sum(y) AS x FROM mem GROUP BY host)", []),
        ("SELECT mean(x) FROM collectd..cpu", ["the database is telegraf, not collectd"]),
        ('SELECT mean(x) FROM "rp_90d"."mem"', ["the retention policy is autogen, not rp_90d"]),
        ("SELECT mean(x) FROM weather", ["no agent measures weather"]),
    ],
)
def test_the_warnings_about_a_query(query: str, words: list[str]) -> None:
    warnings = imported(with_panel(targets=[{"query": query, "rawQuery": True, "refId": "A"}])).report.warnings
    assert len(warnings) == len(words)
    assert all(word in warning for word, warning in zip(words, warnings, strict=True)), warnings


def test_the_list_of_measurements_has_every_input_of_the_agents() -> None:
    files = (USERDATA / "shared/telegraf.conf", USERDATA / "shared/inputs.conf")
    assert {
        name for file in files for name in re.findall(r"\[\[inputs\.(\w+)\]\]", file.read_text())
    } == measured.INPUTS | {"exec"}  # exec names no measurement of its own
