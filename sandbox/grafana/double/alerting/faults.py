"""What can go wrong with a notification."""

from __future__ import annotations


class DeliveryError(Exception):
    """The notification was not delivered; the message says why, without the address, which may be a secret."""
