"""Opens the viewer's pages in a real Chromium, and reports what they show."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.errors import SandboxError
from sandbox.place import Place
from sandbox.viewer import bundle

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


@dataclass(frozen=True)
class Visit:
    """A page to open, and what to do on it.

    path: relative to the viewer's address. steps: `{"choose": [variable, option]}`, `{"time": quick range}` or
    `{"unfold": True}`, which opens all collapsed rows.
    picture: the file for a picture, *.png or *.svg. full: a picture of the whole page instead of the first screen.
    light: with the browser's preference for light colours.
    """

    path: str
    steps: Sequence[dict[str, Any]] = ()
    picture: Path | None = None
    full: bool = False
    light: bool = False


@dataclass(frozen=True)
class Panel:
    """A panel as drawn. height, bottom: in pixels, the latter from the top of the screen.

    state: `drawn`, `empty`, `error` or `loading`. drawn: the number of shapes and cells in it.
    """

    title: str
    type: str
    state: str
    text: str
    height: float
    bottom: float
    drawn: int


@dataclass(frozen=True)
class Page:
    """What a page showed. complaints: errors on the console, exceptions, failed requests."""

    url: str
    header: str
    panels: list[Panel]
    links: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def panel(self, title: str) -> Panel:
        """The first panel with this title."""
        return next(panel for panel in self.panels if panel.title == title)


NETWORK_CHANGED = "net::ERR_NETWORK_CHANGED"
"""Chromium aborts loading when a network interface of this machine appears or disappears, such as a machine's cable."""
ATTEMPTS = 3


def look(place: Place, visits: Sequence[Visit], size: tuple[int, int] = (1400, 900), base: str = "") -> list[Page]:
    """Open each page in turn; those during which this machine's network changes are opened again.

    base: the address to open instead of the viewer's. Raises SandboxError if there is no browser or it fails.
    """
    pages = _open(place, visits, size, base)
    for _ in range(ATTEMPTS - 1):
        again = [number for number, page in enumerate(pages) if NETWORK_CHANGED in "\n".join(page.complaints)]
        if not again:
            break
        for number, page in zip(again, _open(place, [visits[each] for each in again], size, base), strict=True):
            pages[number] = page
    return pages


def _open(place: Place, visits: Sequence[Visit], size: tuple[int, int], base: str) -> list[Page]:
    chromium = next((found for name in CHROMIUM if (found := shutil.which(name))), None)
    if chromium is None:
        raise SandboxError("Chromium is not installed. Run: apt-get install chromium")
    bundle.ensure()
    wanted = {
        "chromium": chromium,
        "base": base or place.viewer_url,
        "width": size[0],
        "height": size[1],
        "visits": [
            {
                "path": visit.path,
                "do": list(visit.steps),
                "picture": str(visit.picture) if visit.picture else None,
                "full": visit.full,
                "light": visit.light,
            }
            for visit in visits
        ],
    }
    process = subprocess.run(
        ["node", str(bundle.app_folder() / "browser.mjs")],
        input=json.dumps(wanted),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    if process.returncode != 0:
        raise SandboxError(f"The browser failed: {process.stderr.strip()[-1000:]}")
    return [
        Page(
            url=seen["url"],
            header=seen["header"],
            panels=[Panel(**panel) for panel in seen["panels"]],
            links=seen["links"],
            complaints=seen["complaints"],
        )
        for seen in json.loads(process.stdout)
    ]
