"""The certificate the machines see when they talk to AWS, from a small authority their images trust."""

from __future__ import annotations

import datetime
from pathlib import Path

import boto3
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIFE = datetime.timedelta(days=365)


def regions() -> list[str]:
    """Every region of the AWS partition that EC2 has."""
    return list(boto3.Session().get_available_regions("ec2"))


def ensure(folder: Path) -> tuple[Path, Path]:
    """Make the authority (`ca.pem`) and the server's certificate, unless they are there; returns both paths.

    Returns (certificate with chain, private key), for every `*.REGION.amazonaws.com`. Keys are readable by root
    alone; the authority's is thrown away.
    """
    certificate, key = folder / "server.pem", folder / "server.key"
    if certificate.exists() and key.exists():
        return certificate, key
    authority_key, server_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority_name = _name("Local environment's AWS authority")
    authority = (
        _builder(authority_name, authority_name, authority_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    names = ["*.amazonaws.com", *(f"*.{region}.amazonaws.com" for region in regions())]
    server = (
        _builder(_name("amazonaws.com"), authority_name, server_key.public_key())
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    key.touch(mode=0o600)
    key.write_bytes(server_key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    (folder / "ca.pem").write_bytes(authority.public_bytes(pem))
    certificate.write_bytes(server.public_bytes(pem) + authority.public_bytes(pem))
    return certificate, key


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + LIFE)
    )
