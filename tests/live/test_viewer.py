"""Every dashboard in a real browser: what people see, and whether the controls work."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import requests

from dashboards.host_processes import NOT_MEASURED
from dashboards.registry import ENTRIES
from sandbox.viewer.browser import Page, Panel, Visit, look
from sandbox.viewer.pictures import LARGEST_PICTURE
from tests.live.environment import Environment

pytestmark = pytest.mark.live

PATIENCE_SECONDS = 600
"""CloudWatch has its first points a minute after a machine's start, and a rate needs two. On a busy machine, looking at
all dashboards takes a minute or more."""

PATHS = {
    "linux-hosts": "/d/linux-hosts?from=now-15m&to=now",
    "linux-host": "/d/linux-host?var-host=monitoring-sandbox&from=now-15m&to=now",
    "aws-ec2": "/d/aws-ec2?from=now-15m&to=now&var-period=60",
    "monitoring-server": "/d/monitoring-server?from=now-15m&to=now",
}
NONE_SILENT = "No host that reported fell silent in the time shown"
NOTHING = ("No data", "unknown", NOT_MEASURED)


def unwell(panel: Panel) -> bool:
    """Whether a panel does not show what it should."""
    if panel.title.startswith("Last week: "):  # the host did not exist yet
        return panel.state not in ("drawn", "empty")
    if panel.text.endswith(NONE_SILENT):
        return panel.state != "empty"
    return panel.state != "drawn" or any(word in panel.text.splitlines() for word in NOTHING)


@pytest.fixture(scope="module")
def pages(environment: Environment) -> dict[str, Page]:
    """Each dashboard once its first data has arrived."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    seen: dict[str, Page] = {}
    left = list(PATHS)
    while True:
        opened = look(environment.place, [Visit(PATHS[uid], [{"unfold": True}]) for uid in left])
        seen |= dict(zip(left, opened, strict=True))
        left = [uid for uid in left if any(unwell(panel) for panel in seen[uid].panels)]
        if not left or time.monotonic() > deadline:
            return seen
        time.sleep(15)


def test_all_dashboards_are_tested() -> None:
    assert set(PATHS) == {entry.uid for entry in ENTRIES}


@pytest.mark.parametrize("uid", PATHS)
def test_every_panel_shows_something(pages: dict[str, Page], uid: str) -> None:
    panels = pages[uid].panels
    assert len(panels) >= 12
    assert [(panel.title, panel.state, panel.text[:200]) for panel in panels if unwell(panel)] == []
    flat = [panel.title for panel in panels if panel.height < 100]
    assert flat == [], "panels collapse without their style sheets"
    plots = [panel for panel in panels if panel.type in ("timeseries", "table", "state-timeline")]
    # Tables of hosts with a problem say so when there are none.
    said = ("No host needs attention", NONE_SILENT)
    empty = [panel.title for panel in plots if panel.drawn == 0 and not any(words in panel.text for words in said)]
    assert [title for title in empty if not title.startswith("Last week: ")] == []


@pytest.mark.parametrize("uid", PATHS)
def test_the_browser_has_no_complaints(pages: dict[str, Page], uid: str) -> None:
    assert pages[uid].complaints == []


@pytest.mark.parametrize("uid", PATHS)
def test_the_viewer_says_that_it_is_not_grafana(pages: dict[str, Page], uid: str) -> None:
    assert "This is the local viewer, not Grafana" in pages[uid].header


def test_the_table_of_hosts_has_its_columns_and_the_server(pages: dict[str, Page]) -> None:
    table = pages["linux-hosts"].panel("Hosts").text
    for word in ("Host", "State", "CPU", "Memory", "Last seen", "up", "monitoring-sandbox"):
        assert word in table.splitlines(), table


def test_variables_are_filled_into_titles(pages: dict[str, Page]) -> None:
    titles = [panel.title for panel in pages["aws-ec2"].panels]
    assert "Network traffic each 1 minute" in titles
    assert "CPUUtilization" in titles


def test_links_carry_the_host_and_the_time_range(pages: dict[str, Page]) -> None:
    links = pages["linux-hosts"].links
    assert any(
        link.startswith("/d/linux-host?var-host=monitoring-sandbox&var-interval=30s&from=now-15m&to=now")
        for link in links
    ), links
    chosen = "var-host=$__all&var-interval=30s&from=now-15m&to=now"
    assert [link for link in links if link.startswith("/d/aws-ec2?") and link.endswith(chosen)], links


def test_host_and_time_range_can_be_changed(environment: Environment) -> None:
    steps: list[dict[str, Any]] = [{"choose": ["host", "monitoring-sandbox"]}, {"time": "Last 5 minutes"}]
    (page,) = look(environment.place, [Visit("/d/linux-hosts", steps)])
    assert page.complaints == []
    assert "var-host=monitoring-sandbox" in page.url
    assert "from=now-5m" in page.url
    assert page.panels
    assert [panel.title for panel in page.panels if unwell(panel)] == []


def test_a_picture_consists_of_text_and_shapes_and_refers_to_nothing_else(
    environment: Environment, tmp_path: Path
) -> None:
    file = tmp_path / "linux-hosts.svg"
    (page,) = look(environment.place, [Visit(PATHS["linux-hosts"], [{"unfold": True}], file)], size=(1200, 2800))
    assert page.complaints == []
    text = file.read_text()
    assert len(text) < LARGEST_PICTURE
    drawing = ElementTree.fromstring(text)  # noqa: S314 - our own
    names = {element.tag.rpartition("}")[2] for element in drawing.iter()}
    assert not names & {"image", "foreignObject", "script", "style", "a", "use"}
    references = [value for element in drawing.iter() for value in element.attrib.values() if "url(" in value]
    assert references and all(value.startswith("url(") and value[4:].lstrip('"')[0] == "#" for value in references)
    words = "\n".join(element.text for element in drawing.iter() if element.text)
    shown = ("Silent", "Needs attention", "monitoring-sandbox", "When hosts reported", "CPU use", "100%")
    assert [word for word in shown if word not in words] == []
    # uPlot draws a chart's lines on a canvas, within the area that it clips.
    clipped = [group for group in drawing.iter() if "clip-path" in group.attrib]
    assert any(path.attrib.get("stroke") for group in clipped for path in group.iter() if path.tag.endswith("}path"))


def test_the_address_of_the_viewer_is_printed(environment: Environment) -> None:
    assert environment.place.viewer_url in environment.printed


def test_the_viewer_forwards_only_requests_that_read(environment: Environment) -> None:
    base = environment.place.viewer_url
    assert requests.get(f"{base}/api/search", timeout=20).status_code == 200
    for path in ("/api/users", "/api/datasources", "/api/datasources/uid/influxdb", "/api/dashboards/uid/../../users"):
        assert requests.get(base + path, timeout=20).status_code in (403, 404), path
    assert requests.post(f"{base}/api/dashboards/db", json={}, timeout=20).status_code == 403
    assert requests.delete(f"{base}/api/dashboards/uid/linux-hosts", timeout=20).status_code == 501
