"""Updates the cost in the comment that docs/pictures/pull-request.svg shows. The comment was recorded from a real
preview.

python -m tests.delivery.picture      # `make pictures` runs this, and then draws the picture
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import yaml

from delivery import cost
from tools.command import run

CHECKOUT = Path(__file__).parent.parent.parent
COMMENT = CHECKOUT / "docs/pictures/pull-request.md"
SETTINGS = "Pulumi.dev.yaml"
CHANGE = {"instanceType": "t3.small", "retention": "14d", "passwordGeneration": 2}
"""The pull request: tests/workflows/test_pull_request.py previews the same one."""

COST = re.compile(r"about [0-9.]+ US dollars a month instead of [0-9.]+ \([+-][0-9.]+\)")


def phrase() -> str:
    """The phrase in the comment that says what the change costs."""
    before = (CHECKOUT / SETTINGS).read_text(encoding="utf-8")
    after = yaml.safe_load(before)
    after["config"] |= {f"monitoring:{name}": value for name, value in CHANGE.items()}
    with tempfile.TemporaryDirectory() as name:
        branch = Path(name)
        for each in CHECKOUT.iterdir():
            if each.name != SETTINGS:
                (branch / each.name).symlink_to(each)
        (branch / SETTINGS).write_text(yaml.safe_dump(after), encoding="utf-8")
        found = cost.difference(branch, "dev", before)
    assert found and COST.fullmatch(found), found
    return found


def main(_: list[str]) -> int:
    text, replaced = COST.subn(phrase(), COMMENT.read_text(encoding="utf-8"))
    assert replaced == 1, f"{COMMENT} has {replaced} costs"
    COMMENT.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    run(main)
