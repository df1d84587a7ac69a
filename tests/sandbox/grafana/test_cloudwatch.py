"""The CloudWatch data source against moto, in this process."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests
from moto.server import ThreadedMotoServer

from sandbox.grafana.double.cloudwatch import labels, search
from sandbox.loopback import free_port
from tests.sandbox.grafana.support import Authority, Grafana, running

REGION = "eu-central-1"
REFERENCE = {"uid": "cloudwatch", "type": "cloudwatch"}


@pytest.fixture(scope="module")
def aws() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", free_port(), verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    # moto's metrics are global: another module in the same worker may have left some.
    requests.post(f"http://{host}:{port}/moto-api/reset", timeout=10).raise_for_status()
    yield f"http://{host}:{port}"
    server.stop()


def client(aws: str, service: Any) -> Any:
    return boto3.client(
        service,
        region_name=REGION,
        endpoint_url=aws,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


@pytest.fixture(scope="module")
def instances(aws: str) -> list[str]:
    """Two instances with tags, and five minutes of data each."""
    ec2, cloudwatch = client(aws, "ec2"), client(aws, "cloudwatch")
    image = ec2.describe_images()["Images"][0]["ImageId"]
    found = []
    for name, base in (("one", 10), ("two", 50)):
        tags = [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": name}]}]
        answer = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, TagSpecifications=tags)
        found.append(answer["Instances"][0]["InstanceId"])
        now = datetime.now(UTC).replace(second=30, microsecond=0)
        cloudwatch.put_metric_data(
            Namespace="AWS/EC2",
            MetricData=[
                {
                    "MetricName": "CPUUtilization",
                    "Dimensions": [{"Name": "InstanceId", "Value": found[-1]}],
                    "Timestamp": now - timedelta(minutes=minutes),
                    "Value": base + minutes,
                }
                for minutes in range(2, 7)
            ],
        )
    return found


def datasource(aws: str, **changes: Any) -> dict[str, Any]:
    return {
        "uid": "cloudwatch",
        "name": "CloudWatch",
        "type": "cloudwatch",
        "access": "proxy",
        "jsonData": {"authType": "keys", "defaultRegion": REGION, "endpoint": aws},
        "secureJsonData": {"accessKey": "AKIDEXAMPLE", "secretKey": "secret"},
    } | changes


@pytest.fixture
def connected(grafana: Grafana, aws: str, instances: list[str]) -> Grafana:
    del instances
    assert grafana.call("POST", "/api/datasources", datasource(aws)).status_code == 200
    return grafana


def query(**changes: Any) -> dict[str, Any]:
    return {
        "refId": "A",
        "datasource": REFERENCE,
        "queryMode": "Metrics",
        "metricQueryType": 0,
        "metricEditorMode": 0,
        "namespace": "AWS/EC2",
        "metricName": "CPUUtilization",
        "dimensions": {"InstanceId": ["*"]},
        "statistic": "Average",
        "period": "60",
        "region": "default",
        "matchExact": True,
        "label": "${PROP('Dim.InstanceId')}",
        "id": "",
        "expression": "",
    } | changes


def frames(grafana: Grafana, **changes: Any) -> list[dict[str, Any]]:
    answer = grafana.query(query(**changes)).json()
    assert "error" not in answer["results"]["A"], answer
    return list(answer["results"]["A"]["frames"])


def test_the_health_check_needs_valid_keys(connected: Grafana, aws: str) -> None:
    path = "/api/datasources/uid/cloudwatch"
    answer = connected.call("GET", f"{path}/health")
    assert answer.status_code == 200
    assert "Successfully queried the CloudWatch metrics API" in answer.json()["message"]
    dead = datasource(aws, jsonData={"authType": "keys", "defaultRegion": REGION, "endpoint": "http://127.0.0.1:1"})
    connected.call("PUT", path, dead)
    answer = connected.call("GET", f"{path}/health")
    assert (answer.status_code, answer.json()["status"]) == (400, "ERROR")
    assert "CloudWatch metrics query failed" in answer.json()["message"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"authType": "keys", "defaultRegion": REGION}, "static credentials are empty"),
        ({"authType": "keys"}, "missing default region"),
        ({"authType": "ec2_iam_role", "defaultRegion": REGION}, "auth type that is not allowed"),
    ],
)
def test_invalid_settings_are_reported(grafana: Grafana, options: dict[str, str], message: str) -> None:
    source = datasource("", jsonData=options, secureJsonData={})
    grafana.call("POST", "/api/datasources", source)
    answer = grafana.call("GET", "/api/datasources/uid/cloudwatch/health")
    assert answer.status_code == 400
    assert message in answer.json()["message"]


def test_the_server_s_settings_restrict_authentication_methods(tmp_path: Path, authority: Authority, aws: str) -> None:
    with running(tmp_path, authority, aws__allowed_auth_providers="default") as grafana:
        grafana.call("POST", "/api/datasources", datasource(aws))
        answer = grafana.call("GET", "/api/datasources/uid/cloudwatch/health")
        assert answer.status_code == 400
        assert 'auth type that is not allowed: "keys"' in answer.json()["message"]


def test_the_server_s_settings_can_disable_assuming_roles(tmp_path: Path, authority: Authority, aws: str) -> None:
    source = datasource(aws)
    source["jsonData"] |= {"assumeRoleArn": "arn:aws:iam::123456789012:role/a"}
    with running(tmp_path, authority, aws__assume_role_enabled="false") as grafana:
        grafana.call("POST", "/api/datasources", source)
        answer = grafana.call("GET", "/api/datasources/uid/cloudwatch/health")
        assert answer.status_code == 400
        assert "trying to use assume role but it is disabled" in answer.json()["message"]


def test_every_instance_is_a_series_with_its_label(connected: Grafana, instances: list[str]) -> None:
    found = {frame["schema"]["name"]: frame for frame in frames(connected)}
    assert set(found) == set(instances)
    first = found[instances[0]]
    assert first["schema"]["fields"][1]["labels"] == {"InstanceId": instances[0]}
    times, values = first["data"]["values"]
    assert values == [16, 15, 14, 13, 12]
    assert times == sorted(times)
    assert all(at % 60_000 == 0 for at in times)


def test_one_instance_and_a_longer_period(connected: Grafana, instances: list[str]) -> None:
    [frame] = frames(connected, dimensions={"InstanceId": [instances[1]]}, statistic="Maximum", period="1h")
    assert max(frame["data"]["values"][1]) == 56
    assert frame["schema"]["meta"]["custom"] == {"period": 3600, "id": "queryA"}


def test_chosen_instances_without_a_label(connected: Grafana, instances: list[str]) -> None:
    found = frames(connected, dimensions={"InstanceId": instances}, label="")
    assert sorted(frame["schema"]["name"] for frame in found) == sorted(instances)


def test_cloudwatch_accepts_77_instances_by_id_and_any_number_by_wildcard(
    connected: Grafana, instances: list[str]
) -> None:
    names = [f"i-{number:017x}" for number in range(78)]
    assert frames(connected, dimensions={"InstanceId": names[:77]}, period="300", statistic="Average")
    refused = connected.query(query(dimensions={"InstanceId": names}, period="300"))
    assert refused.status_code == 400
    said = refused.json()["results"]["A"]["error"]
    assert "failed to satisfy constraint: Member must have length less than or equal to 2048" in said
    assert {frame["schema"]["name"] for frame in frames(connected, dimensions={"InstanceId": ["*"]})} == set(instances)


@pytest.mark.parametrize(
    ("wanted", "exact", "terms"),
    [
        (
            {"LoadBalancer": ["lb1", "lb2"], "InstanceId": ["*"]},
            True,
            '{"AWS/EC2","InstanceId","LoadBalancer"} MetricName="CPU" "LoadBalancer"=("lb1" OR "lb2")',
        ),
        (
            {"LoadBalancer": ["lb1"], "InstanceId": ["*"]},
            False,
            'Namespace="AWS/EC2" MetricName="CPU" "LoadBalancer"="lb1" "InstanceId"',
        ),
    ],
)
def test_search_expressions_are_those_of_grafana(wanted: dict[str, list[str]], exact: bool, terms: str) -> None:
    text = search.expression("AWS/EC2", "CPU", wanted, "Average", 300, exact=exact)
    assert text == f"REMOVE_EMPTY(SEARCH('{terms}', 'Average', 300))"


def test_a_search_without_matches(connected: Grafana) -> None:
    [frame] = frames(connected, metricName="NoSuchMetric")
    assert frame["data"]["values"] == []
    [frame] = frames(connected, dimensions={"InstanceId": ["i-none"]})
    assert frame["data"]["values"] == [[], []]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"queryMode": "Logs"}, "queryMode Logs is not part of this stand-in"),
        ({"expression": "SUM(METRICS())"}, "metric builder only"),
        ({"statistic": ""}, "statistic or statistics"),
        ({"namespace": ""}, "namespace is required"),
        ({"dimensions": {"InstanceId": 7}}, "unknown type as dimension value"),
        ({"period": "often"}, "failed to parse period"),
        ({"id": "Nope"}, "invalid query id"),
    ],
)
def test_invalid_queries_are_refused(connected: Grafana, changes: dict[str, Any], message: str) -> None:
    answer = connected.query(query(**changes))
    assert answer.status_code == 400
    assert message in answer.json()["results"]["A"]["error"]


def resource(grafana: Grafana, path: str, **arguments: str) -> Any:
    return grafana.call("GET", f"/api/datasources/uid/cloudwatch/resources/{path}", params=arguments)


def test_the_lists_behind_variables(connected: Grafana, instances: list[str]) -> None:
    regions = resource(connected, "regions").json()
    assert {"text": REGION, "value": REGION, "label": REGION} in regions
    assert resource(connected, "namespaces").json() == [{"value": "AWS/EC2"}]
    metrics = resource(connected, "metrics", namespace="AWS/EC2").json()
    assert metrics == [{"value": {"name": "CPUUtilization", "namespace": "AWS/EC2"}}]
    assert resource(connected, "dimension-keys", namespace="AWS/EC2").json() == [{"value": "InstanceId"}]
    values = resource(
        connected,
        "dimension-values",
        namespace="AWS/EC2",
        metricName="CPUUtilization",
        dimensionKey="InstanceId",
        region=REGION,
    ).json()
    assert values == [{"value": name} for name in sorted(instances)]
    filters = json.dumps({"tag:Name": ["two"]})
    found = resource(connected, "ec2-instance-attribute", attributeName="InstanceId", filters=filters).json()
    assert [item["value"] for item in found] == [instances[1]]
    names = resource(connected, "ec2-instance-attribute", attributeName="Tags.Name").json()
    assert [item["value"] for item in names] == ["one", "two"]
    assert resource(connected, "nothing").status_code == 404
    assert resource(connected, "dimension-values").status_code == 400


def test_aws_errors_for_lists_have_the_plugin_s_format(connected: Grafana) -> None:
    ours = connected.call("GET", "/api/datasources/uid/cloudwatch").json()
    wrong = ours | {"jsonData": ours["jsonData"] | {"endpoint": "http://127.0.0.1:1"}}
    assert connected.call("PUT", "/api/datasources/uid/cloudwatch", wrong).status_code == 200
    asked = {"namespace": "AWS/EC2", "metricName": "CPUUtilization", "dimensionKey": "InstanceId"}
    answer = resource(connected, "dimension-values", region=REGION, **asked)
    assert answer.status_code == 500
    assert set(answer.json()) == {"Message", "Error", "StatusCode"}
    assert "error getting metrics" in answer.json()["Message"]


def test_a_new_point_is_returned_at_once(connected: Grafana, aws: str) -> None:
    dimensions = [{"Name": "InstanceId", "Value": "i-fresh"}]
    point = {"MetricName": "StatusCheckFailed", "Dimensions": dimensions, "Value": 1.0}
    client(aws, "cloudwatch").put_metric_data(Namespace="AWS/EC2", MetricData=[point])
    [frame] = connected.query(
        query(metricName="StatusCheckFailed"), start="now-15m", end=int(time.time() * 1000) + 1000
    ).json()["results"]["A"]["frames"]
    assert frame["data"]["values"][1] == [1]


def test_dynamic_labels() -> None:
    facts = labels.Facts("AWS/EC2", "CPU", "Average", 60, REGION, {"InstanceId": "i-1"}, [1.0, 3.0])
    text = "${PROP('Dim.InstanceId')} ${PROP('MetricName')} ${PROP('Stat')} ${AVG} ${LABEL} ${PROP('Dim.X')}"
    assert labels.expand(text, facts) == "i-1 CPU Average 2 i-1 "
    assert labels.expand("", facts) == "i-1"
