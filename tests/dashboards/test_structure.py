"""What every dashboard must have, whatever it shows."""

from __future__ import annotations

import json
import re
from itertools import combinations
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from dashboards import registry
from dashboards.looks import ABSENT, BAD
from dashboards.registry import AWS_EC2, CUSTOM_METRICS, ENTRIES, LINUX_HOST, LINUX_HOSTS, MONITORING_SERVER, Entry
from sandbox.viewer.queries import panels
from tests.support.another_process import printed
from tests.support.every_dashboard import CUSTOM, EVERY, METRICS, Sample, by_uid

TYPES = {"timeseries", "stat", "gauge", "table", "state-timeline", "alertlist"}
BUILT_IN = {"__interval", "__interval_ms", "__from", "__to", "timeFilter", "tag_host", "col"} | {
    f"tag_{name}" for name in ("cpu", "name", "path", "interface")
}
LINKED = [
    ("linux-hosts", "When hosts reported", 9),
    ("linux-hosts", "Hosts", 8),
    ("linux-hosts", "CPU use", 11),
    ("linux-hosts", "Load per CPU", 13),
    ("linux-hosts", "Memory use", 16),
    ("linux-hosts", "File systems", 21),
    ("linux-hosts", "Disk errors", 28),
    ("aws-ec2", "Failed status checks", 6),
    ("monitoring-server", "Certificate expires in", 2),
    ("monitoring-server", "Size on disk", 4),
    ("monitoring-server", "Refused or failed requests", 8),
    ("monitoring-server", "Metrics delivered", 14),
    ("monitoring-server", "Buffer in use", 15),
    ("monitoring-server", "Errors", 16),
    ("monitoring-server", "Backup age", 21),
]
"""Written by hand rather than taken from the registry: notifications sent long ago contain these numbers."""
NAMES = re.compile(r"\$(?:(\w+)|\{(\w+)(?::\w+)?\})")


def built(sample: Sample) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(sample.build())
    return result


@pytest.fixture(params=EVERY, ids=by_uid)
def dashboard(request: pytest.FixtureRequest) -> dict[str, Any]:
    return built(request.param)


def texts(value: Any) -> list[str]:
    """All strings inside a piece of JSON."""
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [text for each in inner for text in texts(each)]


def test_uids_and_titles_do_not_change() -> None:
    assert [(entry.uid, entry.title) for entry in registry.EVERY] == [
        ("linux-hosts", "Linux hosts"),
        ("linux-host", "Linux host"),
        ("aws-ec2", "AWS EC2"),
        ("monitoring-server", "Monitoring server"),
        ("custom-metrics", "Custom metrics"),
    ]


def test_the_same_input_gives_the_same_json_in_every_process() -> None:
    code = "from tests.support.every_dashboard import EVERY; print(*(each.build() for each in EVERY), sep='\\n')"
    assert "\n".join(each.build() for each in EVERY) == printed(code)


@pytest.mark.parametrize("sample", EVERY, ids=by_uid)
def test_a_dashboard_has_its_uid_and_title_and_no_counters(sample: Sample) -> None:
    dashboard = built(sample)
    assert (dashboard["uid"], dashboard["title"]) == (sample.entry.uid, sample.entry.title)
    assert not {"id", "version"} & dashboard.keys()  # Grafana counts itself, which would be drift


def test_a_dashboard_cannot_be_edited_and_says_why(dashboard: dict[str, Any]) -> None:
    assert dashboard["editable"] is False
    assert "Managed by Pulumi" in dashboard["description"]
    assert dashboard["schemaVersion"] == 42


def test_every_panel_has_a_current_type_a_unit_and_a_description(dashboard: dict[str, Any]) -> None:
    for panel in panels(dashboard):
        name = panel.get("title")
        assert name, panel
        assert panel["type"] in TYPES, name
        assert panel["fieldConfig"]["defaults"].get("unit"), name
        assert len(panel.get("description", "")) > 10, name
        assert panel["targets"] or panel["type"] == "alertlist", name


def test_an_unknown_number_is_never_green(dashboard: dict[str, Any]) -> None:
    """Without values Grafana uses the colour of the lowest threshold, unless a mapping has another (@grafana/data,
    createNoValuesFieldDisplay). A count of nothing is 0."""
    for panel in panels(dashboard):
        defaults = panel["fieldConfig"]["defaults"]
        if panel["type"] == "stat" and defaults["noValue"] != "0":
            (absent,) = [each["options"] for each in defaults["mappings"] if each["options"].get("match") == "null+nan"]
            assert absent["result"]["text"] == defaults["noValue"], panel["title"]
            expected = BAD if defaults["noValue"] == "silent" else ABSENT
            assert absent["result"]["color"] == expected, panel["title"]


@pytest.mark.parametrize("entry", ENTRIES, ids=by_uid)
def test_every_row_but_the_first_is_collapsed_and_so_not_queried(entry: Entry) -> None:
    first, *others = [panel for panel in json.loads(entry.build())["panels"] if panel["type"] == "row"]
    assert not first["collapsed"]
    assert others and all(row["collapsed"] and row["panels"] for row in others)
    places = [panel["gridPos"] for row in others for panel in row["panels"]]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    assert len({(place["x"], place["y"]) for place in places}) == len(places)


def test_no_two_panels_have_the_same_title(dashboard: dict[str, Any]) -> None:
    titles = [panel["title"] for panel in panels(dashboard)]
    assert len(titles) == len(set(titles)) or dashboard["uid"] == CUSTOM_METRICS.uid, titles


def test_a_panel_keeps_its_id_when_it_moves() -> None:
    whole, part = (json.loads(MONITORING_SERVER.build(own_influxdb=own)) for own in (True, False))
    ids = {panel["title"]: panel["id"] for panel in panels(whole)}
    moved = {panel["title"]: panel["id"] for panel in panels(part)}
    assert moved.items() < ids.items()


@pytest.mark.parametrize(("uid", "title", "number"), LINKED)
def test_panels_that_alerts_have_linked_to_keep_their_ids(uid: str, title: str, number: int) -> None:
    (entry,) = [entry for entry in ENTRIES if entry.uid == uid]
    assert {panel["title"]: panel["id"] for panel in panels(json.loads(entry.build()))}[title] == number


def test_no_two_panels_of_a_dashboard_have_ever_had_the_same_id() -> None:
    for entry in ENTRIES:
        assert len(set(entry.panels.values())) == len(entry.panels), entry.uid


def test_thresholds_are_in_order(dashboard: dict[str, Any]) -> None:
    for panel in panels(dashboard):
        first, *further = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
        assert first["value"] is None, panel["title"]
        values = [step["value"] for step in further]
        assert values == sorted(values), panel["title"]


def test_ids_are_unique_and_nothing_overlaps(dashboard: dict[str, Any]) -> None:
    every = dashboard["panels"]
    ids = [panel["id"] for outer in every for panel in (outer, *outer.get("panels", []))]
    assert len(set(ids)) == len(ids)
    for panel in every:
        place = panel["gridPos"]
        assert place["x"] >= 0 and place["x"] + place["w"] <= 24, panel["title"]
    for one, other in combinations(every, 2):
        a, b = one["gridPos"], other["gridPos"]
        apart = (
            a["x"] + a["w"] <= b["x"]
            or b["x"] + b["w"] <= a["x"]
            or a["y"] + a["h"] <= b["y"]
            or b["y"] + b["h"] <= a["y"]
        )
        assert apart, (one["title"], other["title"])


def test_every_row_of_panels_fills_the_grid(dashboard: dict[str, Any]) -> None:
    widths: dict[int, int] = {}
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        widths[place["y"]] = widths.get(place["y"], 0) + place["w"]
    assert set(widths.values()) == {24}, widths


def test_datasources_are_referenced_by_their_fixed_uids(dashboard: dict[str, Any]) -> None:
    references = [panel["datasource"] for panel in panels(dashboard)]
    references += [target["datasource"] for panel in panels(dashboard) for target in panel["targets"]]
    references += [each["datasource"] for each in dashboard["templating"]["list"] if each["type"] == "query"]
    assert references
    assert {(each["type"], each["uid"]) for each in references} <= {
        ("influxdb", "influxdb"),
        ("cloudwatch", "cloudwatch"),
    }
    assert not [text for text in texts(dashboard) if "${DS_" in text]


def test_no_two_queries_of_a_panel_have_the_same_letter(dashboard: dict[str, Any]) -> None:
    for panel in panels(dashboard):
        letters = [target["refId"] for target in panel["targets"]]
        assert len(set(letters)) == len(letters), panel["title"]


def test_queries_use_only_variables_that_exist(dashboard: dict[str, Any]) -> None:
    own = {each["name"] for each in dashboard["templating"]["list"]}
    assert len(own) == len(dashboard["templating"]["list"])
    for panel in panels(dashboard):
        asked = [text for target in panel["targets"] for text in texts(target)]
        for text in [*asked, panel["title"], panel["description"], panel.get("interval", "")]:
            used = {plain or braced for plain, braced in NAMES.findall(text)}
            assert used <= own | BUILT_IN, (panel["title"], text)


def test_links_lead_to_dashboards_that_exist_and_carry_host_and_time(dashboard: dict[str, Any]) -> None:
    uids = {entry.uid for entry in ENTRIES}  # the custom metrics' is linked only where it exists
    assert {link["url"] for link in dashboard["links"]} == {f"/d/{uid}" for uid in uids - {dashboard["uid"]}}
    assert all(link["includeVars"] and link["keepTime"] for link in dashboard["links"])
    assert "host" in {each["name"] for each in dashboard["templating"]["list"]}
    for link in [text for text in texts(dashboard["panels"]) if text.startswith("/d/")]:
        address = urlsplit(link)
        assert address.path.removeprefix("/d/") in uids
        assert {"var-host", "var-instance_id"} & parse_qs(address.query).keys()
        assert "${__url_time_range}" in link


def links_in_panels(entry: Entry) -> set[str]:
    return {text for text in texts(json.loads(entry.build())["panels"]) if text.startswith("/d/")}


def test_hosts_names_and_instances_link_to_the_host_s_page() -> None:
    hosts = {urlsplit(link).path: parse_qs(urlsplit(link).query) for link in links_in_panels(LINUX_HOSTS)}
    assert set(hosts) == {"/d/linux-host"}
    ((_, instances),) = ((link, parse_qs(urlsplit(link).query)) for link in links_in_panels(AWS_EC2))
    assert instances["var-instance_id"] == ["${__field.labels.InstanceId}"]
    ((path, back),) = ((urlsplit(link).path, parse_qs(urlsplit(link).query)) for link in links_in_panels(LINUX_HOST))
    assert path == "/d/aws-ec2" and back["var-instance"] == ["${ec2}"]


def distance(one: str, other: str) -> float:
    """The distance of two colours by brightness and one of the two opponent channels, which is what people with a
    colour vision deficiency can tell apart."""
    (r, g, b), (s, h, c) = ([int(each[at : at + 2], 16) for at in (1, 3, 5)] for each in (one, other))
    bright = abs((r - s) * 0.3 + (g - h) * 0.59 + (b - c) * 0.11)
    return bright + abs((b - c) - ((r - s) + (g - h)) / 2) / 2


def test_parts_of_a_whole_have_distinct_colours() -> None:
    every = [panel for entry in (LINUX_HOSTS, LINUX_HOST) for panel in panels(json.loads(entry.build()))]
    graphs = [panel for panel in every if panel["type"] == "timeseries"]
    stacked = [panel for panel in graphs if panel["fieldConfig"]["defaults"]["custom"].get("stacking")]
    assert len(stacked) == 3
    for panel in stacked:
        fixed = [
            value["value"]["fixedColor"]
            for override in panel["fieldConfig"]["overrides"]
            for value in override["properties"]
            if value["id"] == "color"
        ]
        shown = len(re.findall(r' AS "', panel["targets"][0]["query"]))
        assert len(fixed) == shown, panel["title"]
        assert min(distance(one, other) for one, other in combinations(fixed, 2)) > 25, panel["title"]


@pytest.mark.parametrize("sample", EVERY, ids=by_uid)
def test_another_datasource_uid_can_be_given(sample: Sample) -> None:
    assert '"uid": "elsewhere"' in sample.build(datasource_uid="elsewhere")


@pytest.mark.parametrize("entry", ENTRIES, ids=by_uid)
def test_the_custom_metrics_dashboard_is_linked_where_it_exists(entry: Entry) -> None:
    links = json.loads(entry.build(further=[CUSTOM_METRICS]))["links"]
    assert "/d/custom-metrics" in {link["url"] for link in links}


def custom_panel(title: str) -> dict[str, Any]:
    (found,) = [panel for panel in panels(json.loads(CUSTOM.build())) if panel["title"] == title]
    return found


def test_a_custom_metric_is_a_panel_in_its_namespace_s_row() -> None:
    titles = [panel["title"] for panel in built(CUSTOM)["panels"]]
    assert titles == [
        "AWS/SQS",
        "ApproximateAgeOfOldestMessage, Average · in",
        "NumberOfMessagesSent, Sum · in",
        "AWS/ApplicationELB",
        "TargetResponseTime, p99 · targetgroup/a/1, targetgroup/b/2",
        "Shop",
        "Orders",
    ]
    assert len(METRICS) == len(list(panels(built(CUSTOM))))


def test_a_custom_metric_is_queried_as_it_was_written() -> None:
    panel = custom_panel("TargetResponseTime, p99 · targetgroup/a/1, targetgroup/b/2")
    (query,) = panel["targets"]
    assert query["dimensions"] == {"LoadBalancer": ["*"], "TargetGroup": ["targetgroup/a/1", "targetgroup/b/2"]}
    assert (query["namespace"], query["metricName"]) == ("AWS/ApplicationELB", "TargetResponseTime")
    assert (query["statistic"], query["period"], query["region"]) == ("p99", "60", "us-east-1")
    assert query["label"] == "${PROP('Dim.LoadBalancer')} ${PROP('Dim.TargetGroup')}"
    assert panel["fieldConfig"]["defaults"]["unit"] == "s"
    assert "p99 of each 1m" in panel["description"] and "LoadBalancer: any" in panel["description"]


def test_a_custom_metric_without_period_and_region_uses_the_dashboard_s_variables() -> None:
    panel = custom_panel("Orders")
    (query,) = panel["targets"]
    assert (query["period"], query["region"], query["dimensions"]) == ("$period", "$region", {})
    assert panel["fieldConfig"]["defaults"]["unit"] == "suffix:orders"
    # Without a hard minimum, values below zero are drawn.
    assert "min" not in panel["fieldConfig"]["defaults"]


def test_ec2_starts_in_the_stacks_region() -> None:
    (region,) = [
        each
        for each in json.loads(AWS_EC2.build(region="ap-south-1"))["templating"]["list"]
        if each["name"] == "region"
    ]
    assert region["current"]["value"] == "ap-south-1"


def test_without_its_own_influxdb_the_server_s_dashboard_shows_agents_and_backups() -> None:
    titles = [
        panel["title"]
        for panel in json.loads(MONITORING_SERVER.build(own_influxdb=False))["panels"]
        if panel["type"] == "row"
    ]
    assert titles == ["Telegraf", "Backups"]
