"""The proof's requests to Grafana, against a TLS server on loopback."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from http.server import HTTPServer
from pathlib import Path

import pytest

from prove.command_line import FailedError
from prove.grafana import METRICS_WORK, Grafana
from tests.tools.test_wait_until_ready import Double, tls_server

RULES = "/api/prometheus/grafana/api/v1/rules"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[HTTPServer, str]]:
    with tls_server(tmp_path) as made:
        yield made


@pytest.fixture
def grafana(server: tuple[HTTPServer, str]) -> Grafana:
    made, authority = server
    return Grafana.of(
        {
            "grafanaUrl": f"https://localhost:{made.server_port}",
            "grafanaAdminUser": "admin",
            "grafanaAdminPassword": "hunter2",
            "caCertificate": authority,
        }
    )


def test_success_is_the_json_and_anything_else_a_failed_step(grafana: Grafana) -> None:
    Double.answers = {"/api/health": (200, {"version": "13.0.0"})}
    assert grafana.ask("/api/health") == {"version": "13.0.0"}
    assert Double.seen == [("GET", "/api/health", "Basic YWRtaW46aHVudGVyMg==")]
    Double.answers = {"/api/health": (500, {"message": "no database"})}
    with pytest.raises(FailedError, match=r"/api/health: Grafana answered: no database \(status 500\)"):
        grafana.ask("/api/health")
    Double.answers = {"/api/health": (200, b"<html>")}
    with pytest.raises(FailedError, match="/api/health: Grafana did not answer with JSON"):
        grafana.ask("/api/health")


def test_a_grafana_that_cannot_be_reached_is_named(grafana: Grafana, server: tuple[HTTPServer, str]) -> None:
    server[0].server_close()
    with pytest.raises(FailedError, match=grafana.url):
        grafana.ask("/api/health")


def test_a_certificate_of_another_authority_is_refused(grafana: Grafana) -> None:
    url, login = grafana.url, {"grafanaAdminUser": "admin", "grafanaAdminPassword": "x", "caCertificate": ""}
    with pytest.raises(FailedError, match=r"(?i)certificate"):
        Grafana.of({"grafanaUrl": url, **login}).ask("/api/health")


@pytest.mark.parametrize(
    ("answer", "well"),
    [
        ((200, {"status": "OK", "message": "datasource is working"}), True),
        ((400, {"status": "ERROR", "message": f"1. {METRICS_WORK}. 2. CloudWatch logs query failed"}), True),
        ((400, {"status": "ERROR", "message": "AccessDenied"}), False),
        ((502, b"<html>"), False),
    ],
)
def test_a_data_source_is_healthy_if_its_measurements_can_be_read(
    grafana: Grafana, answer: tuple[int, object], *, well: bool
) -> None:
    Double.answers = {"/api/datasources/uid/cloudwatch/health": answer}
    ask: Callable[[], str] = grafana.health_of("cloudwatch")
    if well:
        assert ask()
        return
    with pytest.raises(FailedError):
        ask()


def test_points_are_counted_over_all_columns(grafana: Grafana) -> None:
    frames = [{"data": {"values": [[1, 2], [3, None]]}}, {"data": {"values": [[1], [4]]}}, {"data": {"values": []}}]
    Double.answers = {"/api/ds/query": (200, {"results": {"A": {"frames": frames}}})}
    assert grafana.points(1000, 2000) == 7
    ((method, _, body),) = Double.seen
    assert (method, body["from"], body["to"]) == ("POST", "1000", "2000")
    Double.answers = {"/api/ds/query": (400, {"results": {"A": {"error": "no such database"}}})}
    with pytest.raises(FailedError, match="the query fails: no such database"):
        grafana.points(1000, 2000)
    Double.answers = {"/api/ds/query": (502, b"<html>")}
    with pytest.raises(FailedError, match="the query fails: "):
        grafana.points(1000, 2000)


def test_rules_must_have_been_evaluated_without_errors(grafana: Grafana) -> None:
    well = {"name": "Disk full", "health": "ok", "state": "inactive"}
    without = {"name": "Backup failed or too old", "health": "nodata", "state": "inactive"}
    Double.answers = {RULES: (200, {"data": {"groups": [{"rules": [well, without]}]}})}
    assert grafana.rules() == "2 rules: 2 inactive"
    broken = {"name": "CPU busy", "health": "error", "state": "firing"}
    Double.answers = {RULES: (200, {"data": {"groups": [{"rules": [well, broken]}]}})}
    with pytest.raises(FailedError, match=r"2 rules; not evaluated successfully: \{'CPU busy': 'error'\}"):
        grafana.rules()
