"""Decides which values an error message may repeat, for every kind of mistake."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from typing import Any, get_origin

from settings import places
from settings.mistakes import LONGEST_VALUE, SECRET, Mistake, WrongValueError, quoted

_WORD = re.compile(r"[A-Za-z][A-Za-z._ -]{0,23}")
"""What a key's name looks like, misspelt or not: no digits, and short."""


def looks_secret(written: str) -> bool:
    """Whether a text contains a private key, a password in a URL (`:…@`), or a URL's query (`://…?`). Not a regular
    expression: one that starts at each colon takes hours for a text of colons."""
    if "PRIVATE KEY" in written:
        return True
    # What is between the last blank and an @.
    before = (part for part in written.split("@")[:-1] if part and not part[-1].isspace())
    if any(":" in part.split()[-1] for part in before):
        return True
    rests = (word.partition("://") for word in written.split())
    return any(slashes and ("?" in rest or "#" in rest) for _, slashes, rest in rests)


def _by_nature(location: tuple[str | int, ...]) -> bool:
    """Whether the place is in a setting that holds secrets."""
    _, whole = places.walk(location[:1])
    return whole is not None and places.holds_secrets(places.part(whole))


def _has_object(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(map(_has_object, value)))


class Shown:
    """Decides for the values of one configuration. marked: the keys that Pulumi keeps encrypted.

    Pulumi marks a whole setting as secret as soon as it contains a secret. In settings that always do (`hosts`, `smtp`)
    only the secrets themselves are never shown; otherwise no mistake could be explained. Anything else that was
    encrypted in them is shown in full or not at all: Pulumi recognises a full secret in its output and hides it, but
    not a truncated one.
    """

    def __init__(self, marked: Collection[str]) -> None:
        self._marked = marked

    def may(self, location: tuple[str | int, ...], value: Any) -> bool:
        """Whether `value`, given at `location`, may be shown: a known setting without secrets, and nothing
        in it that looks like a secret."""
        _, field = places.walk(location)
        if not location or field is None or not places.is_shown(field) or places.holds_secrets(places.part(field)):
            return False
        written = json.dumps(value, ensure_ascii=False, default=str)
        by_nature = _by_nature(location)
        # Near secrets, a value that is an object by mistake may have one as a key (`user: hunter2: x`).
        if by_nature and get_origin(field.annotation) is not dict and _has_object(value):
            return False
        whole = by_nature and len(written) <= LONGEST_VALUE and "\\" not in written
        if places.key(str(location[0])) in self._marked and not whole:
            return False
        return not looks_secret(written)

    def names(self, location: tuple[str | int, ...]) -> tuple[str | int, ...]:
        """The place of an unknown key; its name is hidden where it may be a misplaced secret."""
        guarded = places.key(str(location[0])) in self._marked or _by_nature(location)
        if len(location) > 1 and guarded and not _WORD.fullmatch(str(location[-1])):
            return *location[:-1], SECRET
        return location

    def value(self, location: tuple[str | int, ...], value: Any) -> str:
        """The value as the error message repeats it."""
        return quoted(value) if self.may(location, value) else SECRET

    def mistake(self, location: tuple[str | int, ...], value: Any, wrong: WrongValueError) -> Mistake:
        """The mistake for a value that a validator refused."""
        showing = self.may(location, value)
        return Mistake(places.path(location), quoted(value) if showing else SECRET, *wrong.sentence(showing=showing))
