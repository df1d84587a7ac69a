"""Hand-written dashboards in the style of community ones, and helpers that import them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dashboards.importing.conversion import Imported, convert
from dashboards.importing.report import ImportingError

SAMPLES = Path(__file__).parent / "samples"
GOOD = ("telegraf-rows", "cloudwatch-grid", "of-2015")


def sample(name: str) -> Any:
    """A sample's JSON."""
    return json.loads((SAMPLES / f"{name}.json").read_text())


def imported(found: Any, name: str = "") -> Imported:
    """The result of importing a dashboard."""
    return convert(json.dumps(found), "file.json", name)


def refusal(found: Any) -> str:
    """The single line that says why a dashboard is not imported."""
    with pytest.raises(ImportingError) as caught:
        convert(found if isinstance(found, str) else json.dumps(found), "file.json")
    text = str(caught.value)
    assert "\n" not in text
    return text


def panel(of: Imported, title: str) -> dict[str, Any]:
    """A panel by its title."""
    inner = [one for row in of.dashboard["panels"] for one in row.get("panels") or []]
    (found,) = [one for one in [*of.dashboard["panels"], *inner] if one.get("title") == title]
    return dict(found)


def with_panel(**content: Any) -> dict[str, Any]:
    """A dashboard with one panel that queries InfluxDB. content: changes to the panel."""
    query = {"query": "SELECT mean(usage_idle) FROM cpu WHERE $timeFilter", "rawQuery": True, "refId": "A"}
    usual = {
        "id": 1,
        "title": "One",
        "type": "timeseries",
        "targets": [query],
        "gridPos": {"x": 0, "y": 0, "w": 8, "h": 8},
    }
    return {"title": "Small", "schemaVersion": 30, "panels": [usual | content]}
