"""Which values a mistake may repeat: the one place where that is decided, for every kind of mistake."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from typing import Any

from settings import places
from settings.mistakes import LONGEST_VALUE, SECRET, Mistake, WrongValueError, quoted

_TELLTALE = re.compile(r"PRIVATE KEY|:[^\s@]*@|://\S*[?#]")
"""A private key, a password in an address, or what an address has behind its path: wherever it was put by mistake."""


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
        if places.key(str(location[0])) in self._marked:
            _, whole = places.walk(location[:1])
            by_nature = whole is not None and places.holds_secrets(places.part(whole))
            if not by_nature or len(written) > LONGEST_VALUE or "\\" in written:
                return False
        return not _TELLTALE.search(written)

    def value(self, location: tuple[str | int, ...], value: Any) -> str:
        """The value as a mistake repeats it."""
        return quoted(value) if self.may(location, value) else SECRET

    def mistake(self, location: tuple[str | int, ...], value: Any, wrong: WrongValueError) -> Mistake:
        """A validator's complaint about a value."""
        showing = self.may(location, value)
        return Mistake(places.path(location), quoted(value) if showing else SECRET, *wrong.told(showing=showing))
