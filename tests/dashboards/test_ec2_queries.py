"""The EC2 dashboard's filters and metrics, queried from moto in the way Grafana queries AWS."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from dashboards.registry import AWS_EC2
from sandbox.grafana.double.cloudwatch import search
from sandbox.viewer.queries import AsIs, PanelQuery, TimeRange, Values, panel_queries, variable_queries

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from mypy_boto3_ec2.type_defs import TagTypeDef

REGION = "eu-central-1"
METRICS = {
    "CPUUtilization": 12.0,
    "CPUCreditBalance": 144.0,
    "CPUCreditUsage": 0.2,
    "StatusCheckFailed": 0.0,
    "StatusCheckFailed_System": 0.0,
    "StatusCheckFailed_Instance": 0.0,
    "NetworkIn": 1e6,
    "NetworkOut": 2e6,
    "NetworkPacketsIn": 1e3,
    "NetworkPacketsOut": 2e3,
    "EBSReadBytes": 4096.0,
    "EBSWriteBytes": 8192.0,
    "EBSReadOps": 1.0,
    "EBSWriteOps": 2.0,
    "EBSByteBalance%": 99.0,
    "EBSIOBalance%": 98.0,
}
"""What EC2 publishes for an instance: AWS's lists of instance, credit, status check and EBS metrics."""


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Three running instances and a stopped one: name -> id."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "local")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "local")
    with mock_aws():
        ec2 = boto3.client("ec2", region_name=REGION)
        image = ec2.describe_images()["Images"][0]["ImageId"]
        started = {}
        for name, team in {"web-1": "shop", "web-2": "shop", "db-1": "data", "old": "shop"}.items():
            tags: list[TagTypeDef] = [{"Key": "Name", "Value": name}, {"Key": "Team", "Value": team}]
            (instance,) = ec2.run_instances(
                ImageId=image,
                MinCount=1,
                MaxCount=1,
                TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
            )["Instances"]
            started[name] = instance["InstanceId"]
        ec2.stop_instances(InstanceIds=[started["old"]])
        yield started


def offered(variable: str, chosen: dict[str, list[str]]) -> set[str]:
    """The values that Grafana offers for a variable of the type `ec2InstanceAttributes`."""
    (query,) = [each["query"] for each in variable_queries(json.loads(AWS_EC2.build())) if each["name"] == variable]

    def filled(text: str) -> list[str]:
        for name, values in chosen.items():
            if text == f"${name}":
                return values
            text = text.replace(f"${name}", values[0])
        return [text]

    filters = {filled(key)[0]: filled(values[0]) for key, values in query["ec2Filters"].items()}
    answer = boto3.client("ec2", region_name=REGION).describe_instances(
        Filters=[{"Name": key, "Values": values} for key, values in filters.items()]
    )
    instances: list[Any] = [each for found in answer["Reservations"] for each in found["Instances"]]
    if query["attributeName"].startswith("Tags."):
        wanted = query["attributeName"].removeprefix("Tags.")
        return {tag["Value"] for each in instances for tag in each["Tags"] if tag["Key"] == wanted}
    return {each[query["attributeName"]] for each in instances}


def test_by_default_all_running_instances_are_offered_by_name(names: dict[str, str]) -> None:
    assert offered("name", {"tagvalue": ["*"], "tag": ["Name"]}) == {"web-1", "web-2", "db-1"}


def test_a_tag_limits_the_names_and_a_name_selects_its_instance(names: dict[str, str]) -> None:
    shop = {"tagvalue": ["shop"], "tag": ["Team"]}
    assert offered("name", shop) == {"web-1", "web-2"}
    assert offered("instance", {**shop, "name": ["web-2"]}) == {names["web-2"]}
    assert offered("instance", {"tagvalue": ["*"], "tag": ["Name"], "name": ["db-1"]}) == {names["db-1"]}


def chosen_all(dashboard: dict[str, Any], offered: list[str]) -> str | list[str]:
    """The value of `instance` if "All" is chosen: what the dashboard defines, or else every value offered."""
    (variable,) = [each for each in dashboard["templating"]["list"] if each["name"] == "instance"]
    return AsIs(variable["allValue"]) if "allValue" in variable else offered


def test_all_of_eighty_instances_are_not_too_many_for_cloudwatch() -> None:
    instances = [f"i-{number:017x}" for number in range(80)]
    dashboard = json.loads(AWS_EC2.build())
    values: Values = {"instance": chosen_all(dashboard, instances)}
    asked = panel_queries(dashboard, values, TimeRange.last(3600))
    assert len(asked) > 10
    for query in asked:
        model = query.model
        text = search.expression(
            model["namespace"],
            model["metricName"],
            model["dimensions"],
            model["statistic"],
            int(model["period"]),
            exact=True,
        )
        assert text.startswith('REMOVE_EMPTY(SEARCH(\'{"AWS/EC2","InstanceId"} MetricName="'), query.title
        assert "$" not in text.replace("$metric", ""), text


def test_every_panel_has_a_value_for_each_instance(names: dict[str, str]) -> None:
    chosen = [names["web-1"], names["db-1"]]
    now = datetime.datetime.now(datetime.UTC)
    metrics = boto3.client("cloudwatch", region_name=REGION)
    for number, instance in enumerate(chosen):
        metrics.put_metric_data(
            Namespace="AWS/EC2",
            MetricData=[
                {
                    "MetricName": name,
                    "Dimensions": [{"Name": "InstanceId", "Value": instance}],
                    "Timestamp": now - datetime.timedelta(minutes=minutes),
                    "Value": value + number,
                }
                for name, value in METRICS.items()
                for minutes in (2, 7)
            ],
        )
    values: Values = {"instance": chosen, "region": REGION}
    asked = panel_queries(json.loads(AWS_EC2.build(region=REGION)), values, TimeRange.last(3600))
    assert len(asked) > 10
    for query in asked:
        assert query.model["dimensions"] == {"InstanceId": chosen}
        for number, instance in enumerate(chosen):
            expected = METRICS[query.model["metricName"]] + number
            assert statistics(metrics, query, instance) == pytest.approx([expected, expected]), query.title


def statistics(metrics: Any, query: PanelQuery, instance: str) -> list[float]:
    statistic = query.model["statistic"]
    points = metrics.get_metric_statistics(
        Namespace=query.model["namespace"],
        MetricName=query.model["metricName"],
        Dimensions=[{"Name": "InstanceId", "Value": instance}],
        StartTime=datetime.datetime.fromtimestamp(query.time_range.start / 1000, datetime.UTC),
        EndTime=datetime.datetime.fromtimestamp(query.time_range.end / 1000, datetime.UTC),
        Period=int(query.model["period"]),
        Statistics=[statistic],
    )["Datapoints"]
    return [point[statistic] for point in points]
