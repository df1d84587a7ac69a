"""Lookups of what exists in AWS, before anything is created."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

import pulumi

Found = TypeVar("Found")

ENVELOPE = re.compile(r"^invoke of \S+ failed: (?:invocation of \S+ returned an error: )?(?:invoking \S+: )?")
"""What the Python SDK and the engine put in front of the provider's message."""


class RefusedError(pulumi.RunError):
    """A lookup failed, in AWS or in the provider. Pulumi shows a RunError in one line, without a traceback.

    said: the provider's message."""

    def __init__(self, said: str) -> None:
        super().__init__(f"Looking up what already exists in AWS failed, and nothing was changed: {said}")
        self.said = said


def look_up(function: Callable[..., Found], opts: pulumi.InvokeOptions, **arguments: object) -> Found:
    """The result of one of the provider's functions. Raises RefusedError if it fails."""
    try:
        return function(**arguments, opts=opts)
    except Exception as error:
        raise RefusedError(ENVELOPE.sub("", str(error))) from None
