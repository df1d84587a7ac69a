"""One thing that must be allowed before a request is answered; a request may need several."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

FAMILIES = ("aws:ResourceTag/", "aws:RequestTag/")
"""Beginnings of condition keys that are as many as there are tags."""


@dataclass(frozen=True)
class Needed:
    """action: `service:Operation`. resource: an ARN, or `*`. context: condition keys that are this resource's."""

    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict)


def tagged(
    there: Mapping[str, str] | None = None, brought: Iterable[Mapping[str, str]] | None = None
) -> dict[str, str]:
    """The condition keys of tags. there: those of the resource, by key. brought: those that the request brings along.

    The bare beginnings say that no tag is missing here; where they are missing, conditions about tags are unknown.
    """
    return {
        **dict.fromkeys(FAMILIES, ""),
        **{f"{FAMILIES[0]}{key}": value for key, value in (there or {}).items()},
        **{f"{FAMILIES[1]}{tag['Key']}": tag["Value"] for tag in brought or ()},
    }
