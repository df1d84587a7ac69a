"""One permission that a request needs; it may need several."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

VALUES = "\n"
"""Between the values of a condition key that has several (conditions with ForAllValues)."""

FAMILIES = ("aws:ResourceTag/", "aws:RequestTag/")
"""Prefixes of condition keys of which there are as many as tags."""

ENCRYPTED_FOR = "kms:EncryptionContext:"
"""What the condition keys begin with that say what a key is used for. A request without one fails a comparison."""


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

    The bare prefixes state that no tag is missing here; without them, conditions on tags are unknown.
    """
    return {
        **dict.fromkeys(FAMILIES, ""),
        **{f"{FAMILIES[0]}{key}": value for key, value in (there or {}).items()},
        **{f"{FAMILIES[1]}{tag['Key']}": tag["Value"] for tag in brought or ()},
    }
