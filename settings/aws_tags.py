"""Which names and values AWS tags may have: IAM's rules, the strictest.

docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html#id_tags_rules: \\p{L} \\p{Z} \\p{N} _.:/=+-@, at most 128 and 256
characters, not beginning with aws:, and names that differ only in case count as one.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection

from settings.mistakes import WrongValueError, quoted


def check(name: str, content: str) -> None:
    """Raises WrongValueError for a tag that AWS would refuse."""
    tag = quoted(name)
    if name.lower().startswith("aws:"):
        raise WrongValueError("{tag} starts with aws:, which AWS reserves", "choose another name", tag=tag)
    if not all(_in_tag(character) for character in name + content):
        raise WrongValueError(
            "{tag} has a character that AWS tags do not allow",
            "use letters, digits, spaces and _ . : / = + - @ in name and value",
            tag=tag,
        )
    if not 1 <= len(name) <= 128 or len(content) > 256:
        raise WrongValueError(
            "{tag} is too long", "write a name of at most 128 characters and a value of at most 256", tag=tag
        )


def check_once(name: str, others: Collection[str]) -> None:
    """Raises WrongValueError for a name that differs from another only in case."""
    if any(other != name and other.lower() == name.lower() for other in others):
        raise WrongValueError("{tag} is given twice, differing only in case", "write it once", tag=quoted(name))


def _in_tag(character: str) -> bool:
    return character in "_.:/=+-@" or unicodedata.category(character)[0] in "LNZ"
