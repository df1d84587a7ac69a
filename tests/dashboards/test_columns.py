"""The columns of the tables of hosts fit a small screen, and a host without a tag shows nothing for it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dashboards.registry import LINUX_HOSTS
from sandbox.viewer.queries import panels

INSIDE = 968
"""The width in pixels inside a panel as wide as a screen of 1024 pixels."""


def overrides(title: str) -> dict[str, dict[str, Any]]:
    """The overrides of a panel: column -> option -> value."""
    (panel,) = [each for each in panels(json.loads(LINUX_HOSTS.build(tags=["role"]))) if each["title"] == title]
    return {
        each["matcher"]["options"]: {option["id"]: option["value"] for option in each["properties"]}
        for each in panel["fieldConfig"]["overrides"]
    }


@pytest.mark.parametrize("title", ["Needs attention", "Hosts"])
def test_every_column_fits_a_small_screen(title: str) -> None:
    """Grafana cuts off what is beyond the panel's edge. A column with neither option would be 150 pixels wide."""
    widths = [each.get("custom.width") or each["custom.minWidth"] for each in overrides(title).values()]
    assert len(widths) >= 8 and sum(widths) <= INSIDE


def test_a_host_without_the_tag_shows_no_text_for_it() -> None:
    (mapping,) = overrides("Worst signal of each host")["role"]["mappings"]
    assert (mapping["options"]["match"], mapping["options"]["result"]["text"]) == ("null+nan", "")
