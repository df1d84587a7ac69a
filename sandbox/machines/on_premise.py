"""On-premise machines: hosts outside AWS that are declared in the state folder and reached over SSH."""

from __future__ import annotations

import json
from concurrent.futures import Executor
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.machines import guest
from sandbox.machines.keeper import Keeper
from sandbox.machines.machine import Machine
from sandbox.machines.system import run
from sandbox.place import Place


@dataclass(frozen=True)
class Host:
    """A declared host.

    authorized_key: the public key that may log in as `debian`; None: a key pair is created.
    host_key: the file of its private ed25519 host key, with the public key next to it; None: one is created.
    """

    name: str
    address: IPv4Address
    authorized_key: str | None = None
    host_key: Path | None = None


def file(place: Place) -> Path:
    """The declaration: a JSON list of {"name", "address", and optionally "authorized_key" and "host_key"}."""
    return place.state / "on_premise.json"


def declare(place: Place, hosts: list[Host]) -> None:
    """Write the declaration. Within a second or two, the daemon boots new hosts and removes those no longer listed."""
    entries = [
        {"name": host.name, "address": str(host.address)}
        | ({"authorized_key": host.authorized_key} if host.authorized_key else {})
        | ({"host_key": str(host.host_key)} if host.host_key else {})
        for host in hosts
    ]
    temporary = file(place).with_suffix(".new")
    temporary.write_text(json.dumps(entries, indent=2) + "\n")
    temporary.rename(file(place))


def declared(place: Place) -> list[Host]:
    """The declared hosts; empty without a declaration.

    Raises SandboxError for a malformed declaration, an address outside the pool or an invalid name.
    """
    if not file(place).exists():
        return []
    try:
        hosts = [
            Host(
                str(entry["name"]),
                IPv4Address(entry["address"]),
                entry.get("authorized_key"),
                Path(entry["host_key"]) if "host_key" in entry else None,
            )
            for entry in json.loads(file(place).read_text())
        ]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SandboxError(f'{file(place)} is not a list of {{"name": …, "address": …}}: {error}') from error
    for host in hosts:
        if host.address not in place.on_premise_addresses:
            first, last = place.on_premise_addresses[0], place.on_premise_addresses[-1]
            raise SandboxError(f"Host {host.name}: {host.address} is not between {first} and {last}.")
        if host.name.startswith("i-") or not host.name.replace("-", "").isalnum():
            wrong = "a name consists of letters, digits and dashes, and is not an instance id"
            raise SandboxError(f"Host {host.name!r}: {wrong}.")
    return hosts


def user_key(machine: Machine) -> Path:
    """The file of the private key that can log in as `debian`, unless the declaration has an authorized key."""
    return machine.folder / "user_key"


class HostKeeper(Keeper):
    """Keeps a declared host running."""

    def __init__(self, machine: Machine, executor: Executor, host: Host) -> None:
        super().__init__(machine, executor)
        self._host = host

    def turn(self) -> None:
        """Must be called every second while the host is declared."""
        self.machine.record(name=self._host.name)
        self.keep_running()

    def prepare(self) -> dict[str, Path]:
        machine, host = self.machine, self._host
        machine.mount()
        provisioned = machine.folder / "provisioned"
        if not provisioned.exists():
            key = host.authorized_key or self._own_key()
            if host.host_key:
                guest.install_host_key(machine.root, host.host_key)
            public = guest.provision_host(machine.place, machine.root, host.name, host.address, key)
            (machine.folder / "host_key.pub").write_text(public + "\n")
            provisioned.touch()
        return {}

    def _own_key(self) -> str:
        private = user_key(self.machine)
        if not private.exists():
            run(
                "ssh-keygen",
                "-q",
                "-t",
                "ed25519",
                "-N",
                "",
                "-C",
                f"sandbox@{self._host.name}",
                "-f",
                private,
            )
        return private.with_suffix(".pub").read_text()
