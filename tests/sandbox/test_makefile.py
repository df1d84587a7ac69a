"""The Makefile in a checkout whose path has spaces and umlauts, and run by a user who is not root."""

from __future__ import annotations

import re
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
    for program in (".venv/bin/python", ".venv/bin/ruff", "sandbox/check.sh", "sandbox/lock.sh"):
        (folder / program).write_text(PRINTS)
        (folder / program).chmod(0o755)
    return folder


TARGETS = re.findall(r"^([a-z-]+):.*## ", (CHECKOUT / "Makefile").read_text(), re.MULTILINE)
NAMED = ("FROM=a file.json", "FILES=settings/shown.py", "SETTINGS=my settings.yaml", "REPORT=the report.md")


def typed(checkout: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "--no-print-directory", *words], cwd=checkout, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_works_in_a_path_with_spaces(checkout: Path, target: str) -> None:
    """No path or file name is split into several arguments."""
    done = typed(checkout, target, *NAMED)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    values = [checkout.name, *(words.partition("=")[2] for words in NAMED)]
    pieces = {f"<{piece}>" for value in values if " " in value for piece in value.split()}
    assert len(pieces) == 9
    assert not pieces & set(done.stdout.splitlines())


def test_backups_runs_the_module_with_the_checkout_s_python(checkout: Path) -> None:
    done = typed(checkout, "backups")
    assert done.returncode == 0, done.stderr
    program, start = checkout / ".venv/bin/python", checkout / "tools/start.py"
    command = [str(program), str(start), "tools.list_backups", "--stack", "sandbox"]
    arguments = ["tools/start.py", "sandbox", "shell", "--", *command]
    assert done.stdout.splitlines() == [f"<{each}>" for each in arguments]
    assert (CHECKOUT / "tools/list_backups.py").exists()


@pytest.mark.parametrize("target", ["up", "status", "check", "test"])
def test_a_user_other_than_root_gets_the_command_to_run(checkout: Path, target: str) -> None:
    shutil.copyfile(CHECKOUT / "sandbox/bootstrap.sh", checkout / "sandbox/bootstrap.sh")
    # Only the current user can enter pytest's folders; let others in.
    for folder in (checkout, *checkout.parents):
        if any(each.startswith("pytest-") for each in folder.parts):
            folder.chmod(0o755)
    done = subprocess.run(
        ["runuser", "-u", "nobody", "--", "make", "--no-print-directory", target],
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode != 0
    said, make = done.stderr.strip().splitlines()
    assert (
        said
        == f"The local environment needs root (it boots machines and makes a network bridge). Run: sudo make {target}"
    )
    assert re.match(r"make(\[\d+\])?: \*\*\* ", make)
