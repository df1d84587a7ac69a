"""A further machine outside AWS, which no stack knows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sandbox.machines import on_premise
from tests.live.environment import PLACE
from tests.support.waiting import eventually


@dataclass(frozen=True)
class OnPremiseHost:
    """A machine, and where this machine keeps its public host key and its user's private key."""

    name: str
    address: str
    folder: Path

    @property
    def host_key(self) -> str:
        """Its public host key, as the setting `hosts` takes it."""
        return " ".join((self.folder / "host_key.pub").read_text().split()[:2])

    @property
    def user_key(self) -> Path:
        """The private key with which its user logs in."""
        return self.folder / "user_key"


@contextmanager
def on_premise_host(name: str, number: int) -> Iterator[OnPremiseHost]:
    """Boot a machine with the address of this number; it is removed afterwards."""
    declared = on_premise.declared(PLACE)
    address = PLACE.on_premise_addresses[number]
    on_premise.declare(PLACE, [*declared, on_premise.Host(name, address)])
    made = OnPremiseHost(name, str(address), PLACE.state / "machines" / name)
    try:
        assert eventually(lambda: (made.folder / "host_key.pub").exists() and made.user_key.exists())
        yield made
    finally:
        on_premise.declare(PLACE, declared)
        assert eventually(lambda: not made.folder.exists())
