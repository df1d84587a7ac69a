"""Mistakes in a stack's configuration, which are all reported in one error, one line each."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

SECRET = "(secret)"  # noqa: S105 - what is shown in a secret's place
LONGEST_VALUE = 60
DEEPEST = 12
"""Levels of lists and objects in a value; the deepest setting has five."""
_NAME = re.compile(r"[A-Za-z][A-Za-z._ ;,-]{0,59}")

Contradictions = Iterator[tuple[str, str, str]]
"""Contradictions between settings: (setting in camelCase, what is wrong, what to write instead)."""


@dataclass(frozen=True)
class Mistake:
    """One mistake in the configuration.

    key: the full configuration key, as in the stack's file, with the path inside it ("monitoring:tags.team").
    value: the given value as the user wrote it, shortened; "(secret)" for secrets; "" if nothing was given.
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
        if line.isprintable():
            return line
        return "".join(character if character.isprintable() else "?" for character in line)


class NeverShown:
    """Marks a type whose values mistakes do not repeat although it is not secret: someone may have put a key there."""


class SettingsError(Exception):
    """The stack's configuration cannot be used. `mistakes` lists all reasons, in the order of the keys."""

    def __init__(self, mistakes: list[Mistake], file: str) -> None:
        self.mistakes = mistakes
        count = "1 mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
        lines = "\n".join(f"  {mistake}" for mistake in mistakes)
        super().__init__(f"{count} in the configuration ({file}); nothing was changed:\n{lines}")


class WrongValueError(ValueError):
    """Raised by validators: a value that cannot be used, and what to write instead.

    Parts of the value are passed by name (`"names {one} twice"`, one=value), never inside the text: the validator does
    not know whether the value is a secret. They are filled in only where the value may be shown.
    """

    def __init__(self, wrong: str, instead: str, **parts: object) -> None:
        super().__init__(wrong)
        self._wrong, self._instead, self._parts = wrong, instead, parts

    def about(self, element: object, link: str = "") -> WrongValueError:
        """The same mistake, about one element of a larger value."""
        return WrongValueError(
            f"{{element}}{link} {self._wrong}", self._instead, **self._parts, element=quoted(element)
        )

    def sentence(self, *, showing: bool) -> tuple[str, str]:
        """What is wrong, and what to write instead; with parts of the value only if `showing`."""
        filled = {name: short(str(part)) for name, part in self._parts.items()} if showing else _Hidden()
        return self._wrong.format_map(filled), self._instead.format_map(filled)


class _Hidden(dict[str, str]):
    """Replaces every part of a value that must not be shown."""

    def __missing__(self, _: str) -> str:
        return SECRET


def short(text: str) -> str:
    """At most 60 characters of a text."""
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"


def named(key: str) -> str:
    """The name of a key or column as messages repeat it: hidden unless it can hardly be a secret."""
    return quoted(key) if _NAME.fullmatch(key) else SECRET


def quoted(value: object) -> str:
    """A value that may be shown, as messages repeat it: JSON, on one line, at most 60 characters."""
    return short(json.dumps(value, ensure_ascii=False, default=str))
