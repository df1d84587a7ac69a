"""When the machines daemon's resources last changed, so that it need not poll every second."""

from __future__ import annotations

from pathlib import Path

from sandbox.place import Place


def file(place: Place) -> Path:
    """A file that is touched after each request that may have changed an instance, a database or anything of theirs."""
    return place.state / "aws.changed"
