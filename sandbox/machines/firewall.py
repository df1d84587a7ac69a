"""The firewall of the sandbox's network: security groups, elastic addresses, metadata.

`render` is a pure function from what EC2 reports to the text of an nftables table; `apply` loads that into the kernel
in one transaction. Security groups see a packet as the machine itself does: an outgoing one before any address is
rewritten, an incoming one afterwards. Replies belong to the connection and pass, as on EC2.

A private address cannot be reached from outside the VPC. A machine without a public address leaves the VPC through a
NAT gateway or not at all; the host's services (packages, AWS) count as outside, too.

Not modelled: endpoints in the VPC, which would serve AWS without a NAT gateway; IPv6 (the network has none); prefix
lists.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Address

from sandbox.machines.fleet import Group, Instance, Rule
from sandbox.machines.network import interface_group
from sandbox.machines.system import run
from sandbox.place import Place

METADATA_ADDRESS = "169.254.169.254"
METADATA_PORT = 1338
HOST_PORTS = "80, 443, 1338"
"""The ports for packages, AWS and metadata: machines reach no others on the host."""


def render(place: Place, instances: Iterable[Instance], groups: Mapping[str, Group]) -> str:
    """The table for these instances, except those without a private address in the VPC.

    Returns nft's input, which replaces the table in one transaction. Equal input gives equal text.
    """
    here = sorted(
        (one for one in instances if one.address is not None and one.address in place.vpc),
        key=lambda one: (int(one.address or 0), one.id),
    )
    members: dict[str, list[IPv4Address]] = {}
    for one in here:
        for group in one.groups:
            members.setdefault(group, []).append(one.address or place.gateway)
    table = place.bridge
    chains = [
        _addresses(place, here),
        _host(place),
        _outgoing(place, here),
        _incoming(place, here),
    ]
    for one in here:
        own = [groups[group] for group in one.groups if group in groups]
        chains.append(_chain(_name("out", one), [rule for group in own for rule in group.egress], "daddr", members))
        chains.append(_chain(_name("in", one), [rule for group in own for rule in group.ingress], "saddr", members))
    body = "\n".join(chains)
    return f"table inet {table}\ndelete table inet {table}\ntable inet {table} {{\n{body}}}\n"


def apply(text: str) -> None:
    """Load a rendered table into the kernel. Raises SandboxError with nft's error."""
    run("nft", "-f", "-", stdin=text)


def _name(direction: str, one: Instance) -> str:
    return f"{direction}_{one.id.replace('-', '_')}"


def _block(name: str, hook: str, lines: Sequence[str]) -> str:
    body = "".join(f"    {line}\n" for line in ([f"type {hook}; policy accept;"] if hook else []) + list(lines))
    return f"  chain {name} {{\n{body}  }}\n"


def _verdicts(direction: str, here: Sequence[Instance]) -> str:
    return ", ".join(f"{one.address} : goto {_name(direction, one)}" for one in here)


def _addresses(place: Place, here: Sequence[Instance]) -> str:
    """Rewrite the elastic and metadata addresses to real ones, and the source of packets that leave the VPC to the
    elastic address."""
    pairs = [(one.address, one.public_address) for one in here if one.public_address is not None]
    to_private = [f"ip daddr {public} dnat ip to {private}" for private, public in pairs]
    metadata = (
        f"iifgroup {interface_group(place)} ip saddr {place.vpc} ip daddr {METADATA_ADDRESS} tcp dport 80 "
        f"dnat ip to {place.gateway}:{METADATA_PORT}"
    )
    # A machine that connects to another's elastic address does so from its own elastic address, as on EC2.
    leaving = f"oifgroup {interface_group(place)} ct original ip daddr != {place.vpc}"
    seen_as = [(one.address, one.public_address or one.nat_address) for one in here]
    to_public = [f"{leaving} ip saddr {private} snat ip to {public}" for private, public in seen_as if public]
    return (
        _block("prerouting", "nat hook prerouting priority -100", [metadata, *to_private])
        + _block("host_output", "nat hook output priority -100", to_private)
        + _block("postrouting", "nat hook postrouting priority 100", to_public)
    )


def _host(place: Place) -> str:
    """Let machines reach the host's three ports and each other, and forward nothing anywhere else."""
    group = interface_group(place)
    return _block(
        "to_host",
        "filter hook input priority 0",
        [
            f"iifgroup != {interface_group(place)} accept",
            "ct state established,related accept",
            f"ip daddr {place.gateway} tcp dport {{ {HOST_PORTS} }} accept",
            "drop",
        ],
    ) + _block(
        "through_host",
        "filter hook forward priority 0",
        [
            f"iifgroup {group} oifgroup {group} accept",
            f"iifgroup {group} drop",
            f"oifgroup {group} drop",
        ],
    )


def _outgoing(place: Place, here: Sequence[Instance]) -> str:
    """Apply the groups' egress rules to each instance's packets, before any rewriting."""
    lines = [
        f"iifgroup != {interface_group(place)} accept",
        "ct state established,related accept",
        f"ip saddr {place.internet} ip daddr {place.vpc} ip daddr != {place.gateway} drop",
        f"ip saddr {place.internet} ip saddr != {{ {_list(place.elastic_addresses)} }} accept",
        f"ip saddr {place.vpc} ip daddr {METADATA_ADDRESS} tcp dport 80 accept",
    ]
    if kept := [str(one.address) for one in here if not one.public_address and not one.nat_address]:
        outside = f"{{ {place.gateway}, {place.internet} }}"
        lines.append(f"ip saddr {{ {', '.join(kept)} }} ip daddr {outside} drop")
    if here:
        lines.append(f"ip saddr vmap {{ {_verdicts('out', here)} }}")
    return _block("outgoing", "filter hook prerouting priority -110", [*lines, "meta protocol ip drop"])


def _incoming(place: Place, here: Sequence[Instance]) -> str:
    """Apply the groups' ingress rules to the packets to each instance, after all rewriting."""
    lines = [
        f"oifgroup != {interface_group(place)} accept",
        "ct state established,related accept",
    ]
    if here:
        lines.append(f"ip daddr vmap {{ {_verdicts('in', here)} }}")
    return _block("incoming", "filter hook postrouting priority 110", [*lines, f"ip daddr {place.vpc} drop"])


def _chain(name: str, rules: Sequence[Rule], side: str, members: Mapping[str, Sequence[IPv4Address]]) -> str:
    matches = {line for rule in rules for line in _matches(rule, side, members)}
    return _block(name, "", [*sorted(matches), "drop"])


def _matches(rule: Rule, side: str, members: Mapping[str, Sequence[IPv4Address]]) -> list[str]:
    """One nft rule per peer of a permission; none for a group without members."""
    peers = [str(network) for network in rule.networks]
    peers += [str(address) for group in rule.groups for address in members.get(group, ())]
    traffic = _traffic(rule)
    return [
        " ".join(part for part in ("" if peer == "0.0.0.0/0" else f"ip {side} {peer}", traffic, "accept") if part)
        for peer in peers
    ]


def _traffic(rule: Rule) -> str:
    """The part of an nft rule that selects the packets of a permission; empty for all traffic."""
    protocol = {"6": "tcp", "17": "udp", "1": "icmp"}.get(rule.protocol, rule.protocol)
    if protocol == "-1":
        return ""
    if protocol in ("tcp", "udp"):
        if rule.first is None or rule.last is None or (rule.first, rule.last) == (-1, -1):
            return f"meta l4proto {protocol}"
        ports = str(rule.first) if rule.first == rule.last else f"{rule.first}-{rule.last}"
        return f"{protocol} dport {ports}"
    if protocol == "icmp":
        kind = "" if rule.first in (None, -1) else f" icmp type {rule.first}"
        code = "" if rule.last in (None, -1) or not kind else f" icmp code {rule.last}"
        return f"meta l4proto icmp{kind}{code}"
    return f"meta l4proto {protocol}"


def _list(addresses: Sequence[IPv4Address]) -> str:
    """Adjacent addresses as one interval."""
    return f"{addresses[0]}-{addresses[-1]}"
