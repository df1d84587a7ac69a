"""Columns of the tables that name hosts, and what stands before a host's name."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dashboards.registry import LINUX_HOSTS
from sandbox.viewer.queries import panels

INSIDE = 968
"""Pixels within a panel as wide as a screen of 1024."""


def overrides(title: str) -> dict[str, dict[str, Any]]:
    """Column -> option -> value."""
    (panel,) = [each for each in panels(json.loads(LINUX_HOSTS.build(tags=["role"]))) if each["title"] == title]
    return {
        each["matcher"]["options"]: {option["id"]: option["value"] for option in each["properties"]}
        for each in panel["fieldConfig"]["overrides"]
    }


@pytest.mark.parametrize("title", ["Needs attention", "Hosts"])
def test_every_column_fits_a_small_screen(title: str) -> None:
    """Grafana gives a column that says neither 150 pixels, and cuts off what is beyond the panel's edge."""
    widths = [each.get("custom.width") or each["custom.minWidth"] for each in overrides(title).values()]
    assert len(widths) >= 8 and sum(widths) <= INSIDE


def test_nothing_stands_before_the_name_of_a_host_without_the_tag() -> None:
    (mapping,) = overrides("Worst signal of each host")["role"]["mappings"]
    assert (mapping["options"]["match"], mapping["options"]["result"]["text"]) == ("null+nan", "")
