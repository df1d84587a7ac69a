"""The provider `tls`, as in terraform-provider-tls 4."""

from __future__ import annotations

from sandbox.plugins.base import Properties, Provider
from sandbox.plugins.tls.certificate import LocallySignedCert, SelfSignedCert
from sandbox.plugins.tls.private_key import PrivateKey
from sandbox.plugins.tls.request import CertRequest


class TlsProvider(Provider[None]):
    """Has no settings, and keeps nothing outside the state."""

    package = "tls"
    distribution = "pulumi-tls"
    resources = (PrivateKey, SelfSignedCert, CertRequest, LocallySignedCert)

    def configure(self, config: Properties) -> None:
        return None
