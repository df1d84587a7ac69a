"""How a bill is phrased; the bills themselves are those of tools/cost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from delivery import cost

PRINTS = "import json, sys\nassert sys.argv[1:5] == ['--stack', 'dev', '--format', 'json']\n"


def folder(tmp_path: Path, with_before: dict[str, Any], without: dict[str, Any]) -> Path:
    """A project whose `tools.cost` prints one bill with `--compare`, and another without."""
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools/__init__.py").touch()
    compared, alone = (json.dumps(json.dumps(each)) for each in (with_before, without))
    (tmp_path / "tools/cost.py").write_text(f"{PRINTS}print({compared} if '--compare' in sys.argv else {alone})")
    return tmp_path


@pytest.mark.parametrize(
    ("bill", "phrase"),
    [
        (
            {"total": 36.5, "before": 20.46, "difference": 16.04},
            "about 36.50 US dollars a month instead of 20.46 (+16.04)",
        ),
        (
            {"total": 20.0, "before": 36.5, "difference": -16.5},
            "about 20.00 US dollars a month instead of 36.50 (-16.50)",
        ),
        ({"total": 20.46, "before": 20.46, "difference": 0.0}, "about 20.46 US dollars a month, as before"),
        ({"total": 20.46}, "about 20.46 US dollars a month"),
    ],
)
def test_the_phrase_has_the_total_and_the_difference(tmp_path: Path, bill: dict[str, Any], phrase: str) -> None:
    assert cost.difference(folder(tmp_path, bill, {}), "dev", "config: {}") == phrase


def test_the_phrase_for_a_new_stack_has_only_the_total(tmp_path: Path) -> None:
    assert cost.difference(folder(tmp_path, {}, {"total": 20.46}), "dev", None) == "about 20.46 US dollars a month"


def test_without_a_bill_there_is_no_phrase(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cost.difference(tmp_path, "dev", None) is None
    folder(tmp_path, {}, {})
    (tmp_path / "tools/cost.py").write_text("print('no bill')")
    assert cost.difference(tmp_path, "dev", None) is None
    assert capsys.readouterr().err.splitlines()[-1] == "The cost of dev is unknown: tools.cost printed no bill."
