"""The Makefile in a checkout whose path has blanks and umlauts."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
PRINTS = '#!/bin/sh\nfor each in "$@"; do echo "<$each>"; done\n'


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with the Makefile, a Python that prints its arguments, and nothing to install."""
    folder = tmp_path / "Überwachung und mehr"
    (folder / ".venv/bin").mkdir(parents=True)
    (folder / "sandbox").mkdir()
    shutil.copyfile(CHECKOUT / "Makefile", folder / "Makefile")
    (folder / "sandbox/bootstrap.sh").touch()
    python = folder / ".venv/bin/python"
    python.write_text(PRINTS)
    python.chmod(0o755)
    return folder


def test_backups_are_listed_by_one_program_with_one_script(checkout: Path) -> None:
    done = subprocess.run(
        ["make", "--no-print-directory", "backups"],
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    program, script = checkout / ".venv/bin/python", checkout / "tools/list_backups.py"
    arguments = ["-m", "sandbox", "shell", "--", str(program), str(script), "--stack", "sandbox"]
    assert done.stdout.splitlines() == [f"<{each}>" for each in arguments]
    assert (CHECKOUT / "tools/list_backups.py").exists()
