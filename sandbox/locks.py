"""Locks between processes, by a file; the kernel releases a lock when its process ends."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path


@contextmanager
def locked(file: Path, wait: Callable[[], AbstractContextManager[object] | None] = nullcontext) -> Iterator[None]:
    """Hold the exclusive lock on a file, which is created if missing.

    wait: called if another process holds the lock; it can report that, return a context to wait in, or raise instead.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with wait() or nullcontext():
                fcntl.flock(handle, fcntl.LOCK_EX)
        yield
