"""What a certificate may be used for: the names in `allowedUses`, and their extensions."""

from __future__ import annotations

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

_BITS = {
    "digital_signature": "digital_signature",
    "content_commitment": "content_commitment",
    "key_encipherment": "key_encipherment",
    "data_encipherment": "data_encipherment",
    "key_agreement": "key_agreement",
    "cert_signing": "key_cert_sign",
    "crl_signing": "crl_sign",
    "encipher_only": "encipher_only",
    "decipher_only": "decipher_only",
}

_EXTENDED = {
    "any_extended": ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
    "server_auth": ExtendedKeyUsageOID.SERVER_AUTH,
    "client_auth": ExtendedKeyUsageOID.CLIENT_AUTH,
    "code_signing": ExtendedKeyUsageOID.CODE_SIGNING,
    "email_protection": ExtendedKeyUsageOID.EMAIL_PROTECTION,
    "ipsec_end_system": ObjectIdentifier("1.3.6.1.5.5.7.3.5"),
    "ipsec_tunnel": ObjectIdentifier("1.3.6.1.5.5.7.3.6"),
    "ipsec_user": ObjectIdentifier("1.3.6.1.5.5.7.3.7"),
    "timestamping": ExtendedKeyUsageOID.TIME_STAMPING,
    "ocsp_signing": ExtendedKeyUsageOID.OCSP_SIGNING,
    "microsoft_server_gated_crypto": ObjectIdentifier("1.3.6.1.4.1.311.10.3.3"),
    "netscape_server_gated_crypto": ObjectIdentifier("2.16.840.1.113730.4.1"),
    "microsoft_commercial_code_signing": ObjectIdentifier("1.3.6.1.4.1.311.2.1.22"),
    "microsoft_kernel_code_signing": ObjectIdentifier("1.3.6.1.4.1.311.61.1.1"),
}

USES = frozenset({*_BITS, *_EXTENDED})
"""All names that `allowedUses` accepts."""


def key_usage(uses: list[str]) -> x509.KeyUsage | None:
    """The key usage extension, None if none of its bits is requested."""
    bits = {bit: name in uses for name, bit in _BITS.items()}
    if not any(bits.values()):
        return None
    # X.509 defines these two only together with key agreement, so the library refuses them without it.
    if not bits["key_agreement"]:
        bits["encipher_only"] = bits["decipher_only"] = False
    return x509.KeyUsage(**bits)


def extended_key_usage(uses: list[str]) -> x509.ExtendedKeyUsage | None:
    """The extended key usage extension, None if none of its purposes is requested."""
    purposes = [_EXTENDED[name] for name in uses if name in _EXTENDED]
    return x509.ExtendedKeyUsage(purposes) if purposes else None
