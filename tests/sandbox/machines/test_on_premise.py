"""The declaration of on-premise hosts."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.errors import SandboxError
from sandbox.machines import on_premise
from sandbox.machines.on_premise import Host
from sandbox.place import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = Place(tmp_path)
    place.claim(3)
    return place


def test_there_are_no_hosts_without_a_declaration(place: Place) -> None:
    assert on_premise.declared(place) == []


def test_declared_hosts_are_read_back(place: Place) -> None:
    first, second = place.on_premise_addresses[:2]
    hosts = [Host("office-1", first), Host("office-2", second, "ssh-ed25519 AAAA me")]
    on_premise.declare(place, hosts)
    assert on_premise.declared(place) == hosts


def test_an_address_outside_the_pool_is_refused(place: Place) -> None:
    on_premise.declare(place, [Host("office-1", place.elastic_addresses[0])])
    with pytest.raises(SandboxError, match=r"office-1: .* is not between"):
        on_premise.declared(place)


@pytest.mark.parametrize("name", ["i-0abc", "../office", "", "my office"])
def test_names_that_cannot_be_host_names_are_refused(place: Place, name: str) -> None:
    on_premise.declare(place, [Host(name, place.on_premise_addresses[0])])
    with pytest.raises(SandboxError, match="a name consists of"):
        on_premise.declared(place)


@pytest.mark.parametrize("text", ["{", "[1]", '[{"name": "a"}]', '[{"name": "a", "address": "x"}]'])
def test_a_malformed_declaration_is_refused(place: Place, text: str) -> None:
    on_premise.file(place).write_text(text)
    with pytest.raises(SandboxError, match="is not a list of"):
        on_premise.declared(place)
