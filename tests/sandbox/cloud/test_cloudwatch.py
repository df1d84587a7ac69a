"""CloudWatch: metrics, identified by namespace, name and dimensions, and the history of alarms."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.sandbox.cloud.conftest import Cloud, refusal

HOUR = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)


class Numbers:
    """The metric Load of two hosts, of a disk and without dimensions; and another Load in a second namespace."""

    def __init__(self, aws: Cloud) -> None:
        self.namespace, self.client = f"Test/{uuid.uuid4()}", aws.client("cloudwatch")
        for host, first in (("a", 0), ("b", 100)):
            for minute in range(10):
                self.put(self.namespace, "Load", first + minute, minute, Host=host)
        self.put(self.namespace, "Load", 7000, 0)
        self.put(self.namespace, "Load", 8000, 0, Host="a", Disk="sda")
        self.put(f"{self.namespace}/Other", "Load", 9000, 0, Host="a")

    def put(self, namespace: str, name: str, value: float, minute: int, **dimensions: str) -> None:
        named = [{"Name": key, "Value": each} for key, each in dimensions.items()]
        datum = {"MetricName": name, "Value": value, "Dimensions": named, "Timestamp": HOUR + timedelta(minutes=minute)}
        self.client.put_metric_data(Namespace=namespace, MetricData=[datum])

    def stat(self, statistic: str = "Average", period: int = 300, id_: str = "m", **dimensions: str) -> dict[str, Any]:
        named = [{"Name": key, "Value": each} for key, each in dimensions.items()]
        metric = {"Namespace": self.namespace, "MetricName": "Load", "Dimensions": named}
        return {"Id": id_, "MetricStat": {"Metric": metric, "Period": period, "Stat": statistic}}

    def request(self, *queries: dict[str, Any], **more: Any) -> dict[str, Any]:
        window = {"StartTime": HOUR, "EndTime": HOUR + timedelta(hours=1)}
        return {**window, "ScanBy": "TimestampAscending", "MetricDataQueries": list(queries), **more}

    def ask(self, *queries: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
        return list(self.client.get_metric_data(**self.request(*queries, **more))["MetricDataResults"])

    def values(self, *queries: dict[str, Any], **more: Any) -> list[float]:
        return list(self.ask(*queries, **more)[0]["Values"])


@pytest.fixture(scope="module")
def numbers(aws: Cloud) -> Numbers:
    return Numbers(aws)


def test_a_metric_is_identified_by_namespace_and_all_dimensions(numbers: Numbers) -> None:
    assert numbers.values(numbers.stat(Host="a")) == [2, 7]
    assert numbers.values(numbers.stat()) == [7000]
    assert numbers.values(numbers.stat(Host="a", Disk="sda")) == [8000]
    assert numbers.values(numbers.stat(Host="c")) == []


@pytest.mark.parametrize(
    ("statistic", "value"),
    [("Sum", 10), ("Minimum", 0), ("Maximum", 4), ("SampleCount", 5), ("p50", 2), ("p100", 4), ("p90", 3.6)],
)
def test_statistics(numbers: Numbers, statistic: str, value: float) -> None:
    assert numbers.values(numbers.stat(statistic, Host="a"))[0] == pytest.approx(value)


def test_order_and_alignment_of_periods(numbers: Numbers) -> None:
    later = {"StartTime": HOUR + timedelta(minutes=2, seconds=17)}
    result = numbers.ask(numbers.stat(Host="a"), **later)[0]
    assert result["Timestamps"] == [HOUR, HOUR + timedelta(minutes=5)]
    assert result["Values"] == [2, 7]
    assert numbers.values(numbers.stat(Host="a"), ScanBy="TimestampDescending") == [7, 2]
    without = numbers.request(numbers.stat(Host="a"))
    del without["ScanBy"]
    assert numbers.client.get_metric_data(**without)["MetricDataResults"][0]["Values"] == [7, 2]
    assert numbers.values(numbers.stat(Host="a", period=60), EndTime=HOUR + timedelta(minutes=3)) == [0, 1, 2]


def test_search_finds_by_schema_and_terms(numbers: Numbers) -> None:
    def found(terms: str) -> dict[str, float]:
        expression = f"SEARCH('{terms}', 'Maximum', 3600)"
        results = numbers.ask({"Id": "s", "Expression": expression})
        return {result["Label"]: result["Values"][0] for result in results}

    namespace = numbers.namespace
    assert found(f'{{{namespace},Host}} MetricName="Load"') == {"a": 9, "b": 109}
    assert found(f'{{"{namespace}","Host"}} MetricName="Load" Host=("b" OR "c")') == {"b": 109}
    assert found(f'Namespace="{namespace}" MetricName=Load Host=a Disk=sda') == {"sda a": 8000}
    assert found(f'{{{namespace},Host}} MetricName="Other"') == {}
    empty = f"REMOVE_EMPTY(SEARCH('{{{namespace},Host}} MetricName=\"Load\"', 'Average', 300))"
    assert len(numbers.ask({"Id": "s", "Expression": empty})) == 2


def test_arithmetic_and_hidden_queries(numbers: Numbers) -> None:
    one, other = numbers.stat(id_="one", Host="a"), numbers.stat(id_="other", Host="b")
    total = {"Id": "total", "Expression": "(one + other) / 2 * 10"}
    results = numbers.ask(total, {**one, "ReturnData": False}, {**other, "ReturnData": False})
    assert [(result["Id"], result["Values"]) for result in results] == [("total", [520, 570])]
    nothing = {"Id": "nothing", "Expression": "one / (one - one)"}
    assert numbers.ask(one, nothing)[1]["Values"] == []


def test_labels(numbers: Numbers) -> None:
    label = "${PROP('Dim.Host')} ${PROP('Stat')} ${LABEL} ${MAX}"
    assert numbers.ask({**numbers.stat(Host="a"), "Label": label})[0]["Label"] == "a Average Load 7"


@pytest.mark.parametrize(
    "query",
    [
        {"Id": "q", "Expression": 'SELECT AVG(Load) FROM "Test"'},
        {"Id": "q", "Expression": "ANOMALY_DETECTION_BAND(m)"},
        {"Id": "q", "Expression": "m1 + 1"},
        {"Id": "q", "Expression": "AVG(SEARCH('{a,b} MetricName=\"c\"', 'Average', 60))"},
        {"Id": "q", "Expression": "SEARCH('{AWS/EC2,InstanceId} CPU', 'Average', 60)"},
        {"Id": "q", "Expression": f"""SEARCH('{{a,b}} MetricName="c" b=({'"x" OR ' * 300}"x")', 'Average', 60)"""},
        {"Id": "q", "MetricStat": {"Metric": {"Namespace": "a", "MetricName": "b"}, "Period": 61, "Stat": "Sum"}},
        {"Id": "q", "MetricStat": {"Metric": {"Namespace": "a", "MetricName": "b"}, "Period": 60, "Stat": "TM(1:9)"}},
        {
            "Id": "q",
            "Label": "${DATAPOINT_COUNT}",
            "MetricStat": {"Metric": {"Namespace": "a", "MetricName": "b"}, "Period": 60, "Stat": "Sum"},
        },
    ],
)
def test_unsupported_queries_are_refused(numbers: Numbers, query: dict[str, Any]) -> None:
    assert refusal(numbers.client.get_metric_data, **numbers.request(query)) == (400, "ValidationError")


def test_statistic_sets(numbers: Numbers) -> None:
    values = {"SampleCount": 4, "Sum": 20, "Minimum": 1, "Maximum": 9}
    datum = {"MetricName": "Set", "StatisticValues": values, "Timestamp": HOUR}
    numbers.client.put_metric_data(Namespace=numbers.namespace, MetricData=[datum])

    def value(statistic: str) -> list[float]:
        query = numbers.stat(statistic)
        query["MetricStat"]["Metric"]["MetricName"] = "Set"
        return numbers.values(query)

    assert [value(each) for each in ("Average", "Minimum", "Maximum", "SampleCount", "p50")] == [[5], [1], [9], [4], []]


def test_get_metric_statistics(numbers: Numbers) -> None:
    answer = numbers.client.get_metric_statistics(
        Namespace=numbers.namespace,
        MetricName="Load",
        Dimensions=[{"Name": "Host", "Value": "a"}],
        StartTime=HOUR,
        EndTime=HOUR + timedelta(hours=1),
        Period=300,
        Statistics=["Average", "Maximum"],
        ExtendedStatistics=["p50"],
    )
    points = sorted(answer["Datapoints"], key=lambda point: point["Timestamp"])
    assert [(point["Timestamp"], point["Average"], point["Maximum"]) for point in points] == [
        (HOUR, 2, 4),
        (HOUR + timedelta(minutes=5), 7, 9),
    ]
    assert points[0]["ExtendedStatistics"] == {"p50": 2}


def test_each_metric_is_listed_once(numbers: Numbers) -> None:
    listed = numbers.client.list_metrics(Namespace=numbers.namespace)["Metrics"]
    found = sorted(
        sorted(each["Value"] for each in metric["Dimensions"]) for metric in listed if metric["MetricName"] == "Load"
    )
    assert found == [[], ["a"], ["a", "sda"], ["b"]]
    only = numbers.client.list_metrics(Namespace=numbers.namespace, Dimensions=[{"Name": "Disk"}])["Metrics"]
    assert len(only) == 1
    old = {"MetricName": "Old", "Value": 1.0, "Timestamp": HOUR - timedelta(hours=4)}
    numbers.client.put_metric_data(Namespace=numbers.namespace, MetricData=[old])
    recent = numbers.client.list_metrics(Namespace=numbers.namespace, RecentlyActive="PT3H")["Metrics"]
    names = {metric["MetricName"] for metric in recent}
    assert "Load" in names
    assert "Old" not in names


def test_an_alarm_s_history_is_reported(aws: Cloud) -> None:
    client, name = aws.client("cloudwatch"), f"alarm-{uuid.uuid4()}"
    client.put_metric_alarm(
        AlarmName=name,
        ComparisonOperator="GreaterThanThreshold",
        EvaluationPeriods=1,
        MetricName="Load",
        Namespace="Test",
        Period=60,
        Statistic="Average",
        Threshold=1,
    )
    client.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="tried")
    history = client.describe_alarm_history(AlarmName=name)["AlarmHistoryItems"]
    assert [each["HistoryItemType"] for each in history] == ["StateUpdate", "ConfigurationUpdate"]
    assert history[0]["HistorySummary"].endswith("to ALARM")
    only = client.describe_alarm_history(AlarmName=name, HistoryItemType="StateUpdate")["AlarmHistoryItems"]
    assert len(only) == 1
    assert client.describe_alarm_history(AlarmName="another")["AlarmHistoryItems"] == []
