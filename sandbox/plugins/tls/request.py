"""CertRequest: a certificate signing request."""

from __future__ import annotations

import hashlib

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from sandbox.plugins.base import TEXT, Input, Output, PluginError, Properties, Resource, fields
from sandbox.plugins.tls.keys import algorithm, digest, load
from sandbox.plugins.tls.names import NAME_INPUTS, alternatives, subject


class CertRequest(Resource[None]):
    """https://www.pulumi.com/registry/packages/tls/api-docs/certrequest/"""

    token = "tls:index/certRequest:CertRequest"
    title = "CertRequest"
    inputs = fields(privateKeyPem=Input(TEXT, required=True, secret=True, replaces=True), **NAME_INPUTS)
    outputs = fields(certRequestPem=Output(), keyAlgorithm=Output())

    def create(self, inputs: Properties) -> tuple[str, Properties]:
        key = load(inputs["privateKeyPem"], "private key PEM")
        builder = x509.CertificateSigningRequestBuilder().subject_name(subject(inputs))
        names = alternatives(inputs)
        if names is not None:
            builder = builder.add_extension(names, critical=False)
        pem = builder.sign(key, digest(key)).public_bytes(Encoding.PEM).decode()
        identity = hashlib.sha1(pem.encode(), usedforsecurity=False).hexdigest()
        return identity, {"certRequestPem": pem, "keyAlgorithm": algorithm(key)}

    def read(self, id_: str, state: Properties) -> Properties | None:
        if not state:
            raise PluginError("CertRequest cannot be imported: its ID does not contain the request")
        return {}

    def update(self, id_: str, old: Properties, new: Properties) -> Properties:
        return {}

    def delete(self, id_: str, state: Properties) -> None:
        """Nothing to do outside the state."""
