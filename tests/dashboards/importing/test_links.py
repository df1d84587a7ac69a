"""Links to this dashboard, to dashboards that exist here, and to those that do not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dashboards.importing.conversion import convert
from tests.dashboards.importing.conftest import imported, panel, with_panel

OTHER = "kept links to missing dashboards (import those, too, with their uid as NAME=): "


def reported(dashboard: dict[str, Any]) -> list[str]:
    """The lines about links in the report of an import."""
    return [line for line in imported(dashboard).report.sentences() if "link" in line]


FIELD = {"title": "Host", "url": "/d/xyz/host?var-host=${__value.text}"}


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ({"links": [{"title": "More", "url": "/d/abc123/other"}]}, "“More → /d/abc123”"),
        ({"links": [{"title": "More", "url": "dashboard/db/other?x=1"}]}, "“More → dashboard/db/other”"),
        ({"links": [{"title": "More", "url": "http://localhost:3000/d/abc"}]}, "“More → http://localhost:3000/d/abc”"),
        ({"fieldConfig": {"defaults": {"links": [FIELD]}, "overrides": []}}, "“Host → /d/xyz”"),
        (
            {"fieldConfig": {"defaults": {}, "overrides": [{"properties": [{"id": "links", "value": [FIELD]}]}]}},
            "“Host → /d/xyz”",
        ),
        ({"options": {"dataLinks": [FIELD]}}, "“Host → /d/xyz”"),
        (
            {"type": "table-old", "styles": [{"pattern": "a", "link": True, "linkUrl": "d/xyz", "linkTooltip": "Go"}]},
            "“Go → d/xyz”",
        ),
        ({"type": "text", "options": {"content": "See [it](/d/xyz/a)", "mode": "markdown"}}, "“/d/xyz/a → /d/xyz”"),
    ],
)
def test_a_link_to_a_missing_dashboard_is_reported(where: dict[str, Any], words: str) -> None:
    assert reported(with_panel(**where)) == [OTHER + words]


def test_a_dashboard_s_own_link_to_a_missing_dashboard_is_reported() -> None:
    home = {"type": "link", "title": "Home", "url": "/d/home9/home"}
    assert reported(with_panel() | {"links": [home]}) == [OTHER + "“Home → /d/home9”"]


def test_links_by_tag_are_reported_unless_the_dashboard_has_the_tag_itself() -> None:
    links = [{"type": "dashboards", "title": "All", "tags": ["prod"]}]
    (line,) = reported(with_panel() | {"links": links})
    assert "with a tag that this one does not have: “All: prod”" in line
    assert reported(with_panel() | {"links": links, "tags": ["prod"]}) == []
    assert reported(with_panel() | {"links": [{"type": "dashboards", "title": "Every", "tags": []}]}) == []


def test_a_link_that_has_only_a_title_is_left_out() -> None:
    found = imported(with_panel(links=[{"type": "dashboard", "dashboard": "Elsewhere"}]))
    assert panel(found, "One")["links"] == []
    assert any("had only their title: “Elsewhere”" in line for line in found.report.sentences())


def test_a_link_to_the_dashboard_itself_gets_the_new_uid() -> None:
    dashboard = with_panel(links=[{"title": "Whole", "url": "/d/old77/small?var-a=1"}]) | {"uid": "old77"}
    found = imported(dashboard)
    assert panel(found, "One")["links"][0]["url"] == "/d/small/small?var-a=1"
    assert not any("link" in line for line in found.report.sentences())


@pytest.mark.parametrize("url", ["/d/linux-hosts/x", "/d/mine", "/d/${board}/x", "https://example.org/help", "#top"])
def test_links_to_something_that_exists_are_not_reported(url: str) -> None:
    text = json.dumps(with_panel(links=[{"title": "More", "url": url}]))
    found = convert(text, "file.json", there=("mine",))
    assert panel(found, "One")["links"][0]["url"] == url
    assert not any("link" in line for line in found.report.sentences())


def test_a_link_to_another_grafana_is_reported() -> None:
    url = "https://grafana.example.org/d/abc/x"
    assert reported(with_panel(links=[{"title": "Theirs", "url": url}])) == [
        "kept links to dashboards of another Grafana: “Theirs”"
    ]


def test_old_links_keep_the_time_and_the_variables() -> None:
    link = {"title": "Help", "url": "https://example.org", "keepTime": True, "includeVars": True, "params": "a=1"}
    url = panel(imported(with_panel(links=[link])), "One")["links"][0]["url"]
    assert url == "https://example.org?${__url_time_range}&${__all_variables}&a=1"
