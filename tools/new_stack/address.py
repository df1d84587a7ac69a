"""The operator's own addresses, as far as they can be found out."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from urllib.error import URLError
from urllib.request import urlopen

CHECKIP = "https://checkip.amazonaws.com"
"""AWS's own answer to "which address do I come from", in plain text."""
SECONDS = 3


def offered(environment: Mapping[str, str], checkip: str = CHECKIP) -> tuple[str, ...]:
    """Ranges of one address each: where this machine is seen to come from, and where somebody who is logged in to it
    over SSH sits. Both are needed then: `pulumi up` runs here, the browser there. Empty where neither can be found.
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
