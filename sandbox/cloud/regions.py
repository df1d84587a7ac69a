"""The regions that have been used so far."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from moto.ec2 import models

from sandbox.cloud import ACCOUNT
from sandbox.place import Place

_recorded: set[str] = set()


def backends() -> Iterator[Any]:
    """moto's EC2 backend of every region used so far. Listing them creates none."""
    yield from list(models.ec2_backends[ACCOUNT].values())


def reset(place: Place) -> None:
    """Start with an empty list."""
    _recorded.clear()
    _write(place)


def record(place: Place, region: str) -> None:
    """Add a region to the place's regions.json, which tells the machines daemon where instances and databases are."""
    if region not in _recorded:
        _recorded.add(region)
        _write(place)


def _write(place: Place) -> None:
    path = place.state / "regions.json"
    new = path.with_suffix(".new")
    new.write_text(json.dumps(sorted(_recorded)) + "\n")
    new.replace(path)
