"""Where machines and services are: addresses, ranges of them, names, and addresses of the web."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address
from typing import Annotated, Any

from pydantic import BeforeValidator

from settings import values as v
from settings.mistakes import WrongValueError

_ALONE = "write it alone, such as 198.51.100.7 or web-1.example.com"
_ZONE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,14}")
"""An interface's name, as far as it needs no quotes anywhere (man 7 netdevice: at most 15 bytes)."""


def host(value: Any) -> str:
    """A host's name or its IPv4 or IPv6 address in its canonical form; no user, no port."""
    written = v.text(value)
    try:
        address = ipaddress.ip_address(written)
    except ValueError:
        label = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
        whole = rf"{label}(\.{label})*"
        # What has only digits and dots is an address that is wrong.
        if len(written) > 253 or re.fullmatch(r"[0-9.]+", written) or not re.fullmatch(whole, written):
            raise WrongValueError("is not a host's name or address", _ALONE) from None
        return written
    if isinstance(address, IPv6Address):
        if address.scope_id is not None and not (address.is_link_local and _ZONE.fullmatch(address.scope_id)):
            raise WrongValueError("is not a host's name or address", "leave out what follows the %")
        if address.ipv4_mapped:
            address = address.ipv4_mapped
    if _of_no_host(address):
        raise WrongValueError("is no single host's address (multicast, reserved or 0.0.0.0)", _ALONE)
    return str(address)


def machine(value: Any) -> str:
    """As `host`, and another machine than the one that Pulumi runs on: the agent's installer goes there by SSH."""
    written = host(value)
    try:
        here = ipaddress.ip_address(written).is_loopback
    except ValueError:
        here = written.lower() == "localhost" or written.lower().endswith(".localhost")  # RFC 6761, 6.3
    if here:
        raise WrongValueError("is whatever machine Pulumi runs on", "write the address others reach it at")
    return written


def _of_no_host(address: IPv4Address | IPv6Address) -> bool:
    """IANA's special-purpose registries: multicast, reserved for later, "this host"."""
    reserved = address.is_reserved and isinstance(address, IPv4Address)
    return address.is_multicast or address.is_unspecified or reserved


_NOBODYS = {
    IPv4Network("0.0.0.0/8"): "this host",
    IPv4Network("127.0.0.0/8"): "loopback",
    IPv4Network("169.254.0.0/16"): "link-local",
    IPv4Network("224.0.0.0/4"): "multicast",
    IPv4Network("240.0.0.0/4"): "reserved",
}
"""Ranges from which nothing arrives (iana.org/assignments/iana-ipv4-special-registry). EC2 would take the rules."""


def cidr(value: Any) -> IPv4Network:
    """An IPv4 range in CIDR notation whose host bits are zero, as EC2's rules of security groups take it
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
            raise WrongValueError(f"is a {kind} range, from which nobody comes", example)
    return network


HALF = 2**31
"""Half of all IPv4 addresses."""


def count(ranges: Iterable[IPv4Network]) -> int:
    """How many addresses the ranges have together."""
    return sum(each.num_addresses for each in ipaddress.collapse_addresses(ranges))


NAME = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?){0,9}"
"""A machine's name, or its IPv4 address."""

LONGEST_ADDRESS = 4000
LONGEST_PLACE = 1024
"""Characters of an address that the server's files hold: each is a parameter of at most 8 KiB."""
MOST_PORTS = 65535


def port_of(address: str) -> str:
    """The address, if its port (after the last colon) is one that exists."""
    written = re.search(r":([0-9]+)(?=/|$)", address)
    if written and not 1 <= int(written.group(1)) <= MOST_PORTS:
        raise WrongValueError("has the port {port}, which does not exist", "write 1 to 65535", port=written.group(1))
    return address


def web_address(value: Any) -> str:
    """An http or https URL without credentials, query or fragment, and without a slash at its end."""
    pattern = rf"https?://{NAME}(:[0-9]{{1,5}})?(/[A-Za-z0-9._~/-]*)?"
    if isinstance(value, str) and re.fullmatch(r"\w+://[^/]*@.*", value, re.S):
        raise WrongValueError("holds credentials", "write the address without user and password")
    if not isinstance(value, str) or not re.fullmatch(pattern, value):
        raise WrongValueError("is not a web address", "write a full address such as https://apt.grafana.com")
    if re.search(r"/\.\.?(/|$)", value):
        raise WrongValueError("has . or .. in its path", "write the path it means")
    if len(value) > LONGEST_ADDRESS:
        raise WrongValueError("is too long", f"write an address of at most {LONGEST_ADDRESS} letters")
    return port_of(value).rstrip("/")


def https_address(value: Any) -> str:
    """As `web_address`, https only, and not longer than the server's files can take."""
    address = web_address(value)
    if not address.startswith("https://"):
        raise WrongValueError("is not encrypted", "write https://{rest}", rest=address.partition("://")[2])
    if len(address) > LONGEST_PLACE:
        raise WrongValueError("is too long", f"write an address of at most {LONGEST_PLACE} letters")
    return address


HostAddress = Annotated[str, BeforeValidator(machine)]
Url = Annotated[str, BeforeValidator(web_address)]
HttpsUrl = Annotated[str, BeforeValidator(https_address)]
