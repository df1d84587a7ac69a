"""The environment as `make up` leaves it: complete, converged, and showing data."""

from __future__ import annotations

import json
import re

import pytest

from sandbox import screen
from tests.live.environment import Environment, sandbox
from tests.live.services import grafana_request
from tests.live.stacks import refresh_or_fail
from tests.support.waiting import eventually

pytestmark = [pytest.mark.live, pytest.mark.fresh]

OUTPUTS = {
    *("grafanaUrl", "grafanaAdminUser", "grafanaAdminPassword", "influxdbUrl", "caCertificate"),
    *("agentInstallScript", "dashboardUrls", "cloudwatchAccessKeyId"),
}


def test_up_ends_with_a_screen_that_shows_everything(environment: Environment) -> None:
    text = environment.printed
    assert environment.outputs["grafanaUrl"] in text
    assert "make password" in text
    assert "make down" in text
    assert text.count("OK") >= 2, "not both datasources are shown as healthy"
    assert "s ago" in text, "no host's newest point is shown"


def test_the_outputs_exist_and_secrets_are_masked(environment: Environment) -> None:
    assert set(environment.outputs) >= OUTPUTS
    masked = json.loads(environment.pulumi("stack", "output", "--json").stdout)
    assert masked["grafanaAdminPassword"] == "[secret]"
    assert masked["agentInstallScript"] == "[secret]"


def test_make_up_while_up_says_so_and_changes_nothing(environment: Environment) -> None:
    again = sandbox("up")
    assert again.returncode == 0, again.stdout[-3000:] + again.stderr[-3000:]
    assert "is up; updating" in again.stdout
    assert changes(again.stdout) == {"unchanged"}


def test_refresh_finds_only_what_was_deleted_by_hand_and_up_restores_it(environment: Environment) -> None:
    """This `up` includes a preview, as when people run it."""
    grafana = environment.grafana
    assert grafana_request(grafana, "DELETE", "/api/dashboards/uid/linux-hosts").status_code == 200
    assert grafana.get("/api/dashboards/uid/linux-hosts").status_code == 404
    assert changes(refresh_or_fail(environment)) == {"1 deleted", "unchanged"}
    restored = environment.pulumi("up", "--yes")
    assert restored.returncode == 0, restored.stdout[-3000:]
    assert changes(restored.stdout) == {"1 created", "unchanged"}
    assert grafana.get("/api/dashboards/uid/linux-hosts").status_code == 200


def changes(printed: str) -> set[str]:
    """The CLI's summary at the end: how many resources it changed, and that others are unchanged."""
    summary = printed.rpartition("Resources:\n")[2].partition("\n\n")[0].splitlines()
    return {re.sub(r"^(\W|\d+ (?=unchanged))+", "", line) for line in summary}


def test_measurements_of_the_server_arrive_in_grafana(environment: Environment) -> None:
    assert eventually(lambda: screen.newest_points(environment.grafana)["monitoring-sandbox"] < screen.SILENT_SECONDS)


def test_ec2_metrics_arrive_with_the_created_key(environment: Environment) -> None:
    answer = environment.grafana.query(
        {
            "datasource": {"uid": "cloudwatch", "type": "cloudwatch"},
            "type": "timeSeriesQuery",
            "queryMode": "Metrics",
            "namespace": "AWS/EC2",
            "metricName": "CPUUtilization",
            "region": environment.region,
            "dimensions": {"InstanceId": [environment.instance_id]},
            "statistic": "Average",
            "period": "60",
            "matchExact": True,
        },
        minutes=60,
    )
    frames = answer["results"]["A"]["frames"]
    values = [value for frame in frames for value in frame["data"]["values"][1] if value is not None]
    assert values, answer
    assert all(0 <= value <= 100 for value in values)
    stored = environment.grafana.get("/api/datasources/uid/cloudwatch").json()
    assert stored["jsonData"]["authType"] == "keys"
    assert stored["secureJsonFields"]["secretKey"] is True
