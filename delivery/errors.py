"""The one exception of these commands: a text for the person who reads the run, never a traceback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class DeliveryError(Exception):
    """Something stopped a workflow; the text says what, and what to do."""


@contextmanager
def understood(command: str) -> Iterator[None]:
    """Read what a command printed; what is no JSON, or not of the form that the command documents, is a DeliveryError,
    which repeats nothing of it."""
    try:
        yield
    except (ValueError, LookupError, TypeError, AttributeError):
        raise DeliveryError(
            f"`{command}` printed something else than its JSON: run it yourself, and see whether the `pulumi` on the "
            "PATH is Pulumi's."
        ) from None
