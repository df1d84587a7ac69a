"""The two commands that `pulumi up` waits for: until the server is ready, and until Grafana shows data."""

from __future__ import annotations

import json
import re

import pytest

from tests.components.conftest import ADDRESS, SECRETS, Run, run_once, run_program
from tests.components.examples import AUTOMATION, ELSEWHERE


def test_the_gates_show_no_secret_and_run_again_when_what_they_wait_for_changes(prod: Run) -> None:
    ready, answers = prod.one("Command", "ready"), prod.one("Command", "answers")
    revision = ready["environment"]["READY_REVISION"]
    for command in (ready, answers):
        assert not SECRETS.search(command["create"])
        assert not SECRETS.search(json.dumps(command["triggers"]))
    assert ready["triggers"] == ["Instance-server-arm64", "t4g.medium", revision]
    assert answers["triggers"] == ["Instance-server-arm64", revision, "AccessKey-cloudwatch-1", "eu-central-1"]


@pytest.mark.parametrize("external", [False, True], ids=["own InfluxDB", "another InfluxDB"])
def test_the_gates_connect_to_grafana_alone(external: bool) -> None:
    """The machine that runs Pulumi reaches what `operatorCidrs` opens, and no InfluxDB."""
    changes = {"influxdb": ELSEWHERE, "agentCidrs": [], "retention": "30d"} if external else {}
    run = run_once(changes, secret=("influxdb",) if external else ())
    for name in ("ready", "answers"):
        given = run.one("Command", name)["environment"]
        assert (given["READY_ADDRESS"], given["READY_PORT"]) == (ADDRESS, "3000")
        assert (given["READY_USER"], given["READY_PASSWORD"]) == (AUTOMATION, "password-of-grafana-automation")
        assert not re.search("8086|9086|influx", json.dumps(given))


def test_the_last_gate_waits_at_least_two_collection_intervals(prod: Run) -> None:
    assert prod.one("Command", "answers")["environment"]["READY_TIMEOUT"] == "900"
    hourly = run_program({"collectionInterval": "1h"})
    assert hourly.one("Command", "answers")["environment"]["READY_TIMEOUT"] == str(2 * 3600 + 60)
    assert hourly.one("Command", "ready")["environment"]["READY_TIMEOUT"] == "900"
