"""Mistakes in a stack's configuration, and how they are told: all of them, in one error, one line each."""

from __future__ import annotations

import json
from dataclasses import dataclass

SECRET = "(secret)"  # noqa: S105 - what is shown in a secret's place
LONGEST_VALUE = 60


@dataclass(frozen=True)
class Mistake:
    """One thing that is wrong.

    key: the full configuration key, as in the stack's file, with the path inside it ("monitoring:tags.team").
    value: the given value as a person wrote it, shortened; "(secret)" for secrets; "" when nothing was given.
    wrong: what is wrong with it.
    instead: what to write instead.
    """

    key: str
    value: str
    wrong: str
    instead: str

    def __str__(self) -> str:
        given = f" = {self.value}" if self.value else ""
        line = f"{self.key}{given}: {self.wrong}; {self.instead}"
        return "".join(character if character.isprintable() else "?" for character in line)


class SettingsError(Exception):
    """The stack's configuration cannot be used. `mistakes` lists every reason, in the order of the keys."""

    def __init__(self, mistakes: list[Mistake], file: str) -> None:
        self.mistakes = mistakes
        count = "1 mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
        lines = "\n".join(f"  {mistake}" for mistake in mistakes)
        super().__init__(f"{count} in the configuration ({file}); nothing was changed:\n{lines}")


class WrongValueError(ValueError):
    """Raised by validators: a value that cannot be used, and what to write instead."""

    def __init__(self, wrong: str, instead: str) -> None:
        super().__init__(wrong)
        self.wrong = wrong
        self.instead = instead


def shown(value: object) -> str:
    """The value as it is repeated to the user: JSON, on one line, at most 60 characters."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"
