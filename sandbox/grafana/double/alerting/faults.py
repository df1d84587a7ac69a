"""What can go wrong with a notification."""

from __future__ import annotations


class DeliveryError(Exception):
    """Nobody was told; the message says why, without the address, which may be a secret."""
