"""What goes wrong in a command is a message for the person, never a traceback."""

from __future__ import annotations

from collections.abc import Callable

from tools import command


class SandboxError(Exception):
    """Something that the user has to know or do; the text says what and how."""


def plainly(main: Callable[[], int], interrupted: str = "Interrupted.") -> int:
    """Run a command; returns its exit status. A SandboxError is one message; for the rest, see `command.plainly`."""
    return command.plainly(main, interrupted, SandboxError)
