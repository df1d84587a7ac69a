"""Fifty hosts: one has a full disk, one is silent, and one's memory is full. The first screen names all three, and a
host's own page shows what is wrong."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.viewer.browser import Page, Visit, look
from tests.sandbox.viewer.scene import Scene, Trouble, hosts, scene

pytestmark = pytest.mark.live

TROUBLE = Trouble(full="db-17", hog="cache-26", silent="queue-39")
SIZE = (1440, 900)
WHILE_THEY_SENT = "from=now-1h&to=now-5m"
"""A range with data: the hosts send nothing while the pages are opened, which takes minutes on a busy machine."""


@pytest.fixture(scope="module")
def fifty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with scene(tmp_path_factory.mktemp("scene"), hosts(50), TROUBLE) as made:
        yield made


@pytest.fixture(scope="module")
def pages(fifty: Scene) -> list[Page]:
    paths = ("/d/linux-hosts", "/d/linux-hosts?var-by_role=db", f"/d/linux-host?var-host={TROUBLE.full}")
    silent = Visit(f"/d/linux-host?var-host={TROUBLE.silent}", light=True)
    visits = [*map(Visit, paths), silent, Visit(f"/d/linux-hosts?{WHILE_THEY_SENT}", [{"unfold": True}]), Visit("/")]
    visits.append(Visit(f"/d/linux-hosts?var-host={TROUBLE.silent}"))
    visits.append(Visit(f"/d/linux-hosts?var-host={TROUBLE.full}&{WHILE_THEY_SENT}", [{"unfold": True}]))
    return look(fifty.place, visits, size=SIZE)


def test_the_first_screen_names_all_three_with_the_worst_first(pages: list[Page]) -> None:
    assert pages[0].complaints == []
    table = pages[0].panel("Needs attention")
    # Visible without scrolling.
    assert table.bottom <= SIZE[1]
    order = [name for name in table.text.splitlines() if name in (TROUBLE.full, TROUBLE.hog, TROUBLE.silent)]
    assert order[0] == TROUBLE.silent
    assert set(order) == {TROUBLE.full, TROUBLE.hog, TROUBLE.silent}
    row = table.text[table.text.index(TROUBLE.full) :].splitlines()
    assert "an hour ago" in row[: row.index(TROUBLE.hog)], "it was full during the whole time range"
    for title, name in (("Fullest memory", TROUBLE.hog), ("Fullest file system", TROUBLE.full)):
        assert name in pages[0].panel(title).text


def test_choosing_a_tag_shows_only_its_hosts(pages: list[Page]) -> None:
    table = pages[1].panel("Hosts").text.splitlines()  # the rows that are visible without scrolling
    shown = {line.partition("-")[0] for line in table if line in hosts(50)}
    assert shown == {"db"}
    attention = pages[1].panel("Needs attention").text
    assert TROUBLE.full in attention
    assert TROUBLE.hog not in attention and TROUBLE.silent not in attention


def test_a_host_s_page_shows_that_host(pages: list[Page]) -> None:
    page = pages[2]
    assert page.complaints == []
    assert [panel.title for panel in page.panels if panel.state != "drawn"] == []
    assert "97" in page.panel("Fullest file system").text
    assert "No alerts" in page.panel("Alerts of this host").text


def test_a_silent_host_s_page_says_so(pages: list[Page]) -> None:
    page = pages[3]
    assert page.complaints == []
    assert "silent" in page.panel("Up for").text
    assert all("unknown" in page.panel(title).text for title in ("CPU now", "Memory now", "Fullest file system"))


def test_the_map_has_words_for_its_colours(pages: list[Page]) -> None:
    lines = pages[4].panel("Worst signal of each host").text.splitlines()
    words = {lines[index - 1]: line for index, line in enumerate(lines) if line in ("silent", "act", "look")}
    assert words == {"queue queue-39": "silent", "db db-17": "act", "cache cache-26": "act"}
    assert "web web-00" in lines and len([line for line in lines if "-" in line]) == 50


def test_only_the_host_that_was_silent_has_a_band(pages: list[Page]) -> None:
    shown = pages[4].panel("When hosts reported").text.splitlines()
    assert [line for line in shown if line in hosts(50)] == [TROUBLE.silent]
    assert {"silent", "up"} < set(shown)
    assert "No host that reported fell silent in the time shown" in pages[7].panel("When hosts reported").text


def test_the_table_of_hosts_shows_that_a_host_is_silent(pages: list[Page]) -> None:
    table = pages[6].panel("Hosts").text.splitlines()
    assert "State" in table and table[table.index(TROUBLE.silent) :].index("silent") < 3


def test_the_start_page_describes_each_dashboard(pages: list[Page]) -> None:
    page = pages[5]
    assert page.complaints == []
    assert "Every host that reports through Telegraf." in page.header and "Managed by Pulumi" not in page.header
