"""What an import did, what should be checked, and why it was refused."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
MOST_NAMED = 3
"""Panels that are named in a line; the rest are counted."""
BLANK = "\u115f\u1160\u2800\u3164\uffa0"
"""Letters and a symbol that are drawn as nothing."""


FORM = (ArithmeticError, AttributeError, IndexError, KeyError, RecursionError, TypeError, ValueError)
"""What malformed parts raise: nobody checks a community dashboard's types."""


class PanelError(Exception):
    """A panel cannot be converted. Its text is the reason, without the panel's title."""


class ImportingError(Exception):
    """The dashboard cannot be imported. Its text is one line: what is wrong, and what to do."""

    def __init__(self, text: str) -> None:
        super().__init__(plain(text))


@dataclass
class Report:
    """Filled while a dashboard is converted.

    skip: whether what cannot be imported is left out; else one reason is enough to refuse it all. refused: the reasons.
    left: why things are left out. dropped: the panels among them, by `id()`.
    """

    skip: bool = False
    lines: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    dropped: dict[int, Json] = field(default_factory=dict)
    _counted: Counter[str] = field(default_factory=Counter)

    def did(self, line: str) -> None:
        """One thing that was done."""
        self.lines.append(line)

    def count(self, line: str, times: int = 1) -> None:
        """One of many like things; they are reported together."""
        self._counted[line] += times

    def refuse(self, reason: str, *panels: Json) -> None:
        """Something that cannot be imported, and the panels that have to go with it."""
        if self.skip:
            self.leave_out(reason, *panels)
        else:
            self.refused.append(reason)

    def leave_out(self, reason: str, *panels: Json) -> None:
        """Something that is left out in any case."""
        self.left.append(reason)
        self.did(f"left out: {reason}")
        self.dropped |= {id(panel): panel for panel in panels}

    def sentences(self) -> list[str]:
        """Everything that was done, like things with their number."""
        lines = [*self.lines, *(f"{line} ({times}×)" if times > 1 else line for line, times in self._counted.items())]
        return [plain(line) for line in lines]

    def warned(self) -> list[str]:
        """Everything that should be checked."""
        return [plain(line) for line in self.warnings]


def plain(text: str) -> str:
    """The text on one line, without control characters for the terminal."""
    return "".join(character if character.isprintable() else " " for character in text)


def is_seen(text: str) -> bool:
    """Whether any character of the text leaves ink: a space, a control or format character, or a mark alone does not.

    Grafana trims ordinary spaces only (pkg/services/dashboards), so a title of others would be a line without words.
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
