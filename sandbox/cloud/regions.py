"""The regions of moto's EC2 that were used so far."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from moto.ec2 import models

from sandbox.cloud import ACCOUNT
from sandbox.place import Place

_noted: set[str] = set()


def backends() -> Iterator[Any]:
    """EC2's backend of every region that was used; looking does not create one."""
    yield from list(models.ec2_backends[ACCOUNT].values())


def start(place: Place) -> None:
    """Start with an empty list of regions with instances."""
    _noted.clear()
    _write(place)


def note(place: Place, region: str) -> None:
    """Write a region to the place's regions.json, for the machines daemon to know where instances are."""
    if region not in _noted:
        _noted.add(region)
        _write(place)


def _write(place: Place) -> None:
    path = place.state / "regions.json"
    new = path.with_suffix(".new")
    new.write_text(json.dumps(sorted(_noted)) + "\n")
    new.replace(path)
