"""When what the machines daemon watches last changed, so that it need not poll every second."""

from __future__ import annotations

from pathlib import Path

from sandbox.place import Place


def file(place: Place) -> Path:
    """Touched after each request that may have changed an instance, a database, or what belongs to them."""
    return place.state / "aws.changed"
