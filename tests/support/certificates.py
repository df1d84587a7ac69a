"""Certificates and keys as people bring them along, of every kind that settings have an opinion on."""

from __future__ import annotations

import functools
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DOMAIN = "m.example.com"


def key_text(key: Any, form: Any = serialization.PrivateFormat.PKCS8, passphrase: bytes = b"") -> str:
    """A private key as PEM."""
    encryption = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    return str(key.private_bytes(serialization.Encoding.PEM, form, encryption).decode())


def certificate_text(certificate: x509.Certificate) -> str:
    """A certificate as PEM."""
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


@functools.lru_cache
def ec_key(number: int = 0) -> ec.EllipticCurvePrivateKey:
    """A key, for each number another one."""
    return ec.generate_private_key(ec.SECP256R1())


def issue(
    key: Any,
    *,
    names: tuple[str, ...] = (DOMAIN, "*.example.com"),
    signer: tuple[x509.Name, Any] | None = None,
    days: tuple[int, int] = (-1, 30),
    usage: Any = ExtendedKeyUsageOID.SERVER_AUTH,
    subject: str = "a server",
    authority: bool = False,
    filling: int = 0,
) -> x509.Certificate:
    """A certificate: self-signed, or signed by (name, key). days: from and until when, seen from today. filling: bytes
    that make it larger."""
    own = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    issuer, signing = signer or (own, key)
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(own)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=days[0]))
        .not_valid_after(now + timedelta(days=days[1]))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    if names and not authority:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), critical=False)
    if usage and not authority:
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    if filling:
        unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"x" * filling)
        builder = builder.add_extension(unknown, critical=False)
    return builder.sign(signing, None if isinstance(signing, ed25519.Ed25519PrivateKey) else hashes.SHA256())


@functools.lru_cache
def root() -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """A private authority and its key."""
    return issue(ec_key(100), subject="an authority", authority=True), ec_key(100)


def signed(key: Any, **more: Any) -> x509.Certificate:
    """A server's certificate from `root`."""
    certificate, signing = root()
    return issue(key, signer=(certificate.subject, signing), **more)


CERTIFICATE = certificate_text(issue(ec_key(), names=(DOMAIN, "monitoring.example.com")))
KEY = key_text(ec_key())
CA = certificate_text(root()[0])
