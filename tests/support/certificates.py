"""Certificates and keys of every kind that settings accept or refuse."""

from __future__ import annotations

import functools
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519
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
    """An EC key; a different one for each number."""
    return ec.generate_private_key(ec.SECP256R1())


@functools.lru_cache
def dsa_key() -> dsa.DSAPrivateKey:
    """A DSA key; finding its parameters takes most of a second."""
    return dsa.generate_private_key(2048)


def issue(
    key: Any,
    *,
    names: tuple[str, ...] = (DOMAIN, "*.example.com"),
    address: str = "",
    signer: tuple[x509.Name, Any] | None = None,
    days: tuple[int, int] = (-1, 30),
    usage: Any = ExtendedKeyUsageOID.SERVER_AUTH,
    subject: str = "a server",
    authority: bool = False,
    below: int | None = None,
    signs: bool | None = None,
    critical: bool = False,
    digest: Any = None,
    filling: int = 0,
) -> x509.Certificate:
    """A certificate: self-signed, or signed by (name, key).

    address: an IP address, in addition to the names. days: from when until when it is valid, counted from today.
    below: how many authorities may follow below it. signs: whether its key usage is signing certificates; None: it
    names no key usage. critical: whether it has an unknown critical extension. filling: bytes that make it larger.
    """
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
        .add_extension(x509.BasicConstraints(ca=authority, path_length=below), critical=True)
    )
    alternatives: list[x509.GeneralName] = [x509.DNSName(each) for each in names]
    alternatives += [x509.IPAddress(ip_address(address))] if address else []
    if alternatives and not authority:
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    if usage and not authority:
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    if signs is not None:
        no = dict.fromkeys(("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"), False)
        no |= dict.fromkeys(("crl_sign", "encipher_only", "decipher_only"), False)
        usages = x509.KeyUsage(digital_signature=not signs, key_cert_sign=signs, **no)
        builder = builder.add_extension(usages, critical=True)
    if critical:
        unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.2"), b"\x05\x00")
        builder = builder.add_extension(unknown, critical=True)
    if filling:
        unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"x" * filling)
        builder = builder.add_extension(unknown, critical=False)
    if isinstance(signing, ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey):
        return builder.sign(signing, None)
    return builder.sign(signing, digest or hashes.SHA256())


@functools.lru_cache
def root() -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """A private authority and its key."""
    return issue(ec_key(100), subject="an authority", authority=True), ec_key(100)


def signed(key: Any, **more: Any) -> x509.Certificate:
    """A server's certificate, signed by `root`."""
    certificate, signing = root()
    return issue(key, signer=(certificate.subject, signing), **more)


def self_signed(folder: Path) -> Path:
    """Write a self-signed certificate for localhost and its key, in this order, to a file in the folder."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = issue(key, names=("localhost",), subject=f"test {folder.name}")
    file = folder / "server.pem"
    file.write_text(certificate_text(certificate) + key_text(key, serialization.PrivateFormat.TraditionalOpenSSL))
    return file


CERTIFICATE = certificate_text(signed(ec_key(), names=(DOMAIN, "monitoring.example.com")))
KEY = key_text(ec_key())
CA = certificate_text(root()[0])
