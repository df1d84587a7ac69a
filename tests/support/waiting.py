"""Waiting for a condition instead of a fixed time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import psutil

Answer = TypeVar("Answer")


def eventually(question: Callable[[], Answer], seconds: float = 240) -> Answer:
    """Ask until the answer is true, and return it; after that many seconds return the last answer.

    The default is long enough for a machine that other tests keep busy.
    """
    deadline = time.monotonic() + seconds
    while not (answer := question()) and time.monotonic() < deadline:
        time.sleep(0.5)
    return answer


def ended(pid: int) -> bool:
    """Whether a process has ended. A zombie has: process 1, which adopts orphans, may collect it much later."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
