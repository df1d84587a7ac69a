"""Who a certificate is for: the subject and the alternative names."""

from __future__ import annotations

from ipaddress import ip_address

from cryptography import x509
from cryptography.x509.oid import NameOID

from sandbox.plugins.base import TEXT, Input, ListOf, ObjectOf, PluginError, Properties, fields

_PARTS = {
    "country": NameOID.COUNTRY_NAME,
    "organization": NameOID.ORGANIZATION_NAME,
    "organizationalUnit": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "locality": NameOID.LOCALITY_NAME,
    "province": NameOID.STATE_OR_PROVINCE_NAME,
    "streetAddresses": NameOID.STREET_ADDRESS,
    "postalCode": NameOID.POSTAL_CODE,
    "commonName": NameOID.COMMON_NAME,
    "serialNumber": NameOID.SERIAL_NUMBER,
    "emailAddress": NameOID.EMAIL_ADDRESS,
}
"""In the order in which Go writes them."""

SUBJECT = ObjectOf(fields(**{name: Input(ListOf(TEXT) if name == "streetAddresses" else TEXT) for name in _PARTS}))

NAME_INPUTS = {
    "dnsNames": Input(ListOf(TEXT), replaces=True),
    "ipAddresses": Input(ListOf(TEXT), replaces=True),
    "subject": Input(SUBJECT, replaces=True),
    "uris": Input(ListOf(TEXT), replaces=True),
}
"""The inputs for names, of every resource that has them."""


def subject(inputs: Properties) -> x509.Name:
    """The distinguished name, empty if no subject is given."""
    given = inputs.get("subject") or {}
    parts = [x509.NameAttribute(oid, text) for name, oid in _PARTS.items() for text in _texts(given.get(name)) if text]
    return x509.Name(parts)


def _texts(value: str | list[str] | None) -> list[str]:
    if isinstance(value, list):
        return value
    return [] if value is None else [value]


def alternatives(inputs: Properties) -> x509.SubjectAlternativeName | None:
    """The alternative names, None if there are none. Raises PluginError for an invalid address."""
    names: list[x509.GeneralName] = [x509.DNSName(name) for name in inputs.get("dnsNames") or []]
    for text in inputs.get("ipAddresses") or []:
        try:
            names.append(x509.IPAddress(ip_address(text)))
        except ValueError as error:
            raise PluginError(f"Invalid IP address: Failed to parse {text!r}") from error
    names += [x509.UniformResourceIdentifier(uri) for uri in inputs.get("uris") or []]
    return x509.SubjectAlternativeName(names) if names else None
