"""`make test` fails when one of its parts does, and ends with what pytest said last of each."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
RUN = "import sys; from pathlib import Path; from sandbox import suite; sys.exit(suite.run(Path(sys.argv[1]), []))"

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("live", "other"), [("pass", "pass"), ("assert False", "pass"), ("pass", "assert False")])
def test_both_parts_count_and_both_are_summed_up(tmp_path: Path, live: str, other: str) -> None:
    (tmp_path / "tests" / "live").mkdir(parents=True)
    (tmp_path / "tests" / "live" / "test_up.py").write_text(f"def test_live():\n    {live}\n")
    (tmp_path / "tests" / "test_other.py").write_text(f"def test_other():\n    {other}\n")
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(tmp_path)],
        cwd=CHECKOUT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    failed = {"pass": "1 passed", "assert False": "1 failed"}
    assert (done.returncode == 0) == (live == other == "pass"), done.stdout
    *_, others_line, live_line = [line for line in done.stdout.splitlines() if "Tests " in line]
    assert done.stdout.rstrip().endswith(live_line)
    assert failed[other] in others_line
    assert failed[live] in live_line
    # The reasons, too.
    assert done.stdout.count("FAILED") == [live, other].count("assert False")
