"""The server's certificate: the user's own, or one from a private authority."""

from __future__ import annotations

import pulumi

from components.private_authority import PrivateAuthority, ServerCertificate
from settings import Settings


def own_certificate(settings: Settings) -> ServerCertificate | None:
    """The user's own certificate, if any."""
    own = settings.certificate
    if own is None or settings.domain is None:
        return None
    return ServerCertificate(
        certificate=own.certificate,
        key=pulumi.Output.secret(own.private_key.get_secret_value().strip() + "\n"),
        ca=pulumi.Output.from_input(own.ca) if own.ca else None,
        host=settings.domain,
        local_name=settings.domain,
    )


def server_certificate(
    settings: Settings, address: pulumi.Output[str], opts: pulumi.ResourceOptions
) -> ServerCertificate:
    """The user's own certificate if the settings have one, otherwise one from a new private authority."""
    own = own_certificate(settings)
    if own:
        return own
    return PrivateAuthority("authority", settings.certificate_generation, address, settings.domain, opts).server
