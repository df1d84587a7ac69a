"""Names, ports and addresses of a place."""

from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path

from sandbox.place import BENCHMARK_NETWORK, Place


def test_places_in_different_slots_share_nothing(tmp_path: Path) -> None:
    one, two = Place(tmp_path / "one"), Place(tmp_path / "two")
    one.claim(7)
    two.claim(8)
    assert one.bridge != two.bridge
    assert one.aws_port != two.aws_port
    assert not one.network.overlaps(two.network)


def test_every_slot_lies_in_the_benchmark_network(tmp_path: Path) -> None:
    place = Place(tmp_path)
    networks = []
    for slot in range(256):
        place.claim(slot)
        networks.append(place.network)
    assert all(network.subnet_of(BENCHMARK_NETWORK) for network in networks)
    assert len(set(networks)) == 256


def test_the_internet_and_the_vpc_do_not_overlap(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.claim(3)
    assert place.vpc == IPv4Network("198.18.6.0/24")
    assert place.internet == IPv4Network("198.18.7.0/24")
    assert place.gateway in place.vpc
    addresses = {*place.elastic_addresses, *place.on_premise_addresses}
    assert len(addresses) == len(place.elastic_addresses) + len(place.on_premise_addresses)
    assert all(address in place.internet for address in addresses)


def test_a_claimed_slot_is_recorded(tmp_path: Path) -> None:
    first = Place(tmp_path)
    moved = (first.preferred_slot + 1) % 256
    first.claim(moved)
    assert first.slot == moved
    assert Place(tmp_path).slot == moved
    assert Place(tmp_path, "test").slot == Place(tmp_path, "test").preferred_slot
