"""Machines' network cables as real interfaces of a separate place, without machines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.machines import network, preflight
from sandbox.machines.system import run
from sandbox.place import Place

pytestmark = pytest.mark.skipif(bool(preflight()), reason="; ".join(preflight()) or "this host can boot machines")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path / "checkout", "cable")
    network.claim_slot(place)
    yield place
    network.destroy(place)


def test_a_leftover_cable_is_removed(place: Place) -> None:
    """A killed supervisor, or a process that outlives its machine, leaves one, and systemd-nspawn refuses to boot."""
    address = place.vpc.network_address + 10
    network.remove_cable(place, address)  # there is none
    port, other_end = network.port_name(place, address), f"{place.bridge}other"
    run("ip", "link", "add", port, "type", "veth", "peer", "name", other_end)
    network.remove_cable(place, address)
    assert network.bridge_owner(port) is None
    assert network.bridge_owner(other_end) is None
