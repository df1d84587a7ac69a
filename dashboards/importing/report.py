"""The report of an import: what it did, what should be checked, and why it was refused."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
MOST_NAMED = 3
"""Panels that a line names; the rest are counted."""
BLANK = "\u115f\u1160\u2800\u3164\uffa0"
"""Letters and a symbol that are invisible."""

FORM = (ArithmeticError, AttributeError, IndexError, KeyError, RecursionError, TypeError, ValueError)
"""What malformed parts raise: no one checks the types in a community dashboard."""


class PanelError(Exception):
    """A panel cannot be converted. Its text is the reason, without the panel's title."""


class ImportingError(Exception):
    """The dashboard cannot be imported. Its text is one line that says why, and what to do."""

    def __init__(self, text: str) -> None:
        super().__init__(plain(text))


@dataclass
class Report:
    """Filled while a dashboard is converted.

    skip: whether to leave out what cannot be imported; otherwise a single reason refuses the dashboard. refused: the
    reasons. left: why things are left out. dropped: the panels that are left out, by `id()`.
    """

    skip: bool = False
    lines: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    dropped: dict[int, Json] = field(default_factory=dict)
    _counted: Counter[str] = field(default_factory=Counter)

    def did(self, line: str) -> None:
        """Add something that was done."""
        self.lines.append(line)

    def count(self, line: str, times: int = 1) -> None:
        """Count something that happens several times; it is reported once."""
        self._counted[line] += times

    def refuse(self, reason: str, *panels: Json) -> None:
        """Refuse what cannot be imported, or leave it out with the panels that depend on it."""
        if self.skip:
            self.leave_out(reason, *panels)
        else:
            self.refused.append(reason)

    def leave_out(self, reason: str, *panels: Json) -> None:
        """Leave something out in any case."""
        self.left.append(reason)
        self.did(f"left out: {reason}")
        self.dropped |= {id(panel): panel for panel in panels}

    def sentences(self) -> list[str]:
        """Everything that was done, with counts."""
        lines = [*self.lines, *(f"{line} ({times}×)" if times > 1 else line for line, times in self._counted.items())]
        return [plain(line) for line in lines]

    def warned(self) -> list[str]:
        """Everything that should be checked."""
        return [plain(line) for line in self.warnings]


def plain(text: str) -> str:
    """The text on one line, without control characters for the terminal."""
    return "".join(character if character.isprintable() else " " for character in text)


def is_seen(text: str) -> bool:
    """Whether any character of the text is visible: not a space, a control or format character, or a mark alone.

    Grafana trims only ordinary spaces (pkg/services/dashboards), so a title of others would be an empty line.
    """
    return any(unicodedata.category(each)[0] not in "CMZ" and each not in BLANK for each in text)


def each(panels: Iterable[Json], step: Callable[[Json], None], report: Report) -> None:
    """Apply the step to every panel; a panel for which it fails is refused by name."""
    for panel in panels:
        try:
            step(panel)
        except PanelError as error:
            report.refuse(f"“{title_of(panel)}” {error}", panel)
        except FORM as error:
            reason = f"{type(error).__name__}: {error}"
            report.refuse(f"“{title_of(panel)}” is not shaped like a panel ({reason})", panel)


def title_of(panel: Mapping[str, Any]) -> str:
    """The panel's title for messages."""
    return str(panel.get("title") or f"untitled {panel.get('type', 'panel')}")[:60]


def named(titles: Iterable[str], most: int = MOST_NAMED) -> str:
    """“A”, “B”, “C” and 4 more."""
    each = list(dict.fromkeys(titles))
    shown = ", ".join(f"“{title}”" for title in each[:most])
    return shown if len(each) <= most else f"{shown} and {len(each) - most} more"
