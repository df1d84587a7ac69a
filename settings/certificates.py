"""Certificates and their keys: parsed, and passed on re-encoded, without any text around them.

The checks are those of the programs that use them: Grafana and InfluxDB serve with Go's crypto/tls
(tls.X509KeyPair: the first certificate is the server's own and fits the key), Telegraf verifies with crypto/x509, curl
on the server with OpenSSL at Debian's security level 2 (man 3 SSL_CTX_set_security_level: 112 bits, no SHA-1).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from pydantic import BeforeValidator

from settings import values as v
from settings.mistakes import NeverShown, WrongValueError

STANDARD, ADVANCED = 4096, 8192
"""Bytes that a standard and an advanced parameter of AWS hold."""

CURVES = ("secp256r1", "secp384r1", "secp521r1")
"""The curves of TLS 1.3's ECDSA signatures (RFC 8446, 4.2.3)."""

SMALLEST_RSA = 2048
"""Bits: OpenSSL's security level 2."""

MOST_CERTIFICATES = 40

_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]{1,40})-----\n(?:(?!-----BEGIN ).)*?\n-----END \1-----", re.S)
"""No block begins inside another: otherwise a text of only BEGIN lines would be read to its end from each of them."""


def blocks(value: Any, kind: str) -> dict[str, list[str]]:
    """The blocks of a PEM text by label. Raises WrongValueError if none is a `kind`."""
    written = v.text(value.replace("\r\n", "\n").strip() if isinstance(value, str) else value)
    found: dict[str, list[str]] = {}
    for block in _BLOCK.finditer(written):
        found.setdefault(block[1], []).append(block[0])
    if not any(label.endswith(kind) for label in found):
        raise WrongValueError(
            f"is not PEM text with a {kind}", f'paste the whole file, from "-----BEGIN … {kind}-----" on'
        )
    return found


def read(text: str) -> list[x509.Certificate]:
    """The certificates in checked PEM text, in order."""
    return x509.load_pem_x509_certificates(text.encode())


def pem(certificates: Sequence[x509.Certificate]) -> str:
    """Certificates as PEM, and nothing else."""
    return "".join(each.public_bytes(serialization.Encoding.PEM).decode() for each in certificates)


def certificates_of(most: int, *, authorities: bool = False) -> BeforeValidator:
    """A validator of PEM text with certificates that are valid now; returns only those, in at most `most` bytes.

    authorities: whether they are used to verify other certificates.
    """

    def check(value: Any) -> str:
        found = blocks(value, "CERTIFICATE")
        if any(label.endswith("PRIVATE KEY") for label in found):
            raise WrongValueError("also contains a private key", "write only the certificates")
        texts = found.get("CERTIFICATE", [])
        try:
            certificates = [each for text in texts[:MOST_CERTIFICATES] for each in read(text)]
            for certificate in certificates:
                certificate.public_key()
                _ = certificate.extensions
        except (ValueError, UnsupportedAlgorithm, x509.DuplicateExtension):
            certificates = []
        if len(certificates) != len(texts) or not texts:
            raise WrongValueError("contains a certificate that cannot be read", "paste the file as it was issued")
        for certificate in certificates:
            _valid_now(certificate)
            if authorities and not served(certificate.public_key()):
                raise WrongValueError("contains an authority whose key is of a type that clients refuse", _KINDS)
        written = pem(certificates)
        if len(written) > most:
            shorter = "leave out certificates that clients already have, such as the root, or use an EC key"
            raise WrongValueError(f"has more than the {most} bytes that AWS's parameter store accepts", shorter)
        return written

    return BeforeValidator(check)


def _valid_now(certificate: x509.Certificate) -> None:
    now = datetime.now(UTC)
    if certificate.not_valid_after_utc < now:
        day = certificate.not_valid_after_utc.date()
        raise WrongValueError("contains a certificate that has expired ({day})", "write the renewed one", day=day)
    if certificate.not_valid_before_utc > now:
        day = certificate.not_valid_before_utc.date()
        raise WrongValueError(
            "contains a certificate that is not valid before {day}", "wait, or check this machine's clock", day=day
        )


def only_key(value: Any, *, plain: str, which: str, unreadable: tuple[str, str]) -> tuple[str, Any]:
    """The one private key in a text, in PEM or OpenSSH's format: its text, and the parsed key.

    plain: what to write instead of an encrypted key. which: what to write instead of several keys. unreadable: what is
    wrong with a key that cannot be read, and what to write. Raises WrongValueError with these.
    """
    found = blocks(value, "PRIVATE KEY")
    texts = [text for label, texts in found.items() if label.endswith("PRIVATE KEY") for text in texts]
    if any("ENCRYPTED" in text for text in texts):
        raise WrongValueError("is encrypted with a passphrase", plain)
    if len(texts) > 1:
        raise WrongValueError("contains several private keys", which)
    load = serialization.load_ssh_private_key if "OPENSSH" in texts[0] else serialization.load_pem_private_key
    try:
        return texts[0], load(texts[0].encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise WrongValueError(*unreadable) from None


def private_key(value: Any) -> str:
    """A server's private key without a passphrase, as PKCS #8 (which Go, OpenSSL and all others read)."""
    _, key = only_key(
        value,
        plain="write the key without one; Pulumi encrypts it",
        which="write the one that belongs to the certificate",
        unreadable=("contains a private key that cannot be read", "paste the file as it was created"),
    )
    if not served(key.public_key()):
        raise WrongValueError("is of a type that Grafana and InfluxDB do not accept", _KINDS)
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    written: str = key.private_bytes(encoding, form, serialization.NoEncryption()).decode()
    if len(written) > STANDARD:
        raise WrongValueError(f"has more than the {STANDARD} bytes that AWS's parameter store accepts", _KINDS)
    return written


_KINDS = f"use an EC key (P-256, P-384 or P-521), an Ed25519 key or an RSA key of at least {SMALLEST_RSA} bits"


def served(key: Any) -> bool:
    """Whether Go's crypto/tls signs with a key of this kind, and Debian's OpenSSL accepts it."""
    if isinstance(key, rsa.RSAPublicKey):
        return key.key_size >= SMALLEST_RSA
    if isinstance(key, ec.EllipticCurvePublicKey):
        return key.curve.name in CURVES
    return isinstance(key, ed25519.Ed25519PublicKey)


Authorities = Annotated[str, certificates_of(STANDARD, authorities=True), NeverShown]
CertificateChain = Annotated[str, certificates_of(ADVANCED), NeverShown]
ServerKey = BeforeValidator(private_key)
