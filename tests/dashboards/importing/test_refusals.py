"""What is not imported, with the reason in one plain line."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.importing.conversion import convert
from dashboards.importing.report import ImportingError
from tests.dashboards.importing.conftest import GOOD, refusal, sample, with_panel
from tests.dashboards.importing.test_properties import same_again


def test_prometheus_is_refused_with_its_panels() -> None:
    text = refusal(sample("prometheus"))
    assert "“Load”, “Memory” query Prometheus; the variable node queries Prometheus" in text
    assert "InfluxDB (queried in InfluxQL), CloudWatch" in text


@pytest.mark.parametrize(
    "query", ['from(bucket: "telegraf") |> range(start: v.timeRangeStart)', 'import "math"\nx = 1']
)
def test_flux_is_refused(query: str) -> None:
    target = {"datasource": {"type": "influxdb", "uid": "x"}, "query": query, "refId": "A"}
    assert "“One” queries InfluxDB in Flux" in refusal(with_panel(targets=[target]))


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ({"bucketAggs": [], "query": "*"}, "Elasticsearch"),
        ({"target": "servers.*.cpu"}, "Graphite"),
        ({"datasource": {"type": "loki", "uid": "x"}, "expr": "{}"}, "Loki"),
        ({"datasource": {"type": "influxdb", "uid": "x"}, "rawSql": "SELECT 1", "dataset": "iox"}, "InfluxDB in SQL"),
        ({"datasource": "somebody"}, "a datasource that the file does not name"),
    ],
)
def test_other_datasources_are_refused(target: dict[str, Any], name: str) -> None:
    assert f"“One” queries {name}" in refusal(with_panel(targets=[target | {"refId": "A"}]))


def test_panels_of_plugins_are_refused_all_at_once() -> None:
    dashboard = with_panel(type="grafana-clock-panel", title="Clock")
    dashboard["panels"].append({"type": "jdbranham-diagram-panel", "title": "Diagram"})
    text = refusal(dashboard)
    assert "“Clock” is a grafana-clock-panel, a plugin that is not part of Grafana" in text
    assert "“Diagram” is a jdbranham-diagram-panel" in text


def test_a_table_of_annotations_is_refused() -> None:
    assert "is a table of annotations" in refusal(with_panel(type="table-old", transform="annotations", styles=[]))


def test_a_library_panel_without_its_content_is_refused() -> None:
    assert "is a library panel" in refusal(with_panel(libraryPanel={"uid": "abc", "name": "L"}))


def test_a_variable_of_an_unknown_type_is_refused() -> None:
    dashboard = with_panel() | {"templating": {"list": [{"name": "x", "type": "mystery"}]}}
    assert "the variable x is of type mystery" in refusal(dashboard)


def test_the_new_schema_is_refused() -> None:
    assert "is in the new schema v2" in refusal(sample("schema-v2"))
    assert "is in the new schema v2" in refusal(sample("schema-v2")["spec"])
    assert "is in the new schema v2" in refusal({"dashboard": sample("schema-v2"), "meta": {}})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"title": "x", "panels": [}', "is not JSON (line 1, column 27"),
        ("", "is empty"),
        ("<!doctype html>", "is not JSON"),
        ("[]", "is not a dashboard but a list"),
        ("null", "is not a dashboard but null"),
        ('{"title": "x"}', "has neither panels nor rows"),
        ('{"panels": []}', "has no title"),
        (r'{"title": "\u200b\u3164 \ufe0f", "panels": []}', "has a title of only invisible characters; write one into"),
        ('{"title": "???", "panels": []}', "no name can be derived from the title"),
        ("[" * 100_000, "is nested too deeply"),
        ('{"title": "x", "panels": [{"decimals": NaN}]}', "is not JSON (NaN is not a number)"),
        ('{"title": "x", "panels": [{"max": -Infinity}]}', "is not JSON (-Infinity is not a number)"),
        ('{"title": "x", "panels": [{"max": 1e999}]}', "is not JSON (1e999 is too large for a number)"),
        (f'{{"title": "x", "panels": [{{"max": {"9" * 5000}}}]}}', "is too large for a number"),
        (r'{"title": "a cut \ud83d", "panels": []}', r"contains half a character (\ud83d in “a cut …”)"),
        (r'{"title": "x", "panels": [], "\udc00": 1}', r"contains half a character (\udc00"),
    ],
)
def test_a_text_that_is_no_dashboard_is_refused(text: str, words: str) -> None:
    assert words in refusal(text)


@pytest.mark.parametrize("name", ["linux-hosts", "custom-metrics", "A b", "x" * 41, "-x", "../x"])
def test_a_name_that_cannot_be_a_uid_is_refused(name: str) -> None:
    with pytest.raises(ImportingError, match="NAME="):
        convert(json.dumps(with_panel()), "file.json", name)


json_values: st.SearchStrategy[object] = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just([]) | st.just({}) | st.just([1])
)


def places(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every place inside a piece of JSON."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return (
        [path, *(place for key, each in inner for place in places(each, (*path, key)))]
        if path
        else [place for key, each in inner for place in places(each, (key,))]
    )


@given(st.data())
def test_a_sample_with_any_value_in_any_place_is_an_import_or_refused_in_one_line(data: st.DataObject) -> None:
    found = sample(data.draw(st.sampled_from(GOOD)))
    *path, last = data.draw(st.sampled_from(places(found)))
    holder = found
    for step in path:
        holder = holder[step]
    holder[last] = data.draw(json_values)
    try:
        result = convert(json.dumps(found), "file.json")
    except ImportingError as error:
        assert "\n" not in str(error)
        return
    same_again(result)
