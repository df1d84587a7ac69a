"""The setting `customMetrics`: what is accepted, and that each mistake is reported with its remedy."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.loaders import Loader
from hypothesis import given
from hypothesis import strategies as st

from settings import SettingsError, load, units
from tests.support.configuration import REQUIRED, mistakes, raw

QUEUE: dict[str, Any] = {"namespace": "AWS/SQS", "metric": "Age", "dimensions": {"QueueName": "in"}}


def metrics(*given: dict[str, Any]) -> Any:
    return load(raw(customMetrics=list(given))).custom_metrics


def test_by_default_there_are_no_custom_metrics() -> None:
    assert load(REQUIRED).custom_metrics == ()


def test_namespace_and_metric_are_enough() -> None:
    (metric,) = metrics({"namespace": "Shop", "metric": "Orders"})
    assert (metric.statistic, metric.unit, metric.dimensions) == ("Average", "short", {})
    assert (metric.period, metric.region, metric.shown_title) == (None, None, "Orders, Average")


@pytest.mark.parametrize(("value", "values"), [("in", ("in",)), (["in"], ("in",)), (["in", "out"], ("in", "out"))])
def test_a_dimension_takes_a_value_or_a_list_of_values(value: object, values: tuple[str, ...]) -> None:
    (metric,) = metrics(QUEUE | {"dimensions": {"QueueName": value}})
    assert metric.dimensions == {"QueueName": values}


@pytest.mark.parametrize("statistic", ["Sum", "p99", "p99.9", "p100", "tm90", "TM(10%:90%)", "PR(:300)", "IQM"])
def test_every_kind_of_cloudwatch_statistic_is_accepted(statistic: str) -> None:
    assert metrics(QUEUE | {"statistic": statistic})[0].statistic == statistic


@pytest.mark.parametrize("unit", ["s", "bytes", "reqps", "suffix:orders", "currency:EUR"])
def test_grafana_s_units_are_accepted(unit: str) -> None:
    assert metrics(QUEUE | {"unit": unit})[0].unit == unit


def test_the_units_of_cloudwatch_are_answered_with_units_of_grafana() -> None:
    """By CloudWatch's own list of them, as AWS's SDK has it."""
    shapes = Loader().load_service_model("cloudwatch", "service-2")["shapes"]
    assert set(units.OF_CLOUDWATCH) <= set(shapes["StandardUnit"]["enum"])
    assert set(units.OF_CLOUDWATCH.values()) <= units.KNOWN
    for theirs, ours in units.OF_CLOUDWATCH.items():
        if theirs.lower() not in units.KNOWN:
            (line,) = mistakes(raw(customMetrics=[QUEUE | {"unit": theirs}]))
            assert line.endswith(f"write {ours}")


@pytest.mark.parametrize("period", ["1s", "5s", "10s", "20s", "30s", "60s", "1m", "90m", "1d"])
def test_cloudwatch_s_periods_are_accepted(period: str) -> None:
    assert metrics(QUEUE | {"period": period})[0].period == period


@pytest.mark.parametrize("value", ["$LATEST", "it's", 'a "b" \\c', "x" * 1024])
def test_a_single_value_can_contain_what_a_search_expression_cannot(value: str) -> None:
    """Grafana queries a single value by name; for several values, or any, it uses a search expression."""
    assert metrics(QUEUE | {"dimensions": {"ExecutedVersion": value}})[0].dimensions == {"ExecutedVersion": (value,)}


WRONG: list[tuple[dict[str, Any], str, str, str]] = [
    ({"namespace": ":mine"}, "namespace", "starts with a colon", "AWS/SQS"),
    ({"namespace": "a" * 256}, "namespace", "is not a CloudWatch namespace", "up to 255"),
    ({"namespace": "Größe"}, "namespace", "is not a CloudWatch namespace", "letters"),
    ({"namespace": None}, "namespace", "is not a string", "single value"),
    ({"metric": ":Age"}, "metric", "starts with a colon", "without"),
    ({"metric": 5}, "metric", "is not a string", '"5"'),
    ({"metric": "m" * 256}, "metric", "is longer than 255", "metric's name"),
    ({"statistic": "avg"}, "statistic", "is not a CloudWatch statistic", "did you mean Average?"),
    ({"statistic": "P99"}, "statistic", "is not a CloudWatch statistic", "did you mean p99?"),
    ({"statistic": "p101"}, "statistic", "is not a CloudWatch statistic", "percentile such as p99"),
    ({"statistic": "TM(:)"}, "statistic", "is not a CloudWatch statistic", "percentile such as p99"),
    ({"unit": "Bytes"}, "unit", "is CloudWatch's name", "write bytes"),
    ({"unit": "furlongs"}, "unit", "is not a Grafana unit", "short, percent"),
    ({"unit": "percentt"}, "unit", "is not a Grafana unit", "did you mean percent?"),
    ({"period": "90s"}, "period", "is not a CloudWatch period", "whole minutes"),
    ({"period": "60"}, "period", "is not a duration", "such as 5m"),
    ({"period": "2d"}, "period", "is out of range", "1s to 1d"),
    ({"region": "eu-cent-1"}, "region", "is not an AWS region", "eu-central-1"),
    ({"title": "t" * 121}, "title", "is too long", "120"),
    ({"dimensions": "QueueName=in"}, "dimensions", "is not an object", "`Name: value`"),
    ({"dimensions": {str(n): "x" for n in range(31)}}, "dimensions", "has 31 dimensions", "at most 30"),
    ({"dimensions": {":Queue": "in"}}, "dimensions", "is not a dimension name", "not starting with a colon"),
    ({"dimensions": {"Queue": 5}}, "dimensions", '"Queue" has a value that is not a string', 'in quotes: "5"'),
    ({"dimensions": {"Queue": "x" * 1025}}, "dimensions", "longer than 1024", "as CloudWatch shows it"),
    ({"dimensions": {"Queue": "in-*"}}, "dimensions", "has a * next to other characters", "write * alone"),
    ({"dimensions": {"Queue": ["*", "in"]}}, "dimensions", "has * next to other values", "write only"),
    ({"dimensions": {"Queue": ["in", "in"]}}, "dimensions", "has a value twice", "each once"),
    ({"dimensions": {"Queue": []}}, "dimensions", "has 0 values", "1 to 50"),
    ({"dimensions": {"Queue": [f"{n:060}" for n in range(20)]}}, "dimensions", "makes a search", "or * for all"),
    ({"dimensions": {"Queue": ["it's", "in"]}}, "dimensions", "quotes or backslashes", "a single value"),
    ({"dimensions": {"a'b": "*"}}, "dimensions", "quotes or backslashes", "a single value"),
    ({"dimensions": {"Queue": "*"}, "metric": 'a"b'}, "dimensions", "quotes or backslashes", "a single value"),
    ({"dimensions": {"Queue": [f"{n:030}" for n in range(19)]}, "metric": "m" * 255}, "dimensions", "makes a", "all"),
    ({"dimensions": {"$region": "*"}}, "dimensions", '"$region" contains a Grafana variable', "the value itself"),
    ({"metric": "${region}"}, "metric", "contains a Grafana variable", "the value itself"),
    ({"metric": "$__interval"}, "metric", "contains a Grafana variable", "the value itself"),
    ({"statistic": "TM(90%:10%)"}, "statistic", "has a lower bound that is not below", "TM(2%:98%)"),
    ({"statistic": "TM(10%:10%)"}, "statistic", "has a lower bound that is not below", "TM(2%:98%)"),
    ({"statistic": "WM(:101%)"}, "statistic", "has a percentage above 100", "TM(2%:98%)"),
    ({"statistic": "TM(10%:90)"}, "statistic", "mixes a percentage and a value", "TM(150:1000)"),
    ({"statistic": "PR(10%:90%)"}, "statistic", "has a percentage; PR compares", "PR(:300)"),
    ({"dimensions": {"Queue": "$region"}}, "dimensions", "contains a Grafana variable", "the value itself"),
    ({"dimensions": {"Queue": "[[region]]"}}, "dimensions", "contains a Grafana variable", "the value itself"),
    ({"statistics": "Sum"}, "statistics", "is not a setting", "did you mean statistic?"),
]


@pytest.mark.parametrize(("change", "key", "wrong", "instead"), WRONG)
def test_a_wrong_value_is_reported_with_its_remedy(change: dict[str, Any], key: str, wrong: str, instead: str) -> None:
    (line,) = mistakes(raw(customMetrics=[QUEUE, {"namespace": "Shop", "metric": "Orders"} | change]))
    assert line.startswith(f"monitoring:customMetrics[1].{key}")
    assert wrong in line and instead in line.partition("; ")[2], line


def test_a_missing_key_is_reported() -> None:
    assert mistakes(raw(customMetrics=[{"metric": "Orders"}])) == [
        "monitoring:customMetrics[0].namespace: is missing; add it"
    ]


def test_duplicates_are_reported_together_with_other_mistakes() -> None:
    same = QUEUE | {"dimensions": {"QueueName": ["in"]}, "title": "Again"}
    lines = mistakes(raw(customMetrics=[QUEUE, same, QUEUE | {"metric": ":"}, QUEUE | {"period": "1m"}]))
    assert [line.partition(":")[2].partition(";")[0] for line in lines] == [
        "customMetrics[1]: is the same as customMetrics[0]",
        'customMetrics[2].metric = ":": starts with a colon, which CloudWatch refuses',
        "customMetrics[3]: has the same title as customMetrics[0]",
    ]


@pytest.mark.parametrize(
    ("value", "where", "wrong"),
    [
        ("Orders", "", "is a string, not a list"),
        ({}, "", "is not a list"),
        (5, "", "is not a list"),
        ([QUEUE] * 101, "", "has 101 elements; write at most 100"),
        (["Orders"], "[0]", "is not an object"),
        ([[QUEUE]], "[0]", "is not an object"),
    ],
)
def test_anything_but_a_short_list_of_objects_is_one_mistake(value: object, where: str, wrong: str) -> None:
    (line,) = mistakes(raw(customMetrics=value))
    assert line.startswith(f"monitoring:customMetrics{where} = ") and wrong in line


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*QUEUE, "statistic", "unit", "period", "title", "region"]), json_values))
def test_nonsense_never_ends_in_another_error(metric: dict[str, Any]) -> None:
    try:
        load(raw(customMetrics=[metric]))
    except SettingsError as error:
        assert all("\n" not in str(mistake) for mistake in error.mistakes)
