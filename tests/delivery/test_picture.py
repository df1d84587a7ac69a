"""The picture of a comment on a pull request, in docs/pull-requests.md."""

from __future__ import annotations

import re

from tests.delivery.picture import COMMENT, COST, phrase


def test_the_picture_quotes_the_current_cost() -> None:
    written = COST.search(COMMENT.read_text(encoding="utf-8"))
    assert written and written[0] == phrase(), "run: make pictures"


def test_the_picture_is_drawn_from_the_comment() -> None:
    summary = next(line for line in COMMENT.read_text(encoding="utf-8").splitlines() if COST.search(line))
    drawn = "".join(re.findall(r">([^<>]+)</tspan>", COMMENT.with_suffix(".svg").read_text(encoding="utf-8")))
    missing = [word for word in summary.replace("**", "").split() if word not in drawn]
    assert not missing, "run: make pictures"
