"""An imported dashboard: the command writes it, the program manages it, its queries are answered, and it is drawn."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from dashboards import from_files
from sandbox.viewer.browser import Page, Visit, look
from sandbox.viewer.queries import TimeRange, panel_queries
from tests.live.environment import CHECKOUT, Environment
from tests.live.panels import ask
from tests.workflows.repository import copied

pytestmark = [pytest.mark.live, pytest.mark.changes]

NAME = "imported-by-a-test"
SAMPLE = Path(__file__).parents[1] / "dashboards" / "importing" / "samples" / "telegraf-rows.json"
VALUES: dict[str, str | list[str]] = {"server": "monitoring-sandbox", "inter": "10s"}
EMPTY = {"Connections"}
"""The import warned about this panel: no agent measures netstat."""


def command(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command behind `make import-dashboard`."""
    return subprocess.run(
        [sys.executable, "-m", "dashboards.importing", *arguments],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample as a person corrects it after the import has warned about a retention policy."""
    file = tmp_path_factory.mktemp("download") / "dashboard.json"
    text = SAMPLE.read_text()
    assert text.count('\\"default\\".\\"netstat') == 1
    file.write_text(text.replace('\\"default\\".\\"netstat', '\\"autogen\\".\\"netstat'))
    return file


@pytest.fixture(scope="module")
def project(environment: Environment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of the program, which the environment's stack uses during these tests. Other pytest processes use the
    checkout's."""
    folder = tmp_path_factory.mktemp("program")
    copied(folder)
    (folder / ".venv").symlink_to(CHECKOUT / ".venv")
    before = environment.project_file.read_text()
    environment.project_file.write_text(yaml.safe_dump({**yaml.safe_load(before), "main": str(folder)}))
    yield folder
    environment.project_file.write_text(before)


@pytest.fixture(scope="module")
def folder(project: Path) -> Path:
    """Where the program looks for imported dashboards."""
    return project / from_files.FOLDER.relative_to(CHECKOUT)


@pytest.fixture(scope="module")
def imported(environment: Environment, project: Path, source: Path) -> Iterator[Environment]:
    """The environment with the sample imported."""
    reported = command(project, "--name", NAME, "--force", str(source))
    assert reported.returncode == 0, reported.stderr
    assert "converted a panel graph to timeseries" in reported.stdout
    environment.settle()
    yield environment

    def gone() -> None:
        environment.forget()
        assert environment.grafana.get(f"/api/dashboards/uid/{NAME}").status_code == 404

    environment.afterwards(gone)


@pytest.fixture(scope="module")
def page(imported: Environment) -> Page:
    """The dashboard as the viewer draws it."""
    (seen,) = look(
        imported.place, [Visit(f"/d/{NAME}?from=now-15m&to=now&var-server=monitoring-sandbox&var-inter=10s")]
    )
    return seen


def test_grafana_has_it_in_the_folder(imported: Environment) -> None:
    stored = imported.grafana.get(f"/api/dashboards/uid/{NAME}").json()
    assert stored["meta"]["folderUid"] == "monitoring"
    assert stored["dashboard"]["title"] == "Telegraf: hosts by rows"
    assert imported.outputs["dashboardUrls"]["Telegraf: hosts by rows"].endswith(f"/d/{NAME}")


def test_its_queries_are_answered(imported: Environment) -> None:
    stored = imported.grafana.get(f"/api/dashboards/uid/{NAME}").json()["dashboard"]
    stored["panels"] = [panel for panel in stored["panels"] if panel["type"] != "text"]  # has no query
    answered = {}
    for query in panel_queries(stored, VALUES, TimeRange.last(900)):
        frames = ask(imported, query)[query.model["refId"]]["frames"]
        answered[query.title] = any(
            value is not None for frame in frames for column in frame["data"]["values"][1:] for value in column
        )
    assert answered == {title: title not in EMPTY for title in answered}
    assert {"CPU in use", "Memory", "CPU", "File systems", "Load"} <= answered.keys()


def test_its_converted_panels_are_drawn(page: Page) -> None:
    assert page.complaints == []
    drawn = {panel.title: (panel.type, panel.state) for panel in page.panels if panel.title not in EMPTY}
    assert (
        drawn.items()
        >= {
            "CPU in use": ("stat", "drawn"),
            "Memory": ("gauge", "drawn"),
            "CPU": ("timeseries", "drawn"),
            "File systems": ("table", "drawn"),
        }.items()
    )
    assert "%" in page.panel("CPU in use").text
    assert "for monitoring-sandbox" in page.panel("").text  # the text, its variable filled in
    assert "In use" in page.panel("File systems").text
    assert page.panel("CPU").drawn > 0


def test_the_same_import_again_changes_nothing(project: Path, source: Path) -> None:
    assert command(project, "--name", NAME, str(source)).stdout.startswith(
        f"dashboards/imported/{NAME}.json is unchanged"
    )


def test_a_broken_file_is_reported_before_anything_changes(imported: Environment, folder: Path) -> None:
    broken = folder / "broken-by-a-test.json"
    broken.write_text(json.dumps({"uid": "broken-by-a-test", "title": "x", "panels": [{"type": "graph"}]}))
    try:
        up = imported.pulumi("up", "--yes", "--skip-preview")
    finally:
        broken.unlink()
    text = up.stdout + up.stderr
    assert up.returncode != 0
    assert "dashboards/imported/broken-by-a-test.json: has a panel of type graph" in text
    assert "Traceback" not in text
    assert imported.preview() == {}
