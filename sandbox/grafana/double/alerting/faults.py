"""Errors of notifications."""

from __future__ import annotations


class DeliveryError(Exception):
    """A notification was not delivered. The message gives the reason, but not the address, which may be a secret."""
