"""What an import did, what a person should look at, and why it was refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
MOST_NAMED = 3
"""Panels that are named in a line; of more, only the number is told."""


class ImportingError(Exception):
    """The dashboard cannot be imported. Its text is one line: what is wrong, and what to do."""

    def __init__(self, text: str) -> None:
        super().__init__(plain(text))


@dataclass
class Report:
    """Filled while a dashboard is converted. did: lines. refused: reasons; one is enough to refuse it all."""

    lines: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    _counted: Counter[str] = field(default_factory=Counter)

    def did(self, line: str) -> None:
        """One thing that was done."""
        self.lines.append(line)

    def count(self, line: str, times: int = 1) -> None:
        """One of many like things; they are told together."""
        self._counted[line] += times

    def told(self) -> list[str]:
        """Everything that was done, like things with their number."""
        told = [*self.lines, *(f"{line} ({times}×)" if times > 1 else line for line, times in self._counted.items())]
        return [plain(line) for line in told]

    def warned(self) -> list[str]:
        """Everything a person should look at."""
        return [plain(line) for line in self.warnings]


def plain(text: str) -> str:
    """The text on one line: what a stranger's file holds cannot steer the terminal that shows it."""
    return "".join(character if character.isprintable() else " " for character in text)


def title_of(panel: Mapping[str, Any]) -> str:
    """The panel's title as a person is told it."""
    return str(panel.get("title") or f"untitled {panel.get('type', 'panel')}")[:60]


def named(titles: Iterable[str]) -> str:
    """“A”, “B”, “C” and 4 more."""
    each = list(dict.fromkeys(titles))
    shown = ", ".join(f"“{title}”" for title in each[:MOST_NAMED])
    return shown if len(each) <= MOST_NAMED else f"{shown} and {len(each) - MOST_NAMED} more"
