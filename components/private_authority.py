"""The server's certificate and who signed it."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_tls as tls

YEAR = 365 * 24
"""Hours."""

SIGNING = ["cert_signing", "crl_signing"]
SERVING = ["digital_signature", "server_auth"]


@dataclass(frozen=True)
class ServerCertificate:
    """What the server presents, and what others verify it with.

    ca: the signer's certificate; None if a public authority signed. host: the name or address that others use.
    local_name: the name in the certificate by which the server reaches itself.
    """

    certificate: pulumi.Input[str]
    key: pulumi.Output[str]
    ca: pulumi.Output[str] | None
    host: pulumi.Input[str]
    local_name: str


class PrivateAuthority(pulumi.ComponentResource):
    """A certificate authority for this stack alone, and the server's certificate from it.

    Produces: the keys and certificates of this generation's authority and of the next one's (ten years), the
    server's key, its request and its certificate (two years, renewed by the first `pulumi up` of its last month)
    for the server's address, the domain if there is one, and localhost.

    Every client trusts both authorities, so that clients that learn of a new generation later than the server never
    refuse its certificate. The previous authority is no longer trusted.

    Attributes: server (ServerCertificate).
    """

    def __init__(
        self,
        name: str,
        generation: int,
        address: pulumi.Output[str],
        domain: str | None,
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("monitoring:index:PrivateAuthority", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        stack = pulumi.get_stack()
        ca_key, ca = self._authority(name, generation)
        _, following = self._authority(name, generation + 1)
        server = f"{name}-server-{generation}"
        key = tls.PrivateKey(server, algorithm="ECDSA", ecdsa_curve="P256", opts=child)
        request = tls.CertRequest(
            server,
            private_key_pem=key.private_key_pem,
            subject=tls.CertRequestSubjectArgs(common_name=f"monitoring {stack}", organization="monitoring"),
            dns_names=["localhost", *([domain] if domain else [])],
            ip_addresses=[address, "127.0.0.1"],
            opts=child,
        )
        certificate = tls.LocallySignedCert(
            server,
            cert_request_pem=request.cert_request_pem,
            ca_private_key_pem=ca_key.private_key_pem,
            ca_cert_pem=ca.cert_pem,
            allowed_uses=SERVING,
            validity_period_hours=2 * YEAR,
            early_renewal_hours=30 * 24,
            opts=child,
        )
        self.server = ServerCertificate(
            certificate=certificate.cert_pem,
            key=pulumi.Output.secret(key.private_key_pem),
            ca=pulumi.Output.concat(ca.cert_pem, following.cert_pem),
            host=address,
            local_name="localhost",
        )
        self.register_outputs({"ca": self.server.ca})

    def _authority(self, name: str, generation: int) -> tuple[tls.PrivateKey, tls.SelfSignedCert]:
        opts = pulumi.ResourceOptions(parent=self)
        name = f"{name}-ca-{generation}"
        key = tls.PrivateKey(name, algorithm="ECDSA", ecdsa_curve="P256", opts=opts)
        title = f"monitoring {pulumi.get_stack()} CA {generation}"
        certificate = tls.SelfSignedCert(
            name,
            private_key_pem=key.private_key_pem,
            is_ca_certificate=True,
            subject=tls.SelfSignedCertSubjectArgs(common_name=title, organization="monitoring"),
            allowed_uses=SIGNING,
            validity_period_hours=10 * YEAR,
            opts=opts,
        )
        return key, certificate
