"""When what the machines daemon watches was changed last, so that it need not ask each second."""

from __future__ import annotations

from pathlib import Path

from sandbox.place import Place


def file(place: Place) -> Path:
    """Touched after each request that may have changed an instance, a database, or what belongs to them."""
    return place.state / "aws.changed"
