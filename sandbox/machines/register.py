"""The machines of a place, which any process can find by the machine.json in their folders."""

from __future__ import annotations

import json
from ipaddress import IPv4Address

from sandbox.errors import SandboxError
from sandbox.machines.machine import Machine
from sandbox.place import Place


def all_machines(place: Place) -> list[Machine]:
    """Every machine of the place that has a folder, running or not."""
    found = []
    for file in sorted((place.state / "machines").glob("*/machine.json")):
        facts = json.loads(file.read_text())
        found.append(Machine(place, facts["id"], IPv4Address(facts["address"])))
    return found


def find(place: Place, wanted: str) -> Machine:
    """The machine with this id, name or address. Raises SandboxError, which lists all machines, if there is none."""
    machines = all_machines(place)
    matches = []
    for machine in machines:
        facts = json.loads((machine.folder / "machine.json").read_text())
        if wanted in {facts["id"], facts.get("name"), facts["address"], facts.get("public_address")}:
            matches.append(machine)
    # A replaced instance and its successor share a name: prefer the running one.
    if len(matches) > 1:
        matches.sort(key=lambda machine: machine.leader is None)
    if not matches:
        known = ", ".join(machine.id for machine in machines) or "none"
        raise SandboxError(f"There is no machine {wanted!r} here. Known: {known}.")
    return matches[0]
