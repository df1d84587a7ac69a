"""The sandbox's own network: a place's slot, its bridge, and its machines' cables.

The bridge has the gateway's address. Machines are not ports of the bridge: each has a cable (a veth pair) with its
own route, so that the host routes every packet between machines through the firewall, and the kernel drops packets
with forged source addresses. (As isolated ports of a bridge, machines could not reach each other's elastic addresses
on hosts with br_netfilter, which delivers rewritten packets directly to the port.) All interfaces of a place are in
one interface group, by which the firewall matches them.
"""

from __future__ import annotations

import hashlib
import json
import socket
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

from sandbox.errors import SandboxError
from sandbox.locks import locked
from sandbox.machines.system import run, succeeds
from sandbox.place import SLOTS, Place, cache_folder

ALIAS_LENGTH = 250
"""Characters: the kernel allows at most 255 bytes for an interface's alias."""

GROUPS_FROM = 27904
"""The interface group of slot 0: an arbitrary number that is not in use."""

INTERFACE_UP = 1


def owner_mark(place: Place) -> str:
    """The bridge's alias: the state folder that it belongs to; if that is very long, its hash and its end."""
    path = str(place.state)
    if len(path) <= ALIAS_LENGTH:
        return path
    return f"{hashlib.sha256(path.encode()).hexdigest()[:16]}…{path[-200:]}"


def bridge_owner(name: str) -> str | None:
    """The alias of a bridge, "" if it has none, or None if there is no such interface."""
    alias = Path("/sys/class/net") / name / "ifalias"
    return alias.read_text().strip() if alias.exists() else None


def is_free(place: Place, slot: int) -> bool:
    """Whether the place can use this slot: bridge, addresses and loopback ports are free or its own."""
    candidate = Place(place.checkout, place.name)
    candidate.__dict__["slot"] = slot  # sets the cached property without recording a claim
    owner = bridge_owner(candidate.bridge)
    if owner is not None:
        return owner == owner_mark(place)
    if any(candidate.network.overlaps(network) for network in _host_networks()):
        return False
    return all(_port_is_free(port) for port in (candidate.aws_port, candidate.viewer_port))


def claim_slot(place: Place) -> int:
    """Claim a slot for the place: the one it has, else its preferred one, else the next free one after that.

    Under a lock, records the claim in the state folder and creates the bridge (still without an address), so that
    another checkout that claims a slot at the same time takes a different one. Returns the slot.
    Raises SandboxError when all 256 are taken.
    """
    with locked(cache_folder() / "slots.lock"):
        first: int = place.slot
        for step in range(SLOTS):
            slot = (first + step) % SLOTS
            if is_free(place, slot):
                place.claim(slot)
                _add_bridge(place)
                return slot
    raise SandboxError(
        f"All {SLOTS} slots for local environments are taken. Run `make down` where one is no longer needed."
    )


def create(place: Place) -> None:
    """Create the bridge with the gateway's address and the route for the upper /24; safe to repeat.

    Raises SandboxError if a bridge of that name belongs to something else.
    """
    _add_bridge(place)
    _configure(place, place.bridge)
    run("ip", "address", "replace", f"{place.gateway}/{place.vpc.prefixlen}", "dev", place.bridge)
    run("ip", "link", "set", place.bridge, "up")
    run("ip", "route", "replace", str(place.internet), "dev", place.bridge, "src", str(place.gateway))


def destroy(place: Place) -> None:
    """Remove the bridge and the place's firewall, if they exist and belong to it."""
    if bridge_owner(place.bridge) == owner_mark(place):
        run("ip", "link", "delete", place.bridge)
        succeeds("nft", "delete", "table", "inet", place.bridge)


def interface_group(place: Place) -> int:
    """The number of the interface group that the bridge and all cables of the place are in."""
    return GROUPS_FROM + place.slot


def port_name(place: Place, address: IPv4Address) -> str:
    """The name of the host's end of a machine's cable: the bridge's name and the address's number in the /23."""
    return f"{place.bridge}v{int(address) - int(place.network.network_address)}"


def plug_in(place: Place, address: IPv4Address) -> bool:
    """Connect a machine's cable, so that packets for its address go there; returns False if it has no cable (yet)."""
    port = port_name(place, address)
    flags = Path("/sys/class/net") / port / "flags"
    try:
        if int(flags.read_text(), 16) & INTERFACE_UP:
            return True
        _configure(place, port)
        run("ip", "address", "replace", f"{place.gateway}/32", "dev", port)
        run("ip", "link", "set", port, "up")
        run("ip", "route", "replace", f"{address}/32", "dev", port, "src", str(place.gateway))
    except (OSError, SandboxError):
        if flags.exists():
            raise
        return False  # there is no cable, or no longer
    return True


def unplug(place: Place, address: IPv4Address) -> None:
    """Pull a machine's cable: the machine's end loses its carrier."""
    port = port_name(place, address)
    if bridge_owner(port) is not None:
        run("ip", "link", "set", port, "down")


def remove_cable(place: Place, address: IPv4Address) -> None:
    """Remove a leftover cable of a machine that is off: with it, systemd-nspawn would refuse to boot. The kernel
    removes the cable with the machine's network namespace, which a process from inside can keep alive longer."""
    port = port_name(place, address)
    if bridge_owner(port) is not None and not succeeds("ip", "link", "delete", port) and bridge_owner(port) is not None:
        raise SandboxError(f"The network cable of {address} cannot be removed.")


def _configure(place: Place, interface: str) -> None:
    """Put an interface into the place's group, enable forwarding, and disable IPv6."""
    run("ip", "link", "set", interface, "group", str(interface_group(place)))
    for setting, value in {
        f"net/ipv6/conf/{interface}/disable_ipv6": 1,
        f"net/ipv4/conf/{interface}/forwarding": 1,
        f"net/ipv4/conf/{interface}/send_redirects": 0,
        f"net/ipv4/conf/{interface}/accept_redirects": 0,
        f"net/ipv4/conf/{interface}/rp_filter": 1,
    }.items():
        path = Path("/proc/sys") / setting
        if path.exists():
            path.write_text(f"{value}\n")


def _add_bridge(place: Place) -> None:
    owner = bridge_owner(place.bridge)
    if owner is None:
        run("ip", "link", "add", place.bridge, "type", "bridge", "stp_state", "0", "forward_delay", "0")
        run("ip", "link", "set", place.bridge, "alias", owner_mark(place))
    elif owner != owner_mark(place):
        raise SandboxError(f"The bridge {place.bridge} belongs to {owner or 'something else'}. Run `make down` there.")


def _host_networks() -> list[IPv4Network]:
    interfaces: list[dict[str, Any]] = json.loads(run("ip", "-json", "-4", "address"))
    return [
        IPv4Network((info["local"], info["prefixlen"]), strict=False)
        for interface in interfaces
        for info in interface.get("addr_info", [])
    ]


def _port_is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
