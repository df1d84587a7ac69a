"""The text of the queries: cheap, for the chosen hosts only, and without a series per core or disk unless intended."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from dashboards.panels import POINTS
from dashboards.registry import AWS_EC2, CUSTOM_METRICS, LINUX_HOST, LINUX_HOSTS, MONITORING_SERVER, Entry
from sandbox.viewer.queries import PanelQuery, TimeRange, panel_queries, panels
from tests.support.every_dashboard import CUSTOM

HOUR = TimeRange(1_700_000_000_000, 1_700_003_600_000)
INFLUX = (LINUX_HOSTS, MONITORING_SERVER)
DRAWN = {"timeseries", "state-timeline"}


def targets(entry: Entry) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Each query of a dashboard, with its panel."""
    return [(panel, target) for panel in panels(json.loads(entry.build())) for target in panel["targets"]]


@pytest.mark.parametrize("entry", INFLUX, ids=lambda entry: entry.uid)
def test_queries_read_only_the_chosen_hosts_and_a_limited_time(entry: Entry) -> None:
    for panel, target in targets(entry):
        query = target["query"]
        assert '"host"::tag =~ /^$host$/' in query, panel["title"]
        assert "$timeFilter" in query or "time >" in query, panel["title"]
        assert target["rawQuery"] is True
        assert query.count("(") == query.count(")"), panel["title"]


@pytest.mark.parametrize("entry", (*INFLUX, LINUX_HOST), ids=lambda entry: entry.uid)
def test_a_query_with_subqueries_limits_the_time_outside_them(entry: Entry) -> None:
    """Without a limit there, InfluxDB opens every shard, of which there is one per day (coordinator/shard_mapper.go,
    mapShards)."""
    asked = [target["query"] for _, target in targets(entry)]
    asked += [
        each["query"] for each in json.loads(entry.build()).get("annotations", {}).get("list", []) if "query" in each
    ]
    nested = [query for query in asked if "FROM (" in query]
    assert nested
    for query in nested:
        outside = query
        while (inner := re.sub(r"\([^()]*\)", "", outside)) != outside:
            outside = inner
        conditions = outside.partition(" WHERE ")[2]
        assert "$timeFilter" in conditions or "time >" in conditions, query


def test_a_graph_s_query_takes_one_value_from_a_subquery() -> None:
    """InfluxDB evaluates the whole subquery for each value (query/select.go, buildVarRefIterator)."""
    drawn = [each for entry in (*INFLUX, LINUX_HOST) for each in targets(entry) if each[0]["type"] == "timeseries"]
    nested = [(panel["title"], target["query"]) for panel, target in drawn if " FROM (" in target["query"]]
    assert len(nested) > 5
    for title, query in nested:
        assert query.partition(" FROM (")[0].count("(") == 1, title


def test_only_percentiles_of_all_hosts_are_drawn_from_subqueries() -> None:
    """Adding up each host's disks took a subquery, which was most of what viewing the dashboard cost. Percentiles of
    all hosts need one, which is cheaper than sorting all values of a long time."""
    drawn = [(panel, target) for panel, target in targets(LINUX_HOSTS) if panel["type"] == "timeseries"]
    assert len(drawn) > 20
    nested = {panel["title"] for panel, target in drawn if "FROM (" in target["query"]}
    assert nested == {f"{kind} of all hosts" for kind in ("CPU use", "Memory use", "File systems")}


@pytest.mark.parametrize("entry", INFLUX, ids=lambda entry: entry.uid)
def test_graphs_are_grouped_by_the_interval(entry: Entry) -> None:
    for panel, target in targets(entry):
        if panel["type"] in DRAWN:
            assert "GROUP BY time($__interval)" in target["query"], panel["title"]
            assert panel["interval"] in {"$interval", "1m"}, panel["title"]


@pytest.mark.parametrize("entry", INFLUX, ids=lambda entry: entry.uid)
def test_graphs_have_a_line_per_host_and_none_per_core_disk_or_interface(entry: Entry) -> None:
    for panel, target in targets(entry):
        if panel["type"] in DRAWN:
            outermost = target["query"].rsplit("GROUP BY", 1)[1]
            assert set(re.findall(r'"(\w+)"', outermost)) <= {"host"}, panel["title"]
            assert target["alias"].startswith("$tag_host") or target["alias"] == "$col", panel["title"]


def test_only_one_panel_reads_single_cores() -> None:
    """All others read the total of a host's cores."""
    asked = [each for entry in (LINUX_HOSTS, LINUX_HOST) for each in targets(entry)]
    reading = {
        (panel["title"], part.count("\"cpu\"::tag = 'cpu-total'"))
        for panel, target in asked
        for part in re.split(r'(?=FROM (?:\$\{policy\})?")', target["query"])
        if re.match(r'FROM (?:\$\{policy\})?"cpu"', part)
    }
    assert len(reading) > 10
    assert {title for title, totals in reading if not totals} == {"CPU use by core"}


def test_cloudwatch_is_queried_for_the_chosen_instances_in_the_chosen_region() -> None:
    for panel, target in targets(AWS_EC2):
        assert target["region"] == "$region", panel["title"]
        assert target["namespace"] == "AWS/EC2", panel["title"]
        # In a list Grafana would not replace the variable (CloudWatchRequest.ts, convertDimensionFormat).
        assert target["dimensions"] == {"InstanceId": "$instance"}, panel["title"]
        assert target["period"] == "$period", panel["title"]
        assert target["expression"] == "", panel["title"]


def test_cloudwatch_s_counts_are_summed() -> None:
    for panel, target in targets(AWS_EC2):
        counted = re.search(r"Network|EBS\w+(Ops|Bytes)$|CreditUsage", target["metricName"])
        assert (target["statistic"] == "Sum") == bool(counted), panel["title"]


def test_instances_are_listed_by_name_filtered_by_tag() -> None:
    variables = {each["name"]: each for each in json.loads(AWS_EC2.build())["templating"]["list"]}
    names, ids = variables["name"]["query"], variables["instance"]["query"]
    assert (names["queryType"], names["attributeName"]) == ("ec2InstanceAttributes", "Tags.Name")
    assert names["ec2Filters"] == {"tag:$tag": ["$tagvalue"], "instance-state-name": ["running"]}
    assert ids["attributeName"] == "InstanceId"
    # If both filters concern Name, the second wins: the one on Name, in this order and in sorted order.
    assert list(ids["ec2Filters"])[:2] == ["tag:$tag", "tag:Name"] == sorted(["tag:$tag", "tag:Name"])


def test_several_hosts_become_an_escaped_alternation() -> None:
    first = panel_queries(json.loads(LINUX_HOSTS.build()), {"host": ["a.example", "b"]}, HOUR)[0]
    assert r'"host"::tag =~ /^(a\.example|b)$/' in first.influxql()
    assert "$" not in first.influxql().replace("$/", "")


def test_a_single_host_is_not_an_alternation_and_macros_stay_for_grafana_s_backend() -> None:
    query = by_title("CPU use", {"host": ["web-1"]})
    assert '"host"::tag =~ /^web-1$/' in query.model["query"]
    assert "$timeFilter" in query.model["query"]
    assert query.request()["from"] == str(HOUR.start)


def test_the_chosen_interval_is_the_shortest_step() -> None:
    assert by_title("CPU use", {"interval": "5m"}).step == 300
    assert by_title("CPU use", {}).step == 30  # not 10, because the cost grows with the number of steps (docs/scale.md)
    week = TimeRange(HOUR.start, HOUR.start + 7 * 86400 * 1000)
    assert by_title("CPU use", {}, week).step == 1800


def test_beyond_18_hours_steps_are_as_long_as_those_of_the_down_sampled_policy() -> None:
    """Five minutes (userdata/server/rollup.py): of shorter steps most would be empty."""
    for shown in (64_800_001, 2 * 86_400_000):
        drawn = [each for each in panels(json.loads(LINUX_HOSTS.build())) if each["type"] in DRAWN]
        asked = panel_queries(json.loads(LINUX_HOSTS.build()), {}, TimeRange(HOUR.start, HOUR.start + shown))
        steps = {query.step for query in asked if query.panel_id in {panel["id"] for panel in drawn}}
        assert min(steps) >= 300
        assert {panel["maxDataPoints"] for panel in drawn} == {POINTS}


@pytest.mark.parametrize("entry", (*INFLUX, LINUX_HOST), ids=lambda entry: entry.uid)
def test_queries_of_the_time_shown_read_the_policy_that_fits_it(entry: Entry) -> None:
    variables = {each["name"]: each for each in json.loads(entry.build())["templating"]["list"]}
    for name in ("policy", "peak"):
        # Hidden, not in links, and queried again for each time range.
        assert (variables[name]["hide"], variables[name]["skipUrlSync"], variables[name]["refresh"]) == (2, True, 2)
    for panel, target in targets(entry):
        sources = re.findall(r'FROM ([^"(]*)"', target["query"])
        innermost = [part for part in target["query"].split("FROM ")[1:] if not part.startswith("(")]
        # A timeline names its time itself, and also reads the newest minutes from raw data.
        time = "${__from}" if panel["type"] == "state-timeline" else "$timeFilter"
        shown = [time in part and "> now()" not in part for part in innermost]
        assert sources == ["${policy}" if each else "" for each in shown], panel["title"]
        assert any(shown) or panel["type"] not in DRAWN, panel["title"]


def test_several_instances_become_several_dimensions() -> None:
    values: dict[str, str | list[str]] = {"instance": ["i-1", "i-2"], "region": "eu-west-1"}
    model = panel_queries(json.loads(AWS_EC2.build()), values, HOUR)[0].model
    assert model["dimensions"] == {"InstanceId": ["i-1", "i-2"]}
    assert (model["region"], model["period"]) == ("eu-west-1", "300")


def test_a_variable_in_a_list_of_dimensions_is_not_replaced() -> None:
    dashboard = json.loads(AWS_EC2.build())
    for panel in panels(dashboard):
        panel["targets"][0]["dimensions"] = {"InstanceId": ["$instance"]}
    first = [
        each for each in panel_queries(dashboard, {"instance": ["i-1", "i-2"]}, HOUR) if each.model["refId"] == "A"
    ]
    assert len(first) == len(list(panels(dashboard)))
    assert [each.title for each in first if each.model["dimensions"] != {"InstanceId": ["$instance"]}] == []


def test_all_instances_become_a_wildcard() -> None:
    asked = panel_queries(json.loads(AWS_EC2.build()), {}, HOUR)
    assert len(asked) == len(targets(AWS_EC2))
    assert [each.title for each in asked if each.model["dimensions"] != {"InstanceId": ["*"]}] == []


@pytest.mark.parametrize("entry", [AWS_EC2, CUSTOM_METRICS], ids=lambda entry: entry.uid)
def test_queries_that_cost_money_run_every_five_minutes_and_those_of_variables_once(entry: Entry) -> None:
    dashboard = json.loads(CUSTOM.build() if entry is CUSTOM_METRICS else entry.build())
    assert dashboard["refresh"] == "5m"
    asked = [each for each in dashboard["templating"]["list"] if each.get("datasource", {}).get("type") == "cloudwatch"]
    assert asked and {each["refresh"] for each in asked} == {1}  # VariableRefresh.onDashboardLoad


def test_the_ec2_dashboard_requests_as_many_metrics_as_the_page_says() -> None:
    """docs/dashboards.md: the metrics per instance of the first row and of all rows."""
    dashboard = json.loads(AWS_EC2.build())
    opened = [panel for panel in dashboard["panels"] if panel["type"] != "row"]
    assert sum(len(panel["targets"]) for panel in opened) == 6
    assert len(targets(AWS_EC2)) == 17


def by_title(title: str, values: dict[str, str | list[str]], shown: TimeRange = HOUR) -> PanelQuery:
    queries = panel_queries(json.loads(LINUX_HOSTS.build()), {"host": ["web-1"], **values}, shown)
    return next(query for query in queries if query.title == title)
