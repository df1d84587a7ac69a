"""Addresses of machines and services: names, IP addresses, URLs."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BeforeValidator

from settings import values as v
from settings.mistakes import WrongValueError

_ALONE = "write only the address or name, such as 198.51.100.7 or web-1.example.com"
_ZONE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,14}")
"""An interface name that needs no quoting anywhere (man 7 netdevice: at most 15 bytes)."""

_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_NAMES = re.compile(rf"(?=.{{1,253}}$){_LABEL}(\.{_LABEL})*")
_NUMBER = re.compile(r"(.*\.)?([0-9]+|0[xX][0-9A-Fa-f]*)")
"""A name that ends in a number is an address in one of inet_aton(3)'s other notations (127.1, 0x7f.1), or invalid: no
top-level domain is a number (RFC 3696, 2)."""

_OF_HOSTS = tuple(map(IPv6Network, ("2000::/3", "fc00::/7", "fe80::/10", "64:ff9b::/96", "64:ff9b:1::/48", "::1/128")))
"""Where IPv6 has unicast addresses (iana.org/assignments/ipv6-address-space, iana-ipv6-special-registry)."""
_NAT64 = IPv6Network("64:ff9b::/96")
_NO_HOST = ("invalid", "onion")
"""Top-level domains that no resolver knows (RFC 6761, 6.4; RFC 7686)."""


def host(value: Any) -> str:
    """A host name in lower case, or an IPv4 or IPv6 address in canonical form; no user, no port.

    Names as resolvers accept them (RFC 952, RFC 1123, 2.1), addresses as inet_pton(3) does; zones as in RFC 4007, 11.
    """
    written = v.text(value)
    try:
        address = ipaddress.ip_address(written)
    except ValueError:
        if _NUMBER.fullmatch(written) or not _NAMES.fullmatch(written):
            raise WrongValueError("is not a host name or address", _ALONE) from None
        if written.lower().rpartition(".")[2] in _NO_HOST:
            raise WrongValueError("is not a name that DNS can resolve", _ALONE) from None
        return written.lower()
    if isinstance(address, IPv6Address):
        if address.scope_id is not None and not (address.is_link_local and _ZONE.fullmatch(address.scope_id)):
            raise WrongValueError("is not a host name or address", "leave out the % and what follows it")
        if address.scope_id and re.match("25.", address.scope_id):  # RFC 6874, 2
            raise WrongValueError("has %25 instead of %, as in a URL", "write it like fe80::1%eth0")
        if address.scope_id == "lo":  # which has no link-local addresses, only ::1
            raise WrongValueError("is link-local on the loopback interface", "name the interface, such as fe80::1%eth0")
        if address.is_link_local and address.scope_id is None:
            raise WrongValueError("is link-local without an interface", "name the interface, too, such as fe80::1%eth0")
        if address.ipv4_mapped:
            address = address.ipv4_mapped
    if _of_no_host(address):
        raise WrongValueError("is not the address of a single host (multicast, reserved or 0.0.0.0)", _ALONE)
    return str(address)


_HERE = (
    *("localhost", "localhost4", "localhost6", "ip6-localhost", "ip6-loopback"),
    *("localdomain", "localdomain4", "localdomain6"),
)
"""Last labels of names that stand for the machine itself (RFC 6761, 6.3, and the /etc/hosts of Debian and Fedora)."""
_EVERYONE = ("ip6-allnodes", "ip6-allrouters", "ip6-localnet", "ip6-mcastprefix", "broadcasthost")
"""Names of groups in the /etc/hosts of Debian and macOS."""
_AMAZONS = (IPv4Network("169.254.0.0/16"), IPv6Network("fd00:ec2::/32"))
"""EC2's own services: metadata, DNS and time (docs.aws.amazon.com/AWSEC2/latest/UserGuide: instancedata-data-retrieval,
set-time; docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html)."""
METADATA = ("instance-data", "instance-data.ec2.internal")
"""Names of the metadata service inside a VPC."""


def machine(value: Any) -> str:
    """Like `host`, but not the machine itself: agents are installed there over SSH, or measurements and
    packages come from there."""
    written = host(value)
    loopback = "is loopback, where every machine reaches itself"
    name, numeric = (f"write the {kind} at which other machines reach it" for kind in ("name", "address"))
    try:
        address = behind(written)
    except ValueError:
        if written.rpartition(".")[2] in _HERE:
            raise WrongValueError(loopback, name) from None
        if written in (*_EVERYONE, *METADATA):
            raise WrongValueError("is the name of a group, or of AWS's metadata service", name) from None
        return written
    if address.is_loopback:
        raise WrongValueError(loopback, numeric)
    if any(address in each for each in _AMAZONS):
        raise WrongValueError("is link-local, as AWS's metadata service is", numeric)
    return written


def behind(address: str) -> IPv4Address | IPv6Address:
    """The address, or the IPv4 address that it translates to (RFC 6052, RFC 3056). Raises ValueError for a name."""
    parsed = ipaddress.ip_address(address)
    if isinstance(parsed, IPv6Address):
        if parsed in _NAT64:
            return IPv4Address(int(parsed) & 0xFFFFFFFF)
        return parsed.sixtofour or parsed
    return parsed


def _of_no_host(address: IPv4Address | IPv6Address) -> bool:
    """Whether no single host can have the address, according to IANA's special-purpose registries."""
    if isinstance(address, IPv6Address):
        inner = behind(str(address))
        return not any(address in each for each in _OF_HOSTS) or (inner != address and _of_no_host(inner))
    networks = (IPv4Network("0.0.0.0/8"), IPv4Network("192.0.0.0/24"))  # "this network"; protocols' (RFC 6890)
    return address.is_multicast or address.is_reserved or any(address in each for each in networks)


NAME = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?){0,9}"
"""A machine's name, or its IPv4 address."""

_STEP = r"(?!\.{1,2}(/|$))[A-Za-z0-9._-]+"
FILE = rf"(?=.{{2,100}}$)(/{_STEP})+"
"""An absolute path without . and .. in it; a socket's has at most 107 bytes (man 7 unix)."""

LONGEST_ADDRESS = 4000
LONGEST_PLACE = 1024
"""Characters of an address in the server's files, each of which is a parameter of at most 8 KiB."""
MOST_PORTS = 65535


def _port(written: str | None, usual: int | None = None) -> str:
    """`:` and a valid port number, without leading zeros; empty for the scheme's default."""
    if written is None:
        return ""
    if not 1 <= int(written) <= MOST_PORTS:
        raise WrongValueError("has the port {port}, which does not exist", "write 1 to 65535", port=written)
    return "" if int(written) == usual else f":{int(written)}"


def socket(wrong: str, instead: str) -> Callable[[Any], str]:
    """A validator of a service's address: tcp://HOST:PORT, or unix:// and the path of its socket, as Telegraf's
    inputs.docker and inputs.redis accept them (plugins/inputs/docker/README.md, plugins/inputs/redis/redis.go there).
    """

    def check(value: Any) -> str:
        found = re.fullmatch(rf"tcp://(?P<host>{NAME}):(?P<port>[0-9]{{1,5}})|unix://{FILE}", v.text(value))
        if not found:
            raise WrongValueError(wrong, instead)
        return f"tcp://{host(found['host'])}{_port(found['port'])}" if found["host"] else str(value)

    return check


def web_address(value: Any) -> str:
    """An http or https URL without credentials, query, fragment or trailing slash, normalized (RFC 3986, 6.2.2 and
    6.2.3): the host in lower case, no port if it is the scheme's default."""
    pattern = rf"(?P<scheme>https?)://(?P<host>{NAME})(:(?P<port>[0-9]{{1,5}}))?(?P<path>/[A-Za-z0-9._~/-]*)?"
    if isinstance(value, str) and re.fullmatch(r"\w+://[^/]*@.*", value, re.S):
        raise WrongValueError("contains credentials", "write the address without user and password")
    if isinstance(value, str) and re.match(r"\w+://\[", value):
        raise WrongValueError(
            "has an IPv6 address, which the server, with IPv4 only, cannot reach", "write a name or an IPv4 address"
        )
    found = re.fullmatch(pattern, value) if isinstance(value, str) else None
    if not found:
        raise WrongValueError("is not a URL", "write a full URL such as https://www.example.com")
    if re.search(r"/\.\.?(/|$)", value):
        raise WrongValueError("has . or .. in its path", "write the path without them")
    if len(value) > LONGEST_ADDRESS:
        raise WrongValueError("is too long", f"write an address of at most {LONGEST_ADDRESS} characters")
    port = _port(found["port"], {"http": 80, "https": 443}[found["scheme"]])
    return f"{found['scheme']}://{host(found['host'])}{port}{found['path'] or ''}".rstrip("/")


def far_address(value: Any) -> str:
    """Like `web_address`, but not on the machine itself."""
    address = web_address(value)
    machine(urlsplit(address).hostname)
    return address


BASEARCH = "$basearch"


def rpm_address(value: Any) -> str:
    """Like `far_address`, for an RPM repository: a segment of its path may be $basearch, which dnf replaces with x86_64
    or aarch64 (dnf.conf(5), VARIABLES)."""
    if not isinstance(value, str):
        return far_address(value)
    wrong = "has a variable other than $basearch, or one that is not a whole segment of its path"
    steps = value.split("/")
    if any("$" in step and step != BASEARCH for step in steps) or BASEARCH in steps[:3]:
        raise WrongValueError(wrong, "write the address of your own version, or $basearch for the architecture")
    # A word that is no segment of this path yet.
    stand_in = "basearch"
    while stand_in in steps:
        stand_in += "_"
    address = far_address("/".join(stand_in if step == BASEARCH else step for step in steps))
    return "/".join(BASEARCH if step == stand_in else step for step in address.split("/"))


def https_address(value: Any) -> str:
    """Like `far_address`, but https, and not longer than the server's files allow."""
    address = far_address(value)
    if not address.startswith("https://"):
        raise WrongValueError("is not encrypted", "write https://{rest}", rest=address.partition("://")[2])
    if len(address) > LONGEST_PLACE:
        raise WrongValueError("is too long", f"write an address of at most {LONGEST_PLACE} characters")
    return address


def address_on_usual_port(value: Any) -> str:
    """Like `https_address`, but on port 443, the only one that the server may reach (components/network.py)."""
    address = https_address(value)
    if urlsplit(address).port:
        raise WrongValueError("has a port that the server may not reach", "use the address without a port (443)")
    return address


HostAddress = Annotated[str, BeforeValidator(machine)]
Url = Annotated[str, BeforeValidator(far_address)]
RpmUrl = Annotated[str, BeforeValidator(rpm_address)]
HttpsUrl = Annotated[str, BeforeValidator(https_address)]
