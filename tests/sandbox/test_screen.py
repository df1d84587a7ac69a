"""The screen at the end of `make up`: its status is the truth, and it says why."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from sandbox import screen


def test_all_is_well() -> None:
    assert screen.amiss([], {"influxdb": True, "cloudwatch": True}, {"web-1": 3.0}) == []


@pytest.mark.parametrize("age", [screen.SILENT_SECONDS, math.inf])
def test_everything_that_is_amiss_is_named(age: float) -> None:
    reasons = screen.amiss(["machines"], {"influxdb": True, "cloudwatch": False}, {"web-1": age, "db-1": 3.0})
    assert reasons == ["machines has ended", "CloudWatch is not healthy in Grafana", "web-1 sends nothing"]


@pytest.mark.parametrize("failure", [requests.ReadTimeout("slow"), requests.JSONDecodeError("half", "", 0)])
def test_a_grafana_too_slow_to_answer_is_no_traceback(monkeypatch: pytest.MonkeyPatch, failure: Exception) -> None:
    def query(*_: object, **__: object) -> None:
        raise failure

    monkeypatch.setattr(requests, "post", query)
    grafana = screen.Grafana("https://127.0.0.1:1", "admin", "password", Path("/dev/null"))
    assert screen._await_points(grafana, {"web-1"}, 0) == {"web-1": math.inf}


def test_a_file_has_room_for_a_row_of_any_length() -> None:
    """A log of CI is no terminal of 80 columns."""
    long = f"the metrics of {'x' * 60}, {'y' * 60}"
    script = f"from sandbox import screen; screen.console.print(screen._health_table({{'influxdb': (True, {long!r})}}))"
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60)
    assert long in done.stdout
