"""Checks of the queries' text: lean, for the chosen hosts only, no series per core or disk unless asked for."""

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
    return [(panel, target) for panel in panels(json.loads(entry.build())) for target in panel["targets"]]


@pytest.mark.parametrize("entry", INFLUX, ids=lambda entry: entry.uid)
def test_influxql_reads_only_chosen_hosts_and_a_bounded_time(entry: Entry) -> None:
    for panel, target in targets(entry):
        query = target["query"]
        assert '"host"::tag =~ /^$host$/' in query, panel["title"]
        assert "$timeFilter" in query or "time >" in query, panel["title"]
        assert target["rawQuery"] is True
        assert query.count("(") == query.count(")"), panel["title"]


@pytest.mark.parametrize("entry", (*INFLUX, LINUX_HOST), ids=lambda entry: entry.uid)
def test_a_query_of_subqueries_names_a_time_outside_of_them(entry: Entry) -> None:
    """Without one InfluxDB opens every shard there is, one per day (coordinator/shard_mapper.go, mapShards)."""
    asked = [target["query"] for _, target in targets(entry)]
    asked += [
        each["query"] for each in json.loads(entry.build()).get("annotations", {}).get("list", []) if "query" in each
    ]
    for query in (query for query in asked if "FROM (" in query):
        outside = query
        while (inner := re.sub(r"\([^()]*\)", "", outside)) != outside:
            outside = inner
        conditions = outside.partition(" WHERE ")[2]
        assert "$timeFilter" in conditions or "time >" in conditions, query


@pytest.mark.parametrize("entry", (*INFLUX, LINUX_HOST), ids=lambda entry: entry.uid)
def test_what_is_drawn_of_a_subquery_asks_it_one_thing(entry: Entry) -> None:
    """InfluxDB evaluates all of it for each (query/select.go, buildVarRefIterator)."""
    for panel, target in targets(entry):
        outside, inside, _ = target["query"].partition(" FROM (")
        if panel["type"] == "timeseries" and inside:
            assert outside.count("(") == 1, panel["title"]


def test_lines_of_all_hosts_are_drawn_without_subqueries() -> None:
    """Adding up a host's disks in a query takes a subquery over each disk of each host, which was most of what a look
    cost. Percentiles of all hosts take one, which is cheaper than sorting all values of a long time, and "When hosts
    reported", which leaves out the steps before a host's first point."""
    drawn = [(panel, target) for panel, target in targets(LINUX_HOSTS) if panel["type"] == "timeseries"]
    assert len(drawn) > 20
    nested = {panel["title"] for panel, target in drawn if "FROM (" in target["query"]}
    assert nested == {f"{kind} of all hosts" for kind in ("CPU use", "Memory use", "File systems")}


@pytest.mark.parametrize("entry", INFLUX, ids=lambda entry: entry.uid)
def test_whatever_is_drawn_over_time_is_grouped_by_the_interval(entry: Entry) -> None:
    for panel, target in targets(entry):
        if panel["type"] in DRAWN:
            assert "GROUP BY time($__interval)" in target["query"], panel["title"]
            assert panel["interval"] in {"$interval", "1m"}, panel["title"]


@pytest.mark.parametrize("entry", INFLUX, ids=lambda entry: entry.uid)
def test_lines_are_one_per_host_never_one_per_core_disk_or_interface(entry: Entry) -> None:
    for panel, target in targets(entry):
        if panel["type"] in DRAWN:
            outermost = target["query"].rsplit("GROUP BY", 1)[1]
            assert set(re.findall(r'"(\w+)"', outermost)) <= {"host"}, panel["title"]
            assert target["alias"].startswith("$tag_host") or target["alias"] == "$col", panel["title"]


def test_processors_are_always_taken_together() -> None:
    for panel, target in targets(LINUX_HOSTS):
        if 'FROM "cpu"' in target["query"]:
            assert "\"cpu\"::tag = 'cpu-total'" in target["query"], panel["title"]


def test_cloudwatch_asks_for_the_chosen_instances_in_the_chosen_region() -> None:
    for panel, target in targets(AWS_EC2):
        assert target["region"] == "$region", panel["title"]
        assert target["namespace"] == "AWS/EC2", panel["title"]
        # Grafana fills no variable into a list (CloudWatchRequest.ts, convertDimensionFormat).
        assert target["dimensions"] == {"InstanceId": "$instance"}, panel["title"]
        assert target["period"] == "$period", panel["title"]
        assert target["expression"] == "", panel["title"]


def test_what_cloudwatch_counts_is_summed_up() -> None:
    for panel, target in targets(AWS_EC2):
        counted = re.search(r"Network|EBS\w+(Ops|Bytes)$|CreditUsage", target["metricName"])
        assert (target["statistic"] == "Sum") == bool(counted), panel["title"]


def test_instances_are_listed_by_name_filtered_by_tag() -> None:
    variables = {each["name"]: each for each in json.loads(AWS_EC2.build())["templating"]["list"]}
    names, ids = variables["name"]["query"], variables["instance"]["query"]
    assert (names["queryType"], names["attributeName"]) == ("ec2InstanceAttributes", "Tags.Name")
    assert names["ec2Filters"] == {"tag:$tag": ["$tagvalue"], "instance-state-name": ["running"]}
    assert ids["attributeName"] == "InstanceId"
    # The Name filter must win over the tag filter when both concern Name, in this and in sorted order.
    assert list(ids["ec2Filters"])[:2] == ["tag:$tag", "tag:Name"] == sorted(["tag:$tag", "tag:Name"])


def test_several_hosts_become_an_escaped_alternative() -> None:
    first = panel_queries(json.loads(LINUX_HOSTS.build()), {"host": ["a.example", "b"]}, HOUR)[0]
    assert r'"host"::tag =~ /^(a\.example|b)$/' in first.influxql()
    assert "$" not in first.influxql().replace("$/", "")


def test_one_host_stands_alone_and_macros_are_left_to_the_backend() -> None:
    query = by_title("CPU use", {"host": ["web-1"]})
    assert '"host"::tag =~ /^web-1$/' in query.model["query"]
    assert "$timeFilter" in query.model["query"]
    assert query.request()["from"] == str(HOUR.start)


def test_the_chosen_interval_is_the_finest_step() -> None:
    assert by_title("CPU use", {"interval": "5m"}).step == 300
    assert by_title("CPU use", {}).step == 30  # not 10: what a dashboard costs grows with it (docs/scale.md)
    week = TimeRange(HOUR.start, HOUR.start + 7 * 86400 * 1000)
    assert by_title("CPU use", {}, week).step == 1800


def test_whatever_is_longer_than_18_hours_has_steps_that_the_down_sampled_policy_can_fill() -> None:
    """Steps of five minutes (userdata/server/rollup.py); shorter ones would be empty in between."""
    for shown in (64_800_001, 2 * 86_400_000):
        drawn = [each for each in panels(json.loads(LINUX_HOSTS.build())) if each["type"] in DRAWN]
        asked = panel_queries(json.loads(LINUX_HOSTS.build()), {}, TimeRange(HOUR.start, HOUR.start + shown))
        steps = {query.step for query in asked if query.panel_id in {panel["id"] for panel in drawn}}
        assert min(steps) >= 300
        assert {panel["maxDataPoints"] for panel in drawn} == {POINTS}


@pytest.mark.parametrize("entry", (*INFLUX, LINUX_HOST), ids=lambda entry: entry.uid)
def test_what_is_asked_for_the_time_shown_reads_the_policy_that_fits_it(entry: Entry) -> None:
    variables = {each["name"]: each for each in json.loads(entry.build())["templating"]["list"]}
    for name in ("policy", "peak"):
        # Nobody chooses them, no link carries them, and each new time range queries them again.
        assert (variables[name]["hide"], variables[name]["skipUrlSync"], variables[name]["refresh"]) == (2, True, 2)
    for panel, target in targets(entry):
        sources = re.findall(r'FROM ([^"(]*)"', target["query"])
        innermost = [part for part in target["query"].split("FROM ")[1:] if not part.startswith("(")]
        # What is drawn may name its time itself, and ask raw data for the newest minutes besides.
        time = "${__from}" if panel["type"] == "state-timeline" else "$timeFilter"
        shown = [time in part and "> now()" not in part for part in innermost]
        assert sources == ["${policy}" if each else "" for each in shown], panel["title"]
        assert any(shown) or panel["type"] not in DRAWN, panel["title"]


def test_several_instances_become_several_dimensions() -> None:
    values: dict[str, str | list[str]] = {"instance": ["i-1", "i-2"], "region": "eu-west-1"}
    model = panel_queries(json.loads(AWS_EC2.build()), values, HOUR)[0].model
    assert model["dimensions"] == {"InstanceId": ["i-1", "i-2"]}
    assert (model["region"], model["period"]) == ("eu-west-1", "300")


def test_a_variable_in_a_list_of_dimensions_stays_as_it_is() -> None:
    dashboard = json.loads(AWS_EC2.build())
    for panel in panels(dashboard):
        panel["targets"][0]["dimensions"] = {"InstanceId": ["$instance"]}
    for query in panel_queries(dashboard, {"instance": ["i-1", "i-2"]}, HOUR):
        if query.model["refId"] == "A":
            assert query.model["dimensions"] == {"InstanceId": ["$instance"]}


def test_all_instances_are_any_instance() -> None:
    for query in panel_queries(json.loads(AWS_EC2.build()), {}, HOUR):
        assert query.model["dimensions"] == {"InstanceId": ["*"]}, query.title


@pytest.mark.parametrize("entry", [AWS_EC2, CUSTOM_METRICS], ids=lambda entry: entry.uid)
def test_what_costs_money_is_asked_every_five_minutes_and_lists_once(entry: Entry) -> None:
    dashboard = json.loads(CUSTOM.build() if entry is CUSTOM_METRICS else entry.build())
    assert dashboard["refresh"] == "5m"
    asked = [each for each in dashboard["templating"]["list"] if each.get("datasource", {}).get("type") == "cloudwatch"]
    assert asked and {each["refresh"] for each in asked} == {1}  # VariableRefresh.onDashboardLoad


def test_what_a_look_at_ec2_costs_is_what_its_page_says() -> None:
    """docs/dashboards.md: metrics per instance, of the first row and of all."""
    dashboard = json.loads(AWS_EC2.build())
    opened = [panel for panel in dashboard["panels"] if panel["type"] != "row"]
    assert sum(len(panel["targets"]) for panel in opened) == 6
    assert len(targets(AWS_EC2)) == 17


def by_title(title: str, values: dict[str, str | list[str]], shown: TimeRange = HOUR) -> PanelQuery:
    queries = panel_queries(json.loads(LINUX_HOSTS.build()), {"host": ["web-1"], **values}, shown)
    return next(query for query in queries if query.title == title)
