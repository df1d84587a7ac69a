"""The screen at the end of `make up`: its status is the truth, and it says why."""

from __future__ import annotations

import math
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
