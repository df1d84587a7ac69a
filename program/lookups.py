"""What is already in AWS, asked before anything is made."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

import pulumi

Found = TypeVar("Found")

ENVELOPE = re.compile(r"^invoke of \S+ failed: (?:invocation of \S+ returned an error: )?(?:invoking \S+: )?")
"""What Python's SDK and the engine write around the provider's own words."""


class RefusedError(pulumi.RunError):
    """AWS, or the provider on its way there, did not answer a question. As a RunError it reaches the user as one line,
    without a traceback. said: why, in the provider's words."""

    def __init__(self, said: str) -> None:
        super().__init__(f"Looking up what already exists in AWS failed, and nothing was changed: {said}")
        self.said = said


def look_up(function: Callable[..., Found], opts: pulumi.InvokeOptions, **arguments: object) -> Found:
    """The answer of one of the provider's functions. Raises RefusedError when there is none."""
    try:
        return function(**arguments, opts=opts)
    except Exception as error:
        raise RefusedError(ENVELOPE.sub("", str(error))) from None
