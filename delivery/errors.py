"""The one exception of these commands: its text is for the person who reads the run, who never sees a traceback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tools.pulumi_cli import expected_json


class DeliveryError(Exception):
    """Something stopped a workflow; the text says what, and what to do about it."""


@contextmanager
def json_from(command: str) -> Iterator[None]:
    """Read the command's JSON in the block (see `expected_json`). Raises DeliveryError when it is not as expected."""
    failure = DeliveryError(
        f"`{command}` did not print the expected JSON: run it yourself, and check that the `pulumi` on the PATH is "
        "Pulumi's CLI."
    )
    with expected_json(failure):
        yield
