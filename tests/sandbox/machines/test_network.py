"""Which slot a place claims, and the names of its interfaces."""

from __future__ import annotations

import socket
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from sandbox.errors import SandboxError
from sandbox.machines import network
from sandbox.place import SLOTS, Place


class Host:
    """The interfaces, addresses and ports of a host that matter for claiming a slot."""

    def __init__(self) -> None:
        self.owners: dict[str, str] = {}
        self.networks: list[IPv4Network] = []
        self.ports: set[int] = set()


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Host:
    host = Host()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(network, "bridge_owner", host.owners.get)
    monkeypatch.setattr(network, "_host_networks", lambda: host.networks)
    monkeypatch.setattr(network, "_port_is_free", lambda port: port not in host.ports)
    monkeypatch.setattr(
        network, "_add_bridge", lambda place: host.owners.setdefault(place.bridge, network.owner_mark(place))
    )
    return host


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "checkout")


def test_the_preferred_slot_is_claimed_if_free_and_kept(host: Host, place: Place) -> None:
    assert network.claim_slot(place) == place.preferred_slot
    assert network.claim_slot(place) == place.preferred_slot
    assert host.owners == {f"mon{place.preferred_slot}": str(place.state)}


def test_another_checkout_s_bridge_is_left_alone(host: Host, place: Place) -> None:
    host.owners[f"mon{place.preferred_slot}"] = "/another/checkout/.sandbox/default"
    expected = (place.preferred_slot + 1) % SLOTS
    assert network.claim_slot(place) == expected
    assert place.slot == expected
    assert Place(place.checkout).slot == expected, "another process of the same checkout must see it"


def test_a_slot_whose_port_or_address_is_in_use_is_skipped(host: Host, place: Place) -> None:
    place.claim(7)
    host.ports.add(place.aws_port)
    host.networks.append(IPv4Network((int(place.network.network_address) + 512, 24)))
    assert network.claim_slot(place) == 9


def test_places_never_share_a_slot(host: Host, tmp_path: Path) -> None:
    slots = {network.claim_slot(Place(tmp_path / str(number))) for number in range(60)}
    assert len(slots) == 60


def test_running_out_of_slots_is_reported(host: Host, place: Place) -> None:
    host.owners.update({f"mon{slot}": "somebody" for slot in range(SLOTS)})
    with pytest.raises(SandboxError, match="All 256 slots"):
        network.claim_slot(place)


def test_long_paths_fit_into_an_alias(tmp_path: Path) -> None:
    places = [Place(Path(f"/{'long/' * 80}") / end) for end in ("a", "b")]
    marks = [network.owner_mark(place) for place in places]
    assert all(len(mark.encode()) <= 255 for mark in marks)
    assert marks[0] != marks[1]


def test_port_names_are_unique_and_short_enough_for_the_kernel(place: Place) -> None:
    place.claim(255)
    names = {network.port_name(place, address) for address in place.network}
    assert len(names) == 512
    assert max(map(len, names)) <= 15


def test_a_listening_port_is_not_free() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        assert not network._port_is_free(port)
    assert network._port_is_free(port)
