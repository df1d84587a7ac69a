"""The one exception of these commands: a text for the person who reads the run, never a traceback."""

from __future__ import annotations


class DeliveryError(Exception):
    """Something stopped a workflow; the text says what, and what to do."""
