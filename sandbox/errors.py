"""The one exception of the local environment's commands: a text for the person, never a traceback."""

from __future__ import annotations


class SandboxError(Exception):
    """Something the person in front of the machine has to know or do; the text says what and how."""
