"""The TypeScript compiler accepts the viewer's page and the dashboards' JSON."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dashboards.registry import LINUX_HOSTS
from sandbox.viewer import bundle
from sandbox.viewer.queries import panels
from tests.dashboards.importing.conftest import GOOD, imported, sample
from tests.support.every_dashboard import EVERY, Sample, by_uid

pytestmark = pytest.mark.slow

TYPED = ("timeseries", "stat", "gauge", "table", "state-timeline", "row")
"""The panel types that wire.ts has."""

SETTINGS = {"extends": "./tsconfig.json", "include": ["*.ts"]}


@pytest.fixture(scope="module")
def app() -> Path:
    """The app's folder in the cache, with its npm packages in the folder above."""
    bundle.ensure()
    return bundle.app_folder()


@pytest.fixture
def scratch(app: Path) -> Iterator[Path]:
    """A folder in which the compiler finds Grafana's published types."""
    with tempfile.TemporaryDirectory(dir=bundle.packages_folder()) as name:
        folder = Path(name)
        shutil.copy(app / "tsconfig.json", folder)
        shutil.copy(app / "schema" / "wire.ts", folder)
        (folder / "tsconfig.check.json").write_text(json.dumps(SETTINGS))
        yield folder


def compiled(folder: Path, project: str = "tsconfig.json") -> str:
    """The compiler's errors."""
    compiler = bundle.packages_folder() / "node_modules" / ".bin" / "tsc"
    process = subprocess.run(
        [compiler, "-p", project], cwd=folder, capture_output=True, text=True, check=False, timeout=300
    )
    return process.stdout + process.stderr


def checked(folder: Path, dashboard: str) -> str:
    (folder / "dashboard.ts").write_text(
        f"import type {{ Dashboard }} from './wire';\nexport const dashboard = {dashboard} satisfies Dashboard;\n"
    )
    return compiled(folder, "tsconfig.check.json")


def opened(dashboard: dict[str, Any]) -> dict[str, Any]:
    """A dashboard without collapsed rows: the published type of a row does not include its panels' types."""
    rows = [{**panel, "panels": []} for panel in dashboard["panels"] if panel["type"] == "row"]
    return {**dashboard, "panels": [*rows, *panels(dashboard)]}


def without_queries(dashboard: dict[str, Any]) -> dict[str, Any]:
    """The dashboard without annotations that query InfluxDB, which Grafana supports but the published types lack."""
    listed = dashboard.get("annotations", {}).get("list", [])
    return {**dashboard, "annotations": {"list": [each for each in listed if "query" not in each]}}


def test_the_page_has_no_type_errors(app: Path) -> None:
    assert compiled(app) == ""


@pytest.mark.parametrize("sample", EVERY, ids=by_uid)
def test_a_dashboard_conforms_to_grafana_s_schema(scratch: Path, sample: Sample) -> None:
    assert checked(scratch, json.dumps(without_queries(opened(json.loads(sample.build()))), indent=1)) == ""


@pytest.mark.parametrize("name", GOOD)
def test_an_imported_dashboard_conforms_to_grafana_s_schema(scratch: Path, name: str) -> None:
    dashboard = opened(imported(sample(name)).dashboard)
    dashboard["panels"] = [panel for panel in dashboard["panels"] if panel["type"] in TYPED]
    dashboard = without_queries(dashboard)
    # Grafana still supports an interval's `auto`, but the published types lack it.
    for variable in dashboard["templating"]["list"]:
        variable.pop("auto", None)
    assert checked(scratch, json.dumps(dashboard, indent=1)) == ""


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('"mode": "dashed"', '"mode": "dotted"'),
        ('"graphTooltip": 1', '"graphTooltip": 7'),
        ('"showPoints": "auto"', '"showPionts": "auto"'),
        ('"displayMode": "table"', '"displayMode": "tabel"'),
    ],
)
def test_a_mistake_is_found(scratch: Path, right: str, wrong: str) -> None:
    """The check can fail."""
    dashboard = json.dumps(opened(json.loads(LINUX_HOSTS.build())), indent=1)
    assert right in dashboard
    assert checked(scratch, dashboard.replace(right, wrong)) != ""
