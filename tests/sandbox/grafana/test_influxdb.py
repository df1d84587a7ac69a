"""The InfluxDB data source against a real InfluxDB with TLS and authentication."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from sandbox.grafana.double.influxdb import influxql
from sandbox.grafana.double.timerange import TimeRange, format_interval
from tests.sandbox.grafana.support import Authority, Grafana, Influx

REFERENCE = {"uid": "influxdb", "type": "influxdb"}


def datasource(influx: Influx, **changes: Any) -> dict[str, Any]:
    user, password = influx.reader
    secure = {"password": password, "tlsCACert": influx.ca.pem}
    return {
        "uid": "influxdb",
        "name": "InfluxDB",
        "type": "influxdb",
        "access": "proxy",
        "url": influx.url,
        "user": user,
        "jsonData": {"dbName": "telegraf", "httpMode": "POST", "tlsAuthWithCACert": True},
        "secureJsonData": secure,
    } | changes


@pytest.fixture
def connected(grafana: Grafana, influx: Influx) -> Grafana:
    for statement in (
        "DROP DATABASE telegraf",
        "CREATE DATABASE telegraf",
        "GRANT READ ON telegraf TO grafana",
    ):
        influx.run(statement, influx.admin)
    now = int(time.time()) * 10**9
    influx.write(
        f"cpu,host=one,cpu=cpu-total usage_user=10 {now - 120 * 10**9}\n"
        f"cpu,host=one,cpu=cpu-total usage_user=30 {now - 60 * 10**9}\n"
        f"cpu,host=two,cpu=cpu-total usage_user=50 {now - 60 * 10**9}\n"
        f'system,host=one uptime_format="1 day" {now - 60 * 10**9}\n'
    )
    assert grafana.call("POST", "/api/datasources", datasource(influx)).status_code == 200
    return grafana


def raw(ref_id: str, statement: str) -> dict[str, Any]:
    return {"refId": ref_id, "datasource": REFERENCE, "rawQuery": True, "query": statement}


def health(grafana: Grafana) -> tuple[int, str]:
    answer = grafana.call("GET", "/api/datasources/uid/influxdb/health")
    return answer.status_code, answer.json()["message"]


def test_the_health_check_counts_measurements(connected: Grafana) -> None:
    assert health(connected) == (200, "datasource is working. 2 measurements found")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"secureJsonData": {"password": "wrong"}}, "authorization failed"),
        ({"secureJsonData": {"tlsCACert": "OTHER"}}, "certificate signed by unknown authority"),
        ({"jsonData": {"dbName": "telegraf"}}, "certificate signed by unknown authority"),
        ({"url": "https://127.0.0.1:1"}, "connection refused"),
        ({"jsonData": {"version": "Flux"}}, "does not support Flux"),
        ({"user": ""}, "unable to parse authentication credentials"),
    ],
)
def test_the_health_check_reports_what_is_wrong(
    connected: Grafana, influx: Influx, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    if changes.get("secureJsonData", {}).get("tlsCACert"):
        changes = {"secureJsonData": {"tlsCACert": Authority(tmp_path, "other").pem}}
    connected.call("PUT", "/api/datasources/uid/influxdb", datasource(influx, **changes))
    status, found = health(connected)
    assert status == 400
    assert message in found
    assert influx.reader[1] not in found


def test_a_time_series_query(connected: Grafana) -> None:
    query = 'SELECT mean("usage_user") FROM "cpu" WHERE $timeFilter '
    query += 'GROUP BY time($__interval), "host" fill(none)'
    answer = connected.query(
        {
            "refId": "A",
            "datasource": REFERENCE,
            "rawQuery": True,
            "query": query,
            "intervalMs": 10_000,
            "alias": "$tag_host $col",
        }
    )
    result = answer.json()["results"]["A"]
    assert (answer.status_code, result["status"]) == (200, 200)
    one, two = result["frames"]
    assert [field["name"] for field in one["schema"]["fields"]] == ["Time", "Value"]
    assert one["schema"]["fields"][1]["labels"] == {"host": "one"}
    assert one["schema"]["fields"][1]["config"] == {"displayNameFromDS": "one mean"}
    assert one["data"]["values"][1] == [10, 30]
    assert two["data"]["values"][1] == [50]
    assert "GROUP BY time(10s)" in one["schema"]["meta"]["executedQueryString"]


def test_an_editor_query_and_a_table(connected: Grafana) -> None:
    editor = {
        "refId": "A",
        "datasource": REFERENCE,
        "measurement": "cpu",
        "policy": "default",
        "select": [[{"type": "field", "params": ["usage_user"]}, {"type": "max", "params": []}]],
        "groupBy": [{"type": "tag", "params": ["host"]}],
        "tags": [{"key": "cpu", "operator": "=", "value": "cpu-total"}],
        "resultFormat": "table",
    }
    [frame] = connected.query(editor).json()["results"]["A"]["frames"]
    assert [field["name"] for field in frame["schema"]["fields"]] == ["Time", "host", "max"]
    assert frame["data"]["values"][1:] == [["one", "two"], [30, 50]]


def test_strings_and_the_lists_behind_variables(connected: Grafana) -> None:
    [frame] = connected.query(
        {
            "refId": "A",
            "datasource": REFERENCE,
            "rawQuery": True,
            "query": 'SHOW TAG VALUES FROM "cpu" WITH KEY = "host"',
        }
    ).json()["results"]["A"]["frames"]
    assert frame["data"]["values"] == [["one", "two"]]
    [frame] = connected.query(raw("A", "SELECT last(uptime_format) FROM system")).json()["results"]["A"]["frames"]
    assert frame["schema"]["fields"][1]["type"] == "string"
    assert frame["data"]["values"][1] == ["1 day"]


def test_a_broken_query_does_not_affect_others(connected: Grafana) -> None:
    answer = connected.query(raw("A", "SELECT last(usage_user) FROM cpu"), raw("B", "SELEC"))
    assert answer.status_code == 400
    results = answer.json()["results"]
    assert len(results["A"]["frames"]) == 1
    assert "error parsing query" in results["B"]["error"]
    assert results["B"]["status"] == 500


def test_influxdb_refuses_writes_by_the_reader(connected: Grafana) -> None:
    drop = {"refId": "A", "datasource": REFERENCE, "rawQuery": True, "query": "DROP MEASUREMENT cpu"}
    error = connected.query(drop).json()["results"]["A"]["error"]
    assert "not authorized" in error


def test_invalid_requests_are_refused(connected: Grafana) -> None:
    assert connected.query().json()["message"] == "No queries found"
    missing = connected.query({"refId": "A", "datasource": {"uid": "none"}})
    assert (missing.status_code, missing.json()["message"]) == (404, "Data source not found")
    twice = {"refId": "A", "datasource": REFERENCE, "rawQuery": True, "query": "SHOW DATABASES"}
    assert connected.query(twice, twice).status_code == 400
    assert connected.query(twice, start="yesterday").status_code == 400


def test_conditions_are_rendered_as_in_grafana() -> None:
    query = {
        "measurement": "/cpu|mem/",
        "policy": "weekly",
        "select": [[{"type": "field", "params": ["a::field"]}, {"type": "math", "params": ["* 2"]}]],
        "tags": [
            {"key": "host", "value": "/^(one|two)$/"},
            {"key": "path::tag", "operator": "!=", "value": "c:\\x", "condition": "OR"},
            {"key": "n", "operator": ">", "value": "3"},
        ],
        "groupBy": [{"type": "time", "params": ["auto"]}, {"type": "fill", "params": ["null"]}],
        "orderByTime": "DESC",
        "limit": "5",
    }
    assert influxql.render(query, TimeRange(1, 2, 90_000)) == (
        'SELECT "a"::field * 2 FROM "weekly"./cpu|mem/ WHERE ("host" =~ /^(one|two)$/ '
        'OR "path"::tag != \'c:\\\\x\' AND "n" > 3) AND time >= 1ms and time <= 2ms '
        "GROUP BY time(1m) fill(null) ORDER BY time DESC limit 5"
    )


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [(1, "1ms"), (1500, "1s"), (60_000, "1m"), (7_200_000, "2h"), (86_400_000, "1d")],
)
def test_intervals_are_written_in_whole_units(milliseconds: int, text: str) -> None:
    assert format_interval(milliseconds) == text
