"""PrivateKey: a new key pair, in all common formats."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable

from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PrivateFormat, PublicFormat

from sandbox.plugins.base import (
    INTEGER,
    TEXT,
    UNKNOWN,
    Failure,
    Input,
    Output,
    PluginError,
    Properties,
    Resource,
    fields,
)
from sandbox.plugins.tls.keys import CURVES, Key, generate, private_text

ALGORITHMS = ("RSA", "ECDSA", "ED25519")
SMALLEST_RSA = 1024
"""Go refuses to create smaller keys."""


class PrivateKey(Resource[None]):
    """https://www.pulumi.com/registry/packages/tls/api-docs/privatekey/"""

    token = "tls:index/privateKey:PrivateKey"
    title = "PrivateKey"
    inputs = fields(
        algorithm=Input(TEXT, required=True, replaces=True),
        ecdsaCurve=Input(TEXT, default="P224", replaces=True),
        rsaBits=Input(INTEGER, default=2048, replaces=True),
    )
    outputs = fields(
        privateKeyOpenssh=Output(secret=True),
        privateKeyPem=Output(secret=True),
        privateKeyPemPkcs8=Output(secret=True),
        publicKeyFingerprintMd5=Output(),
        publicKeyFingerprintSha256=Output(),
        publicKeyOpenssh=Output(),
        publicKeyPem=Output(),
    )

    def check(self, inputs: Properties) -> Iterable[Failure]:
        for name, allowed in (("algorithm", ALGORITHMS), ("ecdsaCurve", tuple(CURVES))):
            if inputs[name] is not UNKNOWN and inputs[name] not in allowed:
                yield Failure(name, f"value must be one of: {', '.join(allowed)}; got: {inputs[name]}")
        if inputs["rsaBits"] is not UNKNOWN and inputs["rsaBits"] < SMALLEST_RSA:
            yield Failure("rsaBits", f"must be at least {SMALLEST_RSA}, got: {inputs['rsaBits']}")

    def create(self, inputs: Properties) -> tuple[str, Properties]:
        outputs = notations(generate(inputs))
        return hashlib.sha1(outputs["publicKeyPem"].encode(), usedforsecurity=False).hexdigest(), outputs

    def read(self, id_: str, state: Properties) -> Properties | None:
        if not state:
            raise PluginError("PrivateKey cannot be imported: its ID does not contain the key")
        return {}

    def update(self, id_: str, old: Properties, new: Properties) -> Properties:
        return {}

    def delete(self, id_: str, state: Properties) -> None:
        """Nothing to do outside the state."""


def notations(key: Key) -> Properties:
    """All outputs of a key. Those in OpenSSH's formats are empty for curve P224, which OpenSSH does not support."""
    traditional = not isinstance(key, ed25519.Ed25519PrivateKey)
    public = key.public_key()
    outputs = {
        "privateKeyPem": private_text(key, PrivateFormat.TraditionalOpenSSL if traditional else PrivateFormat.PKCS8),
        "privateKeyPemPkcs8": private_text(key, PrivateFormat.PKCS8),
        "publicKeyPem": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
        "privateKeyOpenssh": "",
        "publicKeyOpenssh": "",
        "publicKeyFingerprintMd5": "",
        "publicKeyFingerprintSha256": "",
    }
    if getattr(getattr(key, "curve", None), "name", "") == "secp224r1":
        return outputs
    line = public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    blob = base64.b64decode(line.split()[1])
    sha256 = base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
    outputs |= {
        "privateKeyOpenssh": private_text(key, PrivateFormat.OpenSSH),
        "publicKeyOpenssh": f"{line}\n",
        "publicKeyFingerprintMd5": hashlib.md5(blob, usedforsecurity=False).digest().hex(":"),
        "publicKeyFingerprintSha256": f"SHA256:{sha256}",
    }
    return outputs
