"""A certificate for `domain` that browsers trust, from an ACME authority (RFC 8555)."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator

from settings import certificates
from settings.addresses import address_on_usual_port
from settings.mail import address
from settings.part import Part


class PublicCertificate(Part):
    """directory: URL of the authority's directory (RFC 8555, 7.1.1). email: address that it may write to (7.3,
    `contact`). ca: certificates of the CA that signed the directory's own certificate, unless it is a public CA."""

    directory: Annotated[str, BeforeValidator(address_on_usual_port)]
    email: Annotated[str, BeforeValidator(address)] | None = None
    ca: certificates.Authorities | None = None
