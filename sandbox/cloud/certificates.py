"""The certificate that AWS shows to the machines, issued by an authority that their images trust."""

from __future__ import annotations

import datetime
from pathlib import Path

import boto3
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sandbox.cloud import files

VALIDITY = datetime.timedelta(days=365)
RENEWED_BEFORE = datetime.timedelta(days=30)
DOMAIN = "amazonaws.com"
DATABASE_DOMAIN = "on.aws"
"""The domain of the databases that AWS runs."""


def regions() -> list[str]:
    """Every region of the AWS partition that has EC2."""
    return list(boto3.Session().get_available_regions("ec2"))


def ensure(folder: Path) -> tuple[Path, Path]:
    """Create the authority (`ca.pem`) and the server's certificate, unless valid ones exist.

    Returns (certificate with chain, private key). The certificate covers every `*.REGION.amazonaws.com` and
    `*.timestream-influxdb.REGION.on.aws`. Only the key's owner can read it. The authority is limited to those domains,
    and its key is discarded, so that it never signs anything else.
    """
    certificate, key, authority = folder / "server.pem", folder / "server.key", folder / "ca.pem"
    if all(path.exists() for path in (certificate, key, authority)) and _lasts(certificate):
        return certificate, key
    ca_key, server_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca = _authority(ca_key)
    pem = serialization.Encoding.PEM
    private = server_key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    server = _server(server_key.public_key(), ca, ca_key)
    files.write(key, private)
    files.write(authority, ca.public_bytes(pem), 0o644)
    files.write(certificate, server.public_bytes(pem) + ca.public_bytes(pem), 0o644)
    return certificate, key


def ensure_for(folder: Path, host: str) -> tuple[Path, Path]:
    """Create a self-signed certificate for one host, unless a valid one exists.

    Returns (certificate, private key); only the key's owner can read it.
    """
    certificate, private = folder / f"{host}.pem", folder / f"{host}.key"
    if certificate.exists() and private.exists() and _lasts(certificate):
        return certificate, private
    key, name, pem = ec.generate_private_key(ec.SECP256R1()), _name(host), serialization.Encoding.PEM
    made = (
        _builder(name, name, key.public_key())
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    files.write(private, key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    files.write(certificate, made.public_bytes(pem), 0o644)
    return certificate, private


def _lasts(certificate: Path) -> bool:
    found = x509.load_pem_x509_certificate(certificate.read_bytes())
    return found.not_valid_after_utc - datetime.datetime.now(datetime.UTC) > RENEWED_BEFORE


def _authority(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = _name("Local environment's AWS authority")
    return (
        _builder(name, name, key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.NameConstraints([x509.DNSName(DOMAIN), x509.DNSName(DATABASE_DOMAIN)], None), critical=True)
        .sign(key, hashes.SHA256())
    )


def _server(
    key: ec.EllipticCurvePublicKey, authority: x509.Certificate, signing: ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    regional = [name for region in regions() for name in (f"*.{region}.{DOMAIN}", f"*.s3.{region}.{DOMAIN}")]
    databases = [f"*.timestream-influxdb.{region}.{DATABASE_DOMAIN}" for region in regions()]
    names = [f"*.{DOMAIN}", *regional, *databases]
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key())
    return (
        _builder(_name(DOMAIN), authority.subject, key)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(issuer, critical=False)
        .sign(signing, hashes.SHA256())
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


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
        .not_valid_after(now + VALIDITY)
        # The machines' Python 3.13 refuses certificates without the identifiers.
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )
