"""Fifty hosts, one with a full disk, one that is silent, one whose memory is full: all three are named on the first
screen, and a host's own page shows what it is about."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.viewer.browser import Page, Visit, look
from tests.sandbox.viewer.scene import Scene, Trouble, hosts, scene

pytestmark = pytest.mark.live

TROUBLE = Trouble(full="db-17", hog="cache-26", silent="queue-39")
SIZE = (1440, 900)


@pytest.fixture(scope="module")
def fifty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with scene(tmp_path_factory.mktemp("scene"), hosts(50), TROUBLE) as made:
        yield made


@pytest.fixture(scope="module")
def pages(fifty: Scene) -> list[Page]:
    paths = ("/d/linux-hosts", "/d/linux-hosts?var-by_role=db", f"/d/linux-host?var-host={TROUBLE.full}")
    return look(fifty.place, [Visit(path) for path in paths], size=SIZE)


def test_all_three_are_named_on_the_first_screen_the_worst_first(pages: list[Page]) -> None:
    assert pages[0].complaints == []
    table = pages[0].panel("Needs attention")
    # Without scrolling, and the line after its own titles.
    assert table.bottom <= SIZE[1]
    order = [name for name in table.text.splitlines() if name in (TROUBLE.full, TROUBLE.hog, TROUBLE.silent)]
    assert order[0] == TROUBLE.silent
    assert set(order) == {TROUBLE.full, TROUBLE.hog, TROUBLE.silent}
    for title, name in (("Fullest memory", TROUBLE.hog), ("Fullest file system", TROUBLE.full)):
        assert name in pages[0].panel(title).text


def test_a_tag_leaves_the_hosts_that_have_it(pages: list[Page]) -> None:
    table = pages[1].panel("Hosts").text.splitlines()  # the rows that are seen without scrolling
    shown = {line.partition("-")[0] for line in table if line in hosts(50)}
    assert shown == {"db"}
    attention = pages[1].panel("Needs attention").text
    assert TROUBLE.full in attention
    assert TROUBLE.hog not in attention and TROUBLE.silent not in attention


def test_a_host_s_page_is_its_own(pages: list[Page]) -> None:
    page = pages[2]
    assert page.complaints == []
    assert [panel.title for panel in page.panels if panel.state != "drawn"] == []
    assert "97" in page.panel("Fullest file system now").text
    assert "No alerts" in page.panel("Alerts of this host").text
