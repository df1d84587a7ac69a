"""Ranges of IPv4 addresses that may reach the server."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from ipaddress import IPv4Network
from typing import Any

from settings.mistakes import WrongValueError

_NOBODYS = {
    IPv4Network("0.0.0.0/8"): "this-network",
    IPv4Network("127.0.0.0/8"): "loopback",
    IPv4Network("169.254.0.0/16"): "link-local",
    IPv4Network("192.0.0.0/24"): "protocol-assignment",
    IPv4Network("224.0.0.0/4"): "multicast",
    IPv4Network("240.0.0.0/4"): "reserved",
}
"""Ranges from which no packet can come (iana.org/assignments/iana-ipv4-special-registry). EC2 would accept such
rules."""
_NOBODYS_TOGETHER = tuple(ipaddress.collapse_addresses(_NOBODYS))


def cidr(value: Any) -> IPv4Network:
    """An IPv4 range in CIDR notation whose host bits are zero, as EC2's security group rules require
    (docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpRange.html)."""
    example = "write an IPv4 range such as 203.0.113.0/24, or 203.0.113.7/32 for one address"
    if not isinstance(value, str) or ":" in value:
        raise WrongValueError("is not an IPv4 range", example)
    if re.fullmatch(r"[0-9.]+", value):
        try:
            ipaddress.IPv4Address(value)
        except ValueError:
            raise WrongValueError("is not an IPv4 range", example) from None
        raise WrongValueError("has no prefix length", "write {it}/32 if you mean this one address", it=value)
    if not re.fullmatch(r"[0-9.]+/(0|[1-9][0-9]?)", value):
        raise WrongValueError("is not an IPv4 range", example)
    try:
        network = IPv4Network(value, strict=False)
    except ValueError:
        raise WrongValueError("is not an IPv4 range", example) from None
    if str(network) != value:
        address = value.partition("/")[0]
        instead = "write {network} for the range, or {address}/32 for the one address"
        raise WrongValueError("has bits set beyond its prefix", instead, network=network, address=address)
    for nobodys, kind in _NOBODYS.items():
        if network.subnet_of(nobodys):
            raise WrongValueError(f"is a {kind} range, from which no client can connect", example)
    if any(network.subnet_of(together) for together in _NOBODYS_TOGETHER):
        raise WrongValueError("has only ranges from which no client can connect", example)
    return network


ALL = 2**32
MANY = 2**24
"""Addresses: a /8."""
_PRIVATE = [IPv4Network(each) for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")]
"""Private networks: RFC 1918, and RFC 6598's for carriers."""


def count(ranges: Iterable[IPv4Network]) -> int:
    """The number of addresses in the ranges, without those of private networks."""
    collapsed = list(ipaddress.collapse_addresses(ranges))
    inside = [private for private in _PRIVATE if any(private.subnet_of(each) for each in collapsed)]
    own = [each for each in collapsed if any(each.subnet_of(private) for private in _PRIVATE)]
    private = ipaddress.collapse_addresses([*inside, *own])
    return sum(each.num_addresses for each in collapsed) - sum(each.num_addresses for each in private)
