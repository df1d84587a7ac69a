"""Which dashboards a stack has."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pulumi
import pytest

from dashboards.from_files import read_all
from program import boards
from tests.components.conftest import ADDRESS, Run, run_program
from tests.support.certificates import KEY
from tests.support.configuration import HOST

METRIC = {"namespace": "Shop", "metric": "Orders", "statistic": "Sum"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Another folder of imported dashboards."""
    monkeypatch.setattr(boards, "read_all", partial(read_all, tmp_path))
    return tmp_path


def test_without_custom_metrics_there_is_no_dashboard_for_them(prod: Run) -> None:
    names = {dashboard.name for dashboard in prod.all("Dashboard")}
    assert "linux-hosts" in names and "custom-metrics" not in names
    assert "Custom metrics" not in prod.outputs["dashboardUrls"]
    assert not any("/d/custom-metrics" in dashboard.inputs["configJson"] for dashboard in prod.all("Dashboard"))


def test_custom_metrics_have_a_dashboard_to_which_the_others_link() -> None:
    run = run_program({"customMetrics": [METRIC], "cloudwatchRegion": "ap-south-1"})
    content = json.loads(run.one("Dashboard", "custom-metrics")["configJson"])
    assert [panel["title"] for panel in content["panels"]] == ["Shop", "Orders, Sum"]
    assert content["templating"]["list"][0]["current"]["value"] == "ap-south-1"
    assert run.outputs["dashboardUrls"]["Custom metrics"] == f"https://{ADDRESS}:3000/d/custom-metrics"
    for name in ("linux-hosts", "aws-ec2", "monitoring-server"):
        assert "/d/custom-metrics" in run.one("Dashboard", name)["configJson"]


def tag_lists(dashboard: str) -> list[str]:
    """The variables by which a dashboard's hosts are chosen by tag."""
    return [each["name"] for each in json.loads(dashboard)["templating"]["list"] if each["name"].startswith("by_")]


def test_the_most_frequent_tags_are_variables_of_the_dashboards() -> None:
    tags = [{"role": "web", "site": "a", "rack": "1", "team": "x"}, {"role": "db", "zone": "b", "owner": "y"}, {}]
    hosts = [
        HOST | {"name": f"host-{number}", "address": f"198.51.100.{number + 8}", "privateKey": KEY, "tags": each}
        for number, each in enumerate(tags)
    ]
    run = run_program({"hosts": hosts}, secret=("hosts",))
    for name in ("linux-hosts", "monitoring-server"):
        assert tag_lists(run.one("Dashboard", name)["configJson"]) == [
            *("by_owner", "by_rack", "by_role", "by_site", "by_team"),
        ]


def test_without_tags_there_are_no_such_variables(prod: Run) -> None:
    assert tag_lists(prod.one("Dashboard", "linux-hosts")["configJson"]) == []


def test_an_imported_file_is_a_dashboard_in_the_folder(folder: Path) -> None:
    (folder / "mine.json").write_text(json.dumps({"uid": "mine", "title": "Mine", "panels": []}))
    run = run_program()
    dashboard = run.one("Dashboard", "mine")
    assert json.loads(dashboard["configJson"])["title"] == "Mine"
    assert dashboard["folder"] == run.one("Dashboard", "aws-ec2")["folder"]
    assert run.outputs["dashboardUrls"]["Mine"].endswith("/d/mine")


def test_a_broken_file_ends_the_program(folder: Path) -> None:
    (folder / "mine.json").write_text("{")
    with pytest.raises(pulumi.RunError, match=r"mine\.json: is not JSON \(line 1"):
        run_program()
