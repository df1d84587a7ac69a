"""A server's certificate, its key and the authority that signed it: what clients would reject.

Clients are Go's crypto/x509 (Telegraf, the Grafana provider), OpenSSL at security level 2 (curl on the server) and
browsers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID, SignatureAlgorithmOID

from settings.certificates import read, served
from settings.mistakes import short


def mismatches(chain: str, key: str, ca: str | None, domain: str | None) -> Iterator[tuple[str, str]]:
    """What is wrong with a server's certificate and key together, each with what to write instead.

    Each text has been checked on its own. Without a `domain` the name is not checked.
    """
    certificates = read(chain)
    own = certificates[0]
    public = serialization.load_pem_private_key(key.encode(), None).public_key()
    if public != own.public_key():
        if any(other.public_key() == public for other in certificates):
            yield "certificate does not begin with the server's own", "write that one first"
        else:
            yield "privateKey is not the key of certificate", "write the key that the certificate was issued for"
        return
    if domain and not any(_fits(domain, name) for name in _names(own)):
        names = short(", ".join(_names(own)[:3]) or "no name at all")
        yield f"certificate is not for {domain}, but for {names}", "write the one that was issued for domain"
    if not _may_serve(own):
        yield (
            "certificate is not for servers",
            "have one issued for serverAuth (TLS servers)",
        )
    if any(not _signed_well(one) for one in certificates if one.subject != one.issuer):
        yield "certificate is signed in a way that clients reject", "have it reissued with SHA-256 by an RSA or EC key"
    if any(_has_unknown_demands(one) for one in certificates):
        yield "certificate has a critical extension that clients do not know", "have it reissued without it"
    if not ca and _issued(own, own):
        yield "certificate is self-signed, so no client trusts it", "write it as ca, too"
    if ca and (wrong := _why_not(own, certificates[1:], read(ca))):
        yield wrong, "write the root at which the chain ends"


def _names(certificate: x509.Certificate) -> list[str]:
    """The DNS names; browsers and Go ignore the common name."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return [str(name) for name in names.value.get_values_for_type(x509.DNSName)]


def _fits(domain: str, name: str) -> bool:
    """Whether a certificate's name covers the domain. RFC 6125: a `*` stands only for the first label."""
    name = name.lower()
    return name == domain or (name.startswith("*.") and domain.partition(".")[2] == name[2:])


def _may_serve(certificate: x509.Certificate) -> bool:
    """Whether the certificate is for TLS servers (RFC 5280, 4.2.1.3 and 4.2.1.12). It must be able to sign: all key
    exchanges of TLS 1.3, and those of 1.2 with ECDHE, are signed."""
    try:
        if not certificate.extensions.get_extension_for_class(x509.KeyUsage).value.digital_signature:
            return False
    except x509.ExtensionNotFound:
        pass
    try:
        usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return ExtendedKeyUsageOID.SERVER_AUTH in usages or ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE in usages


def _signed_well(certificate: x509.Certificate) -> bool:
    """Whether Go's crypto/x509 (signatureAlgorithmDetails) and OpenSSL at security level 2 accept the signature."""
    try:
        used = certificate.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return False
    if used is None:
        return certificate.signature_algorithm_oid == SignatureAlgorithmOID.ED25519
    return used.name in ("sha256", "sha384", "sha512")


def _has_unknown_demands(certificate: x509.Certificate) -> bool:
    """RFC 5280, 4.2: a client rejects a certificate with a critical extension that it does not know."""
    return any(one.critical and isinstance(one.value, x509.UnrecognizedExtension) for one in certificate.extensions)


def _why_not(
    own: x509.Certificate, between: Sequence[x509.Certificate], roots: Sequence[x509.Certificate]
) -> str | None:
    """Why the certificate is neither one of the roots nor signed by one, directly or through intermediates."""
    current = own
    for below in range(len(between) + 1):
        if current in roots:
            return None
        issuers = [one for one in (*roots, *between) if one != current and _issued(current, one)]
        if not issuers:
            return "ca is not the authority that signed certificate"
        following = next((one for one in issuers if _may_sign(one, below)), None)
        if following is None:
            return "certificate is signed by one that is not an authority's, or may have no authority below it"
        if following in roots:
            return None
        current = following
    return "ca is not the authority that signed certificate"


def _may_sign(certificate: x509.Certificate, below: int) -> bool:
    """Whether it is an authority's, may have `below` others under it, and has a key that clients accept (RFC 5280,
    4.2.1.3 and 4.2.1.9; crypto/x509, isValid and CheckSignatureFrom)."""
    if not served(certificate.public_key()):
        return False
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        return False
    try:
        signs = certificate.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    except x509.ExtensionNotFound:
        signs = True
    return constraints.ca and signs and (constraints.path_length is None or below <= constraints.path_length)


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True
