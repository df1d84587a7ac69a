"""`make test` fails when one of its parts does, and ends with what pytest said last of each."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
RUN = "import sys; from pathlib import Path; from sandbox import suite; sys.exit(suite.run(Path(sys.argv[1]), []))"

pytestmark = pytest.mark.slow


def run(project: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", RUN, str(project)],
        cwd=CHECKOUT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize(("live", "other"), [("pass", "pass"), ("assert False", "pass"), ("pass", "assert False")])
def test_both_parts_count_and_both_are_summed_up(tmp_path: Path, live: str, other: str) -> None:
    (tmp_path / "tests" / "live").mkdir(parents=True)
    (tmp_path / "tests" / "live" / "test_up.py").write_text(f"def test_live():\n    {live}\n")
    (tmp_path / "tests" / "test_other.py").write_text(f"def test_other():\n    {other}\n")
    done = run(tmp_path)
    failed = {"pass": "1 passed", "assert False": "1 failed"}
    assert (done.returncode == 0) == (live == other == "pass"), done.stdout
    *_, others_line, live_line = [line for line in done.stdout.splitlines() if "Tests " in line]
    assert done.stdout.rstrip().endswith(live_line)
    assert failed[other] in others_line
    assert failed[live] in live_line
    # The reasons, too: where it happened, and once more at the end.
    assert done.stdout.count("FAILED") == [live, other].count("assert False") * 2


def test_reasons_come_last_and_each_once(tmp_path: Path) -> None:
    """CI shows the end of a log: one broken fixture must not push out what else failed."""
    (tmp_path / "tests" / "live").mkdir(parents=True)
    (tmp_path / "tests" / "live" / "conftest.py").write_text(
        "import pytest\n@pytest.fixture(scope='session')\ndef raised():\n    assert False, 'no room\\nand more'\n"
    )
    broken = "".join(f"def test_{number}(raised):\n    pass\n" for number in range(40))
    (tmp_path / "tests" / "live" / "test_up.py").write_text(broken)
    (tmp_path / "tests" / "test_other.py").write_text("def test_other():\n    assert 1 == 2\n")
    done = run(tmp_path)
    end = done.stdout.splitlines()[-6:]
    assert [line.split(" - ")[0] for line in end if " - " in line] == [
        "40 x ERROR tests/live/test_up.py::test_0",
        "1 x FAILED tests/test_other.py::test_other",
    ]
    assert "no room" in done.stdout.splitlines()[-5]
