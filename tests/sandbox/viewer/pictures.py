"""`make pictures`: draws a dozen simulated hosts, one of them in trouble, for README and docs.

The environment that is up has only three hosts, all healthy, so this simulates others.
"""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.viewer.pictures import pictures
from tests.sandbox.viewer.scene import Trouble, hosts, scene
from tools.command import run

FOLDER = Path(__file__).resolve().parents[3] / "docs" / "pictures"
FULL = "db-09"
SHOWN = {"linux-hosts": "/d/linux-hosts", "linux-host": f"/d/linux-host?var-host={FULL}"}


def main(_: list[str]) -> int:
    logging.disable()
    with (
        tempfile.TemporaryDirectory(prefix="scene-") as folder,
        scene(Path(folder), hosts(12), Trouble(full=FULL)) as made,
    ):
        for file in pictures(made.place, FOLDER, SHOWN):
            print(f"{file.name} ({file.stat().st_size // 1024} KiB)")
    return 0


if __name__ == "__main__":
    run(main, SandboxError)
