"""Where a local environment lives: its folder, bridge, addresses and ports.

Everything is derived from the state folder's path, so that two checkouts, or two environments of one checkout, run
side by side. They share only the toolchain's cache.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

BENCHMARK_NETWORK = IPv4Network("198.18.0.0/15")
"""RFC 2544's range for benchmarking network devices, which is never routed on the internet. Each place takes a /23."""

SLOTS = 256
LOOPBACK_PORTS_FROM = 21000
PORTS_PER_SLOT = 10


def cache_folder() -> Path:
    """The toolchain's cache, shared by all checkouts of this user."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "monitoring-sandbox"


@dataclass(frozen=True)
class Place:
    """One local environment.

    checkout: the folder with Pulumi.yaml.
    name: which of the checkout's environments: `default` for `make up`, `test` for the test suite.
    """

    checkout: Path
    name: str = "default"

    @classmethod
    def here(cls) -> Place:
        """The place of the checkout that this file belongs to: `default`, or the one that SANDBOX_NAME names."""
        return cls(Path(__file__).resolve().parent.parent, os.environ.get("SANDBOX_NAME", "default"))

    @property
    def state(self) -> Path:
        """The folder for everything that the environment writes; git ignores it."""
        return self.checkout / ".sandbox" / self.name

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    @cached_property
    def slot(self) -> int:
        """The number, 0 to 255, from which all of this place's names and addresses are derived.

        The slot recorded by `claim`, which differs from the path's hash if another place had that one; before that,
        the hash.
        """
        claimed = self.state / "slot.json"
        if claimed.exists():
            return int(json.loads(claimed.read_text())["slot"])
        return self.preferred_slot

    @property
    def preferred_slot(self) -> int:
        return hashlib.sha256(str(self.state).encode()).digest()[0]

    def claim(self, slot: int) -> None:
        """Record that this place uses `slot` (see `network.claim_slot`)."""
        self.state.mkdir(parents=True, exist_ok=True)
        (self.state / "slot.json").write_text(json.dumps({"slot": slot}) + "\n")
        self.__dict__.pop("slot", None)

    @property
    def bridge(self) -> str:
        return f"mon{self.slot}"

    @property
    def network(self) -> IPv4Network:
        """This place's /23."""
        start = BENCHMARK_NETWORK.network_address + self.slot * 512
        return IPv4Network((int(start), 23))

    @property
    def vpc(self) -> IPv4Network:
        """The default VPC's range: the lower /24. EC2 instances' private addresses come from it."""
        return IPv4Network((int(self.network.network_address), 24))

    @property
    def internet(self) -> IPv4Network:
        """The upper /24, which stands in for the rest of the world: elastic IPs and on-premise machines."""
        return IPv4Network((int(self.network.network_address) + 256, 24))

    @property
    def gateway(self) -> IPv4Address:
        """The bridge's own address, at which guests reach the host (router, package server, AWS endpoints)."""
        return self.vpc.network_address + 1

    @property
    def elastic_addresses(self) -> list[IPv4Address]:
        """The pool of elastic IPs: .10 to .99 of the upper /24."""
        return [self.internet.network_address + number for number in range(10, 100)]

    @property
    def on_premise_addresses(self) -> list[IPv4Address]:
        """The addresses for on-premise machines: .130 to .199 of the upper /24."""
        return [self.internet.network_address + number for number in range(130, 200)]

    @property
    def aws_port(self) -> int:
        """The local AWS's port on 127.0.0.1 (plain HTTP, for the operator)."""
        return LOOPBACK_PORTS_FROM + self.slot * PORTS_PER_SLOT

    @property
    def aws_url(self) -> str:
        return f"http://127.0.0.1:{self.aws_port}"

    @property
    def viewer_port(self) -> int:
        """The dashboard viewer's port on 127.0.0.1."""
        return self.aws_port + 1

    @property
    def viewer_url(self) -> str:
        return f"http://127.0.0.1:{self.viewer_port}"
