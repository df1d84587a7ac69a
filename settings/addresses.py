"""Where other machines are."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Any

from pydantic import BeforeValidator

from settings import values as v
from settings.mistakes import WrongValueError


def host(value: Any) -> str:
    """A host's name or its IPv4 or IPv6 address; no user, no port."""
    written = v.text(value)
    try:
        return str(ipaddress.ip_address(written))
    except ValueError:
        pass  # then it must be a name
    label = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
    if len(written) > 253 or re.fullmatch(r"[0-9.]+", written) or not re.fullmatch(rf"{label}(\.{label})*", written):
        raise WrongValueError(
            "is not a host's name or address", "write it alone, such as 198.51.100.7 or web-1.example.com"
        )
    return written


HostAddress = Annotated[str, BeforeValidator(host)]
