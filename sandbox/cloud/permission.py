"""One permission that a request needs, and that policies allow or deny. A request may need several."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

SEPARATOR = "\n"
"""Separates the values of a condition key that has several (conditions with ForAllValues)."""

TAG_PREFIXES = ("aws:ResourceTag/", "aws:RequestTag/")
"""Prefixes of the condition keys that stand for a tag each."""

ENCRYPTION_CONTEXT = "kms:EncryptionContext:"
"""Prefix of the condition keys of an encryption context. A request that lacks the key fails a comparison."""


@dataclass(frozen=True)
class Permission:
    """action: `service:Operation`. resource: an ARN, or `*`. context: the values of condition keys."""

    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict)

    def within(self, context: Mapping[str, str]) -> Permission:
        """The permission with further condition keys, such as those of the request. Its own come first."""
        return replace(self, context={**context, **self.context})


def tag_context(
    existing: Mapping[str, str] | None = None, requested: Iterable[Mapping[str, str]] | None = None
) -> dict[str, str]:
    """The condition keys of tags. existing: the resource's tags, by key. requested: the tags in the request.

    The bare prefixes say that all tags are known; without them, a condition on a tag cannot be evaluated.
    """
    return {
        **dict.fromkeys(TAG_PREFIXES, ""),
        **{f"{TAG_PREFIXES[0]}{key}": value for key, value in (existing or {}).items()},
        **{f"{TAG_PREFIXES[1]}{tag['Key']}": tag["Value"] for tag in requested or ()},
    }
