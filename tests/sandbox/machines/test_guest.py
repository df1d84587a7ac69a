"""The files that are written to a machine's file system before its first boot."""

from __future__ import annotations

import configparser
import re
from ipaddress import IPv4Address
from pathlib import Path

import yaml

from sandbox.machines import guest
from sandbox.place import Place

ADDRESS, GATEWAY = IPv4Address("198.18.4.10"), IPv4Address("198.18.4.1")


def test_the_seed_has_meta_data_and_byte_identical_user_data(tmp_path: Path) -> None:
    data = b"\x1f\x8b\x00 not text \xff\n"
    guest.write_seed(tmp_path, "i-1", ADDRESS, data, ["ssh-ed25519 AAAA me"])
    seed = tmp_path / "var/lib/cloud/seed/nocloud"
    assert (seed / "user-data").read_bytes() == data
    assert (seed / "user-data").stat().st_mode & 0o077 == 0
    assert yaml.safe_load((seed / "meta-data").read_text()) == {
        "instance-id": "i-1",
        "local-hostname": "ip-198-18-4-10",
        "public-keys": ["ssh-ed25519 AAAA me"],
    }


def test_the_seed_without_a_key_pair_has_no_public_keys() -> None:
    assert "public-keys" not in yaml.safe_load(guest.metadata("i-1", "ip-1"))


def test_all_traffic_goes_through_the_gateway() -> None:
    network = configparser.ConfigParser()
    network.read_string(guest.network_file(ADDRESS, GATEWAY))
    assert network["Match"]["Name"] == "ens5"
    assert network["Network"]["Address"] == f"{ADDRESS}/32"
    assert dict(network["Route"]) == {"gateway": str(GATEWAY), "gatewayonlink": "yes"}


def test_the_hosts_file_has_every_aws_endpoint_that_user_data_can_call() -> None:
    lines = [line.split() for line in guest.hosts_file("ip-1", GATEWAY).splitlines()]
    at_gateway = {name for line in lines if line and line[0] == str(GATEWAY) for name in line[1:]}
    assert "packages.sandbox.internal" in at_gateway
    assert {f"ssm.{region}.amazonaws.com" for region in ("eu-north-1", "us-east-1", "ap-south-1")} <= at_gateway
    assert {f"{service}.eu-central-1.amazonaws.com" for service in guest.AWS_SERVICES} <= at_gateway
    assert {"s3.amazonaws.com", "sts.amazonaws.com"} <= at_gateway
    assert ["127.0.1.1", "ip-1"] in lines


def test_machine_ids_are_stable_and_unique(tmp_path: Path) -> None:
    place, other = Place(tmp_path), Place(tmp_path, "test")
    first = guest.machine_id(place, "i-1")
    assert re.fullmatch("[0-9a-f]{32}", first)
    assert first == guest.machine_id(place, "i-1")
    assert len({first, guest.machine_id(place, "i-2"), guest.machine_id(other, "i-1")}) == 3


def test_apt_trusts_only_the_sandbox_s_key() -> None:
    assert yaml.safe_load(guest.apt_sources()) == {
        "Types": "deb",
        "URIs": "http://packages.sandbox.internal/debian",
        "Suites": "trixie",
        "Components": "main",
        "Signed-By": "/usr/share/keyrings/sandbox-debian.gpg",
    }
