"""Waiting for a condition instead of a fixed time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")


def eventually(question: Callable[[], Answer], seconds: float = 240) -> Answer:
    """The first true answer, or the last one if there is none in time.

    By default a time in which one comes on a machine that tests keep busy.
    """
    deadline = time.monotonic() + seconds
    while not (answer := question()) and time.monotonic() < deadline:
        time.sleep(0.5)
    return answer
