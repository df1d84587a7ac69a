"""SelfSignedCert and LocallySignedCert, with their renewal.

As with the real provider, the first run within `earlyRenewalHours` of a certificate's end replaces it. `pulumi refresh`
shows that in `readyForRenewal` before.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sandbox.plugins.base import (
    BOOLEAN,
    INTEGER,
    TEXT,
    UNKNOWN,
    Failure,
    Input,
    ListOf,
    Output,
    PluginError,
    Properties,
    Resource,
    fields,
)
from sandbox.plugins.tls.keys import Key, algorithm, digest, load
from sandbox.plugins.tls.names import NAME_INPUTS, alternatives, subject
from sandbox.plugins.tls.uses import USES, extended_key_usage, key_usage

_INPUTS = {
    "allowedUses": Input(ListOf(TEXT), required=True, replaces=True),
    "earlyRenewalHours": Input(INTEGER, default=0),
    "isCaCertificate": Input(BOOLEAN, default=False, replaces=True),
    "maxPathLength": Input(INTEGER, replaces=True),
    "setSubjectKeyId": Input(BOOLEAN, default=False, replaces=True),
    "validityPeriodHours": Input(INTEGER, required=True, replaces=True),
}
_OUTPUTS = {
    "certPem": Output(),
    "readyForRenewal": Output(),
    "validityEndTime": Output(),
    "validityStartTime": Output(),
}


class _Certificate(Resource[None]):
    """What both have in common: checks of the inputs above, and the lifecycle."""

    def check(self, inputs: Properties) -> Iterable[Failure]:
        for name in ("validityPeriodHours", "earlyRenewalHours", "maxPathLength"):
            if inputs.get(name) not in (None, UNKNOWN) and inputs[name] < 0:
                yield Failure(name, f"value must be at least 0, got: {inputs[name]}")
        if isinstance(inputs["allowedUses"], list):
            for index, use in enumerate(inputs["allowedUses"]):
                if use is not UNKNOWN and use not in USES:
                    known = ", ".join(sorted(USES))
                    yield Failure(f"allowedUses[{index}]", f"value must be one of: {known}; got: {use}")

    def stale(self, state: Properties, inputs: Properties) -> Mapping[str, bool]:
        return {"readyForRenewal": True} if _due(state, inputs["earlyRenewalHours"]) else {}

    def read(self, id_: str, state: Properties) -> Properties | None:
        if not state:
            raise PluginError(f"{self.title} cannot be imported: its ID does not contain the certificate")
        return {"readyForRenewal": True} if _due(state, state["earlyRenewalHours"]) else {}

    def update(self, id_: str, old: Properties, new: Properties) -> Properties:
        return {"readyForRenewal": False}

    def delete(self, id_: str, state: Properties) -> None:
        """Nothing to do outside the state: a certificate cannot be revoked."""


class SelfSignedCert(_Certificate):
    """https://www.pulumi.com/registry/packages/tls/api-docs/selfsignedcert/"""

    token = "tls:index/selfSignedCert:SelfSignedCert"
    title = "SelfSignedCert"
    inputs: ClassVar = fields(
        privateKeyPem=Input(TEXT, required=True, secret=True, replaces=True),
        setAuthorityKeyId=Input(BOOLEAN, default=False, replaces=True),
        **_INPUTS,
        **NAME_INPUTS,
    )
    outputs: ClassVar = fields(keyAlgorithm=Output(), **_OUTPUTS)

    def create(self, inputs: Properties) -> tuple[str, Properties]:
        key = load(inputs["privateKeyPem"], "private key PEM")
        if inputs["setAuthorityKeyId"] and not (inputs["setSubjectKeyId"] or inputs["isCaCertificate"]):
            raise PluginError("Invalid Certificate Authority: Could not determine Authority Key Identifier")
        own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        name = subject(inputs)
        signing = _Signing(key, name, own if inputs["setAuthorityKeyId"] else None)
        identity, outputs = signing.certify(name, key.public_key(), alternatives(inputs), inputs)
        return identity, {"keyAlgorithm": algorithm(key), **outputs}


class LocallySignedCert(_Certificate):
    """https://www.pulumi.com/registry/packages/tls/api-docs/locallysignedcert/"""

    token = "tls:index/locallySignedCert:LocallySignedCert"
    title = "LocallySignedCert"
    inputs: ClassVar = fields(
        caCertPem=Input(TEXT, required=True, replaces=True),
        caPrivateKeyPem=Input(TEXT, required=True, secret=True, replaces=True),
        certRequestPem=Input(TEXT, required=True, replaces=True),
        **_INPUTS,
    )
    outputs: ClassVar = fields(caKeyAlgorithm=Output(), **_OUTPUTS)

    def create(self, inputs: Properties) -> tuple[str, Properties]:
        request = _request(inputs["certRequestPem"])
        key = load(inputs["caPrivateKeyPem"], "CA private key PEM")
        authority = _authority(inputs["caCertPem"], key)
        signing = _Signing(key, authority.subject, _key_id(authority))
        names = _extension(request.extensions, x509.SubjectAlternativeName)
        identity, outputs = signing.certify(request.subject, request.public_key(), names, inputs)
        return identity, {"caKeyAlgorithm": algorithm(key), **outputs}


@dataclass(frozen=True)
class _Signing:
    """The issuer. key_id: the authority key identifier to include, if any."""

    key: Key
    issuer: x509.Name
    key_id: x509.SubjectKeyIdentifier | None

    def certify(
        self,
        name: x509.Name,
        public: CertificatePublicKeyTypes,
        names: x509.SubjectAlternativeName | None,
        inputs: Properties,
    ) -> tuple[str, Properties]:
        """A new certificate's serial number and outputs. It has the extensions that Go would give it."""
        start = datetime.now(UTC).replace(microsecond=0)
        end = start + timedelta(hours=inputs["validityPeriodHours"])
        authority, uses = inputs["isCaCertificate"], inputs["allowedUses"]
        if authority and not list(name):
            raise PluginError(
                "Invalid Certificate Subject: "
                "Must contain at least one Distinguished Name when creating Certificate Authority (CA)"
            )
        extensions: list[tuple[x509.ExtensionType | None, bool]] = [
            (key_usage(uses), True),
            (extended_key_usage(uses), False),
            (x509.BasicConstraints(authority, inputs.get("maxPathLength") if authority else None), True),
            (names, not list(name)),
        ]
        if authority or inputs["setSubjectKeyId"]:
            extensions.append((x509.SubjectKeyIdentifier.from_public_key(public), False))
        if self.key_id is not None:
            known_by = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(self.key_id)
            extensions.append((known_by, False))
        serial = secrets.randbits(128) or 1
        builder = x509.CertificateBuilder(self.issuer, name, public, serial, start, end)
        for extension, critical in extensions:
            if extension is not None:
                builder = builder.add_extension(extension, critical)
        certificate = builder.sign(self.key, digest(self.key))
        return str(serial), {
            "certPem": certificate.public_bytes(Encoding.PEM).decode(),
            "readyForRenewal": False,
            "validityStartTime": f"{start:%Y-%m-%dT%H:%M:%SZ}",
            "validityEndTime": f"{end:%Y-%m-%dT%H:%M:%SZ}",
        }


def _due(state: Properties, early_hours: object) -> bool:
    """Whether the certificate is due for renewal. early_hours: UNKNOWN counts as none."""
    end = datetime.fromisoformat(state["validityEndTime"])
    early = timedelta(hours=early_hours) if isinstance(early_hours, int) else timedelta()
    return end - early <= datetime.now(UTC)


def _request(pem: str) -> x509.CertificateSigningRequest:
    try:
        return x509.load_pem_x509_csr(pem.encode())
    except ValueError as error:
        raise PluginError("Failed to parse certificate request PEM: it is not a certificate request") from error


def _authority(pem: str, key: Key) -> x509.Certificate:
    try:
        certificate = x509.load_pem_x509_certificate(pem.encode())
    except ValueError as error:
        raise PluginError("Failed to parse CA certificate PEM: it is not a certificate") from error
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if certificate.public_key().public_bytes(*form) != key.public_key().public_bytes(*form):
        raise PluginError("Failed to create certificate: the CA private key does not belong to the CA certificate")
    return certificate


Kind = TypeVar("Kind", bound=x509.ExtensionType)


def _extension(extensions: x509.Extensions, kind: type[Kind]) -> Kind | None:
    try:
        return extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _key_id(certificate: x509.Certificate) -> x509.SubjectKeyIdentifier | None:
    return _extension(certificate.extensions, x509.SubjectKeyIdentifier)
