"""What goes wrong in a command is reported as a message, never as a traceback."""

from __future__ import annotations

from collections.abc import Callable

from tools import command


class SandboxError(Exception):
    """Something the user has to know or do; the text says what and how."""


def status_of(main: Callable[[], int], interrupted: str = "Interrupted.") -> int:
    """Run a command and return its exit status. A SandboxError is reported by its text alone; for other errors, see
    `tools.command.status_of`."""
    return command.status_of(main, interrupted, SandboxError)
