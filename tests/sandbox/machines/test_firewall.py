"""The firewall's text: who can reach whom according to the security groups."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest

from sandbox.machines import firewall
from sandbox.machines.fleet import Group, Instance, Rule
from sandbox.place import Place

ANY = (IPv4Network("0.0.0.0/0"),)
OUT = (Rule("-1", networks=ANY),)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = Place(tmp_path)
    place.claim(7)
    return place


def instance(place: Place, number: int, *groups: str, public: int | None = None, nat: int | None = None) -> Instance:
    return Instance(
        id=f"i-{number:04x}",
        region="eu-north-1",
        state="running",
        kind="t3.small",
        name="",
        address=place.vpc.network_address + number,
        public_address=place.internet.network_address + public if public else None,
        nat_address=place.internet.network_address + nat if nat else None,
        groups=groups,
    )


def chain(text: str, name: str) -> list[str]:
    found = re.search(rf"chain {name} {{\n(.*?)\n  }}", text, re.DOTALL)
    assert found, f"no chain {name} in:\n{text}"
    return [line.strip() for line in found[1].splitlines()]


def test_a_group_s_ingress_rules_are_all_that_is_allowed(place: Place) -> None:
    group = Group(
        "sg-1",
        ingress=(
            Rule("tcp", 3000, 3000, networks=(IPv4Network("198.18.0.0/15"),)),
            Rule("tcp", 8000, 8010, networks=(IPv4Network("10.0.0.0/8"), IPv4Network("192.0.2.7/32"))),
            Rule("udp", 53, 53, networks=ANY),
            Rule("icmp", 8, -1, networks=ANY),
        ),
    )
    text = firewall.render(place, [instance(place, 10, "sg-1")], {"sg-1": group})
    assert chain(text, "in_i_000a") == [
        "ip saddr 10.0.0.0/8 tcp dport 8000-8010 accept",
        "ip saddr 192.0.2.7/32 tcp dport 8000-8010 accept",
        "ip saddr 198.18.0.0/15 tcp dport 3000 accept",
        "meta l4proto icmp icmp type 8 accept",
        "udp dport 53 accept",
        "drop",
    ]
    assert chain(text, "out_i_000a") == ["drop"]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (Rule("-1", networks=ANY), "accept"),
        (Rule("tcp", networks=ANY), "meta l4proto tcp accept"),
        (Rule("6", 22, 22, networks=ANY), "tcp dport 22 accept"),
        (Rule("tcp", 0, 65535, networks=ANY), "tcp dport 0-65535 accept"),
        (Rule("icmp", -1, -1, networks=ANY), "meta l4proto icmp accept"),
        (Rule("icmp", 3, 4, networks=ANY), "meta l4proto icmp icmp type 3 icmp code 4 accept"),
        (Rule("50", networks=ANY), "meta l4proto 50 accept"),
    ],
)
def test_protocols(place: Place, rule: Rule, expected: str) -> None:
    group = Group("sg-1", ingress=(rule,))
    text = firewall.render(place, [instance(place, 10, "sg-1")], {"sg-1": group})
    assert chain(text, "in_i_000a") == [expected, "drop"]


def test_a_group_as_peer_stands_for_its_members_private_addresses(place: Place) -> None:
    groups = {
        "sg-server": Group("sg-server", ingress=(Rule("tcp", 8086, 8086, groups=("sg-agents", "sg-empty")),)),
        "sg-agents": Group("sg-agents", egress=OUT),
    }
    fleet = [
        instance(place, 10, "sg-server"),
        instance(place, 11, "sg-agents"),
        instance(place, 12, "sg-agents"),
    ]
    text = firewall.render(place, fleet, groups)
    first, second = place.vpc.network_address + 11, place.vpc.network_address + 12
    assert chain(text, "in_i_000a") == [
        f"ip saddr {first} tcp dport 8086 accept",
        f"ip saddr {second} tcp dport 8086 accept",
        "drop",
    ]


def test_elastic_addresses_are_rewritten_in_both_directions(place: Place) -> None:
    text = firewall.render(place, [instance(place, 10, public=20)], {})
    private, public = place.vpc.network_address + 10, place.internet.network_address + 20
    assert f"ip daddr {public} dnat ip to {private}" in chain(text, "prerouting")
    assert f"ip daddr {public} dnat ip to {private}" in chain(text, "host_output")
    assert chain(text, "postrouting")[-1].endswith(f"ip saddr {private} snat ip to {public}")


def test_a_private_address_cannot_be_reached_from_outside(place: Place) -> None:
    lines = chain(firewall.render(place, [instance(place, 10)], {}), "outgoing")
    refused = f"ip saddr {place.internet} ip daddr {place.vpc} ip daddr != {place.gateway} drop"
    on_premise = next(line for line in lines if line.startswith(f"ip saddr {place.internet} ip saddr != "))
    assert lines.index(refused) < lines.index(on_premise)


def test_a_machine_without_a_public_address_leaves_the_vpc_only_through_a_nat_gateway(place: Place) -> None:
    kept, translated, public = instance(place, 10), instance(place, 11, nat=21), instance(place, 12, public=22)
    text = firewall.render(place, [kept, translated, public], {})
    outgoing = chain(text, "outgoing")
    dropped = f"ip saddr {{ {kept.address} }} ip daddr {{ {place.gateway}, {place.internet} }} drop"
    assert outgoing.index(dropped) < outgoing.index(next(line for line in outgoing if "vmap" in line))
    assert not [line for line in outgoing if line.endswith(" drop") and str(translated.address) in line]
    to_public = chain(text, "postrouting")
    assert [line.partition("ip saddr ")[2] for line in to_public if "snat" in line] == [
        f"{translated.address} snat ip to {translated.nat_address}",
        f"{public.address} snat ip to {public.public_address}",
    ]
    assert str(translated.nat_address) not in "".join(chain(text, "prerouting")), "it does not let anyone in"


def test_the_metadata_service_is_only_for_the_vpc(place: Place) -> None:
    text = firewall.render(place, [], {})
    (rule,) = [line for line in chain(text, "prerouting") if firewall.METADATA_ADDRESS in line]
    assert f"ip saddr {place.vpc} " in rule
    assert rule.endswith(f"dnat ip to {place.gateway}:1338")


def test_an_instance_without_an_address_in_the_vpc_is_left_out(place: Place) -> None:
    elsewhere = Instance("i-1", "eu-north-1", "running", "t3.small", "", IPv4Address("172.31.0.9"))
    nowhere = Instance("i-2", "eu-north-1", "running", "t3.small", "", None)
    text = firewall.render(place, [elsewhere, nowhere], {})
    assert "i_1" not in text
    assert "i_2" not in text
    assert chain(text, "incoming")[-1] == f"ip daddr {place.vpc} drop"
    assert chain(text, "outgoing")[-1] == "meta protocol ip drop"


def test_the_order_of_the_instances_does_not_matter(place: Place) -> None:
    fleet = [instance(place, number, "sg-1") for number in (12, 10, 11)]
    groups = {"sg-1": Group("sg-1", ingress=OUT, egress=OUT)}
    assert firewall.render(place, fleet, groups) == firewall.render(place, fleet[::-1], groups)


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("nft"), reason="nft's own check needs root and nft")
def test_nft_accepts_the_text(place: Place) -> None:
    rules = (
        Rule("-1", networks=ANY),
        Rule("tcp", 1, 2, networks=ANY, groups=("sg-1",)),
        Rule("icmp", 3, 4, networks=ANY),
        Rule("50", networks=ANY),
        Rule("udp", networks=(IPv4Network("10.0.0.0/8"),)),
    )
    fleet = [instance(place, 10, "sg-1", public=20), instance(place, 11, "sg-1"), instance(place, 12, nat=21)]
    text = firewall.render(place, fleet, {"sg-1": Group("sg-1", rules, rules)})
    checked = subprocess.run(["nft", "-c", "-f", "-"], input=text, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
