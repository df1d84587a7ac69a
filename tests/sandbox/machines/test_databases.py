"""How machines resolve databases' names, and the firewall's rules for databases. (Their InfluxDB: tests/live.)"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest

from sandbox.machines import databases, firewall
from sandbox.machines.databases import Database
from sandbox.machines.fleet import Group, Rule
from sandbox.machines.machine import Machine
from sandbox.place import Place

ENDPOINT = "db-1.timestream-influxdb.eu-central-1.on.aws"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = Place(tmp_path)
    place.claim(7)
    return place


def database(place: Place, public: IPv4Address | None) -> Database:
    return Database("db-1", "eu-central-1", ENDPOINT, 8086, "arn", place.vpc.network_address + 20, public, ("sg-1",))


def machine(place: Place, name: str, address: IPv4Address) -> Machine:
    made = Machine(place, name, address)
    (made.root / "etc").mkdir(parents=True)
    (made.root / "etc/hosts").write_text("127.0.0.1 localhost\n")
    return made


def resolved(machines: list[Machine]) -> list[str]:
    """The lines about the database, by machine."""
    written = [each.root / "etc/hosts" for each in machines]
    return ["".join(line for line in file.read_text().splitlines() if ENDPOINT in line) for file in written]


@pytest.mark.parametrize("public", [True, False])
def test_its_name_is_the_public_address_outside_the_vpc_if_there_is_one(place: Place, public: bool) -> None:
    outside = place.elastic_addresses[3]
    one = database(place, outside if public else None)
    machines = [
        machine(place, "i-1", place.vpc.network_address + 10),
        machine(place, "web-1", place.on_premise_addresses[0]),
    ]
    for _ in range(2):
        databases.add_names([one], machines)
    assert resolved(machines) == [f"{one.address} {ENDPOINT}", f"{outside if public else one.address} {ENDPOINT}"]


def test_its_security_groups_decide_who_gets_in(place: Place) -> None:
    one = database(place, place.elastic_addresses[3])
    group = Group("sg-1", ingress=(Rule("tcp", 8086, 8086, networks=(IPv4Network("198.18.0.0/15"),)),))
    text = firewall.render(place, [one.as_instance], {"sg-1": group})
    assert "chain in_db_1 {\n    ip saddr 198.18.0.0/15 tcp dport 8086 accept\n    drop\n" in text
    assert f"ip daddr {one.public_address} dnat ip to {one.address}" in text
