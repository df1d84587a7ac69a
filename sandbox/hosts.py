"""The on-premise machines that `make up` boots in addition to AWS, and what an operator knows about them.

An operator creates a key pair and reads a new machine's host key off its console. Here all keys are created in advance,
so that they are known before the machines boot. The machines get the operator's public key and their own host key, and
nothing else of the project.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.machines import guest, on_premise
from sandbox.machines.system import run
from sandbox.place import Place

STACK = "sandbox"
"""The only stack that has these hosts: two stacks would overwrite each other's agent configuration."""


@dataclass(frozen=True)
class Declared:
    """A machine as the stack's configuration names it."""

    name: str
    tags: dict[str, str]
    units: tuple[str, ...]


HOSTS = (
    Declared("db-1", {"role": "database"}, ("ssh.service",)),
    Declared("web-1", {"role": "web"}, ("ssh.service",)),
)


def boot(place: Place) -> None:
    """Declare the machines, so that the machines daemon boots them. Other declared machines stay."""
    names = [host.name for host in HOSTS]
    others = [host for host in on_premise.declared(place) if host.name not in names]
    public = _key(place, "operator").with_suffix(".pub").read_text().strip()
    own = [
        on_premise.Host(name, address, public, _key(place, name))
        for name, address in zip(names, place.on_premise_addresses, strict=False)
    ]
    on_premise.declare(place, own + others)


def operator_key(place: Place) -> str:
    """The private key with which the operator logs in to the machines. A secret."""
    return _key(place, "operator").read_text()


def settings(place: Place) -> list[dict[str, Any]]:
    """The machines as the setting `hosts`, without the private key."""
    return [
        {
            "name": host.name,
            "address": str(address),
            "user": guest.ON_PREMISE_USER,
            "hostKey": " ".join(_key(place, host.name).with_suffix(".pub").read_text().split()[:2]),
            "tags": host.tags,
            "inputs": {"systemdUnits": {"units": list(host.units)}},
        }
        for host, address in zip(HOSTS, place.on_premise_addresses, strict=False)
    ]


def _key(place: Place, name: str) -> Path:
    """The file of a private key, with its public half next to it; created if missing."""
    folder = place.state / "ssh"
    folder.mkdir(mode=0o700, exist_ok=True)
    file = folder / name
    if not file.exists():
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", file)
    return file
