"""Draws the pictures of dashboards in docs/."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.place import Place
from sandbox.viewer.browser import Visit, look

LARGEST_PICTURE = 300_000
"""Bytes: pictures live in the repository."""
PICTURES = {
    "aws-ec2": "/d/aws-ec2?from=now-30m&to=now&var-period=60",
    "monitoring-server": "/d/monitoring-server?from=now-30m&to=now",
}
"""Name of the picture → the viewer's page. (Pictures of simulated hosts: tests/sandbox/viewer/pictures.py.)"""


def pictures(
    place: Place, folder: Path, shown: Mapping[str, str] = PICTURES, size: tuple[int, int] = (1200, 1010)
) -> list[Path]:
    """Draw the first screen of each page as SVG: text and shapes, no pixels, no script, no external resources.

    shown: name of the picture → page. size: the screen's, in pixels. Returns the files.
    Raises SandboxError if a picture is too large or shows an error.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wanted = {folder / f"{name}.svg": path for name, path in shown.items()}
    pages = look(place, [Visit(path, picture=file) for file, path in wanted.items()], size=size)
    for page, file in zip(pages, wanted, strict=True):
        if page.complaints or any(panel.state == "error" for panel in page.panels):
            raise SandboxError(f"{page.url} has errors: {page.complaints[:3]}")
        if file.stat().st_size > LARGEST_PICTURE:
            raise SandboxError(f"{file.name} has {file.stat().st_size} bytes, more than {LARGEST_PICTURE}.")
    return list(wanted)
