"""The mail server for alerts."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, SecretStr

from settings import values as v
from settings.mistakes import WrongValueError
from settings.part import Part, each

PORTS = (465, 587, 2465, 2587)
"""Submission over TLS or with STARTTLS, and Amazon SES's additional ports for both. Not 25: EC2 blocks it."""

_ADDRESS = re.compile(rf"(?=[^@]{{1,64}}@)[A-Za-z0-9_%+-]+(\.[A-Za-z0-9_%+-]+)*@{v.DOMAIN}")
"""RFC 5321, 4.1.2: a dot-string of characters that need no quotes, and a domain."""


def address(value: Any) -> str:
    """One email address, without a display name; its domain in lower case."""
    user, at, domain = v.text(value).rpartition("@")
    written = user + at + domain.lower()
    if not _ADDRESS.fullmatch(written) or len(written) > 254:
        raise WrongValueError("is not an email address", "write it without a name, such as ops@example.com")
    try:
        v.domain(domain.lower())
    except WrongValueError:
        raise WrongValueError("has a domain that DNS cannot resolve", "write one that receives mail") from None
    return written


def _port(value: Any) -> int:
    if str(value).strip() not in map(str, PORTS) or isinstance(value, bool):
        allowed = ", ".join(map(str, PORTS))
        raise WrongValueError("is not a port for encrypted mail", f"write one of {allowed} (EC2 blocks port 25)")
    return int(value)


Addresses = Annotated[tuple[str, ...], each(address, least=1)]


class Smtp(Part):
    """The mail server: host and port (encrypted either way), user and password, and the sender's address.

    These become Grafana's section [smtp] (grafana.com/docs/grafana/latest/setup-grafana/configure-grafana/#smtp).
    PORTS: RFC 8314, and docs.aws.amazon.com/ses/latest/dg/smtp-connect.html. user: needs no quotes in an INI file.
    """

    host: v.Domain
    port: Annotated[int, BeforeValidator(_port)] = 587
    user: Annotated[
        str,
        v.matching(
            r"[A-Za-z0-9._%+@=/-]{1,256}",
            "is not a valid SMTP user name",
            "write the one that your mail provider gave you",
        ),
    ]
    password: Annotated[SecretStr, BeforeValidator(v.password)]
    sender: Annotated[str, BeforeValidator(address)]
