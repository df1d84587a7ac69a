"""The operator's own addresses, if they can be determined."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from urllib.error import URLError
from urllib.request import urlopen

CHECKIP = "https://checkip.amazonaws.com"
"""Answers with the address that the request came from, in plain text."""
SECONDS = 3


def offered(environment: Mapping[str, str], checkip: str = CHECKIP) -> tuple[str, ...]:
    """Ranges of one address each: this machine's public address, and that of an SSH client who is logged in here.

    With SSH both are needed: `pulumi up` runs here, the browser there. Empty if neither can be determined.
    """
    found = [*_over_ssh(environment), *_seen_by(checkip)]
    return tuple(f"{address}/32" for address in dict.fromkeys(found) if _is_public(address))


def _over_ssh(environment: Mapping[str, str]) -> Iterator[str]:
    """SSH_CLIENT: address, port, port (man 1 ssh)."""
    yield from environment.get("SSH_CLIENT", "").split()[:1]


def _seen_by(checkip: str) -> Iterator[str]:
    try:
        with urlopen(checkip, timeout=SECONDS) as answer:  # noqa: S310 - an address of ours
            yield answer.read(100).decode("ascii", "replace").strip()
    except (URLError, OSError, ValueError):
        return  # no connection, or no answer in time: the person is asked


def _is_public(address: str) -> bool:
    try:
        return ipaddress.IPv4Address(address).is_global
    except ValueError:
        return False
