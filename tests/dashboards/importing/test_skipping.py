"""What is left out: on request (SKIP=1), or because it can never return data."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from dashboards.from_files import read_all
from dashboards.importing.__main__ import import_dashboard
from dashboards.importing.conversion import convert
from dashboards.importing.report import ImportingError
from tests.dashboards.importing.conftest import refusal, with_panel

ROOT = Path(__file__).parents[3]


def two(**content: Any) -> dict[str, Any]:
    """A dashboard with a panel that can be imported, and another with this content."""
    dashboard = with_panel(title="Fine")
    dashboard["panels"].append({"title": "Odd", "type": "timeseries", "gridPos": {"x": 8, "y": 0, "w": 8, "h": 8}})
    dashboard["panels"][1] |= content
    return dashboard


ODD: dict[str, dict[str, Any]] = {
    "a plugin": {"type": "grafana-clock-panel"},
    "no type": {"type": ""},
    "Prometheus": {"targets": [{"expr": "up", "refId": "A"}]},
    "Flux": {"targets": [{"query": 'from(bucket: "b") |> range(start: -1h)', "refId": "A"}]},
    "a library": {"libraryPanel": {"uid": "abc", "name": "L"}},
    "a table of annotations": {"type": "table-old", "transform": "annotations"},
    "no form": {"type": "graph", "xaxis": 5},
}


@pytest.mark.parametrize("case", ODD)
def test_a_panel_that_cannot_be_imported_is_left_out(case: str) -> None:
    text = refusal(two(**ODD[case]))
    assert "“Odd”" in text and "SKIP=1 imports it without these" in text
    found = convert(json.dumps(two(**ODD[case])), "file.json", skip=True)
    assert [one["title"] for one in found.dashboard["panels"]] == ["Fine"]
    (left,) = [line for line in found.report.sentences() if line.startswith("left out: ")]
    assert "“Odd”" in left


def test_a_panel_inside_a_row_is_left_out() -> None:
    dashboard = two()
    clock = {"title": "Clock", "type": "grafana-clock-panel"}
    dashboard["panels"][1] = {"type": "row", "title": "Row", "collapsed": True, "panels": [clock]}
    found = convert(json.dumps(dashboard), "file.json", skip=True)
    assert found.dashboard["panels"][1]["panels"] == []


def test_a_variable_that_cannot_be_imported_is_left_out() -> None:
    variable = {"name": "node", "type": "query", "query": "label_values(node)"}
    dashboard = with_panel() | {"templating": {"list": [variable]}}
    assert "the variable node queries Prometheus" in refusal(dashboard)
    found = convert(json.dumps(dashboard), "file.json", skip=True)
    assert found.dashboard["templating"]["list"] == []
    assert "left out: the variable node queries Prometheus" in found.report.sentences()


def test_a_query_that_uses_a_variable_left_out_is_a_warning() -> None:
    query = {"query": "SELECT mean(x) FROM cpu WHERE host =~ /^${node:regex}$/", "rawQuery": True}
    variable = {"name": "node", "type": "query", "query": "label_values(node)"}
    dashboard = with_panel(targets=[query]) | {"templating": {"list": [variable]}}
    found = convert(json.dumps(dashboard), "file.json", skip=True)
    assert found.report.warned() == ["the variable node is left out, but used in “One”: correct that"]


def test_a_dashboard_is_refused_if_nothing_would_be_left() -> None:
    with pytest.raises(ImportingError, match="nothing would be left of it: “One” is a grafana-clock-panel"):
        convert(json.dumps(with_panel(type="grafana-clock-panel")), "file.json", skip=True)


def test_a_dashboard_with_only_text_left_is_a_warning() -> None:
    dashboard = with_panel(type="grafana-clock-panel")
    dashboard["panels"].append({"title": "Notes", "type": "text", "options": {"content": "x"}})
    found = convert(json.dumps(dashboard), "file.json", skip=True)
    assert found.report.warned() == ["no panel that shows data is left"]


def test_the_command_skips_on_request(tmp_path: Path) -> None:
    (tmp_path / "two.json").write_text(json.dumps(two(type="grafana-clock-panel")))
    with pytest.raises(ImportingError, match="SKIP=1"):
        import_dashboard(str(tmp_path / "two.json"), folder=tmp_path / "imported")
    reported = import_dashboard(str(tmp_path / "two.json"), skip=True, folder=tmp_path / "imported")
    assert "  - left out: “Odd” is a grafana-clock-panel" in reported
    assert len(read_all(tmp_path / "imported")) == 1


@pytest.mark.parametrize(("words", "skip"), [((), False), (("SKIP=1",), True)])
def test_make_passes_the_request_on(words: tuple[str, ...], skip: bool) -> None:
    make = ["make", "--dry-run", "import-dashboard", "FROM=928", *words]
    printed = subprocess.run(make, cwd=ROOT, capture_output=True, text=True, check=True, timeout=30).stdout
    assert ("--skip" in printed) is skip


SQL: tuple[dict[str, Any], ...] = (
    {"rawSql": "SELECT 1", "dataset": "iox"},
    {"rawSql": "SELECT usage FROM cpu"},
    {"query": "SELECT date_bin(interval '1 minute', time), usage FROM cpu", "rawQuery": True},
    {"query": "SELECT usage FROM cpu WHERE $__timeFilter(time)", "rawQuery": True},
)


@pytest.mark.parametrize("query", SQL)
def test_sql_is_left_out_and_reported(query: dict[str, Any]) -> None:
    target = {"datasource": {"type": "influxdb", "uid": "x"}, "refId": "A", **query}
    found = convert(json.dumps(two(targets=[target])), "file.json")
    assert [one["title"] for one in found.dashboard["panels"]] == ["Fine"]
    assert "left out: “Odd” queries InfluxDB in SQL" in found.report.sentences()
    assert "“One” queries InfluxDB in SQL" in refusal(with_panel(targets=[target]))


@pytest.mark.parametrize("text", ["SELECT mean(x) FROM cpu WHERE $timeFilter", "SHOW TAG VALUES WITH KEY = host"])
def test_influxql_is_not_taken_for_sql(text: str) -> None:
    target = {"datasource": {"type": "influxdb", "uid": "x"}, "query": text, "rawQuery": True}
    assert len(convert(json.dumps(two(targets=[target])), "file.json").dashboard["panels"]) == 2


def test_sql_expressions_are_reported() -> None:
    query = {"query": "SELECT mean(x) FROM cpu WHERE $timeFilter", "rawQuery": True, "refId": "A"}
    sql = {"datasource": {"type": "__expr__", "uid": "__expr__"}, "type": "sql", "expression": "SELECT 1 FROM A"}
    reported = convert(json.dumps(two(targets=[query, sql])), "file.json").report.sentences()
    assert "kept the SQL expressions in “Odd”, which need Grafana's feature toggle sqlExpressions" in reported


def test_cloudwatch_logs_are_reported() -> None:
    source = {"type": "cloudwatch", "uid": "theirs"}
    logs = {"queryMode": "Logs", "expression": "fields @message", "logGroupNames": ["/app"], "region": "default"}
    group = {"name": "group", "type": "query", "datasource": source, "query": {"queryType": "logGroups"}}
    dashboard = two(datasource=source, type="logs", targets=[logs]) | {"templating": {"list": [group]}}
    found = convert(json.dumps(dashboard), "file.json")
    (line,) = [line for line in found.report.sentences() if "Logs" in line]
    assert "kept the CloudWatch Logs queries in “Odd”, “$group”, which stay empty" in line
    query = found.dashboard["panels"][1]["targets"][0]
    assert "statistic" not in query and query["expression"] == "fields @message"
