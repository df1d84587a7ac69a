"""Live progress for what takes more than two seconds: a spinner on a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape

Progress = Callable[[str], None]
"""Takes a short text that says what is being done now."""

FILE_COLUMNS = 1000
"""The width of output that goes to a file, which has none: rich would assume 80. No row of a table is longer."""

console = Console(
    highlight=False,
    soft_wrap=True,
    width=None if (sys.stdout and sys.stdout.isatty()) or "COLUMNS" in os.environ else FILE_COLUMNS,
)
HEARTBEAT_SECONDS = 15


class Step:
    """A running step. Call it with a text that says what it is doing now."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.detail = ""
        self.started = time.monotonic()

    def __call__(self, detail: str) -> None:
        self.detail = detail

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started

    def line(self) -> str:
        """The line shown while the step runs."""
        detail = f": {self.detail}" if self.detail else ""
        return f"{escape(self.title)}{escape(detail)} [dim]({self.seconds:.0f} s)[/dim]"


@contextmanager
def step(title: str) -> Iterator[Step]:
    """Show `title` while the block runs and, when it ends, how long it took.

    Yields a callable for details. On a terminal the line is updated in place; in a log, a line every 15 s shows that
    the step is still running.
    """
    running = Step(title)
    done = threading.Event()
    status = console.status(running.line()) if console.is_terminal else None

    def show() -> None:
        if status is not None:
            while not done.wait(0.2):
                status.update(running.line())
        else:
            while not done.wait(HEARTBEAT_SECONDS):
                console.print(f"  … {running.line()}")

    thread = threading.Thread(target=show, daemon=True)
    if status is not None:
        status.start()
    thread.start()
    failed = True
    try:
        yield running
        failed = False
    finally:
        done.set()
        thread.join()
        if status is not None:
            status.stop()
        mark = "[red]✗[/red]" if failed else "[green]✓[/green]"
        console.print(f"{mark} {escape(title)} [dim]({running.seconds:.1f} s)[/dim]")
