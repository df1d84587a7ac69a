"""Which values a mistake may repeat: the one place where that is decided, for every kind of mistake."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from typing import Any, get_origin

from settings import places
from settings.mistakes import LONGEST_VALUE, SECRET, Mistake, WrongValueError, quoted

_TELLTALE = re.compile(r"PRIVATE KEY|:[^\s@]*@|://\S*[?#]")
"""A private key, a password in an address, or what an address has behind its path: wherever it was put by mistake."""
_WORD = re.compile(r"[A-Za-z][A-Za-z._ -]{0,23}")
"""What a key's name looks like, misspelt or not: no digits, and short."""


def _by_nature(location: tuple[str | int, ...]) -> bool:
    """Whether the place lies in a setting that holds secrets."""
    _, whole = places.walk(location[:1])
    return whole is not None and places.holds_secrets(places.part(whole))


def _has_object(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(map(_has_object, value)))


class Shown:
    """Decides for the values of one configuration. marked: the keys that Pulumi keeps encrypted.

    Pulumi marks a whole setting as soon as it holds one secret. In those that hold some by their nature (`hosts`,
    `smtp`) only these are never shown, or no mistake there could be. What else somebody encrypted in them is shown
    whole or not at all: whole, Pulumi itself finds it in its output and hides it, which it cannot when it is cut.
    """

    def __init__(self, marked: Collection[str]) -> None:
        self._marked = marked

    def may(self, location: tuple[str | int, ...], value: Any) -> bool:
        """Whether `value`, given at `location`, is shown: a known setting no part of which is a secret, and nothing in
        it that looks like one."""
        _, field = places.walk(location)
        if not location or field is None or not places.is_shown(field) or places.holds_secrets(places.part(field)):
            return False
        written = json.dumps(value, ensure_ascii=False, default=str)
        by_nature = _by_nature(location)
        # Next to secrets, what became an object by mistake may have one as a key's name (`user: hunter2: x`).
        if by_nature and get_origin(field.annotation) is not dict and _has_object(value):
            return False
        whole = by_nature and len(written) <= LONGEST_VALUE and "\\" not in written
        if places.key(str(location[0])) in self._marked and not whole:
            return False
        return not _TELLTALE.search(written)

    def names(self, location: tuple[str | int, ...]) -> tuple[str | int, ...]:
        """The place of a key that is no setting; its name is hidden where a secret may have been written as one."""
        guarded = places.key(str(location[0])) in self._marked or _by_nature(location)
        if len(location) > 1 and guarded and not _WORD.fullmatch(str(location[-1])):
            return *location[:-1], SECRET
        return location

    def value(self, location: tuple[str | int, ...], value: Any) -> str:
        """The value as a mistake repeats it."""
        return quoted(value) if self.may(location, value) else SECRET

    def mistake(self, location: tuple[str | int, ...], value: Any, wrong: WrongValueError) -> Mistake:
        """A validator's complaint about a value."""
        showing = self.may(location, value)
        return Mistake(places.path(location), quoted(value) if showing else SECRET, *wrong.sentence(showing=showing))
