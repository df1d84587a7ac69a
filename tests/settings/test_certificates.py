"""Certificates and keys in settings: what Go, OpenSSL and browsers would refuse later is refused in the preview."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from settings import Settings, load
from tests.support.certificates import (
    CA,
    CERTIFICATE,
    DOMAIN,
    KEY,
    certificate_text,
    dsa_key,
    ec_key,
    issue,
    key_text,
    root,
    signed,
)
from tests.support.configuration import mistakes, raw

MARKED = ("monitoring:certificate", "monitoring:influxdb", "monitoring:hosts")
OWN = {"certificate": CERTIFICATE, "privateKey": KEY}
FORM = serialization.PrivateFormat
BROKEN = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
EVIL = "END_OF_FILE\necho PWNED >&2\n: <<'END_OF_FILE'\n"


def settings(**own: Any) -> Settings:
    """The settings of a stack with a certificate of the user's own."""
    return load(raw(domain=DOMAIN, certificate=OWN | own), MARKED)


def other(ca: str) -> Settings:
    """The settings of a stack with another InfluxDB."""
    influxdb = {"url": "https://a.b", "username": "u", "password": "p", "ca": ca}
    return load(raw(influxdb=influxdb, agentCidrs=[]), MARKED)


def test_only_the_pem_blocks_of_a_text_are_kept() -> None:
    """What is around and between them could end a here-document of an installer."""
    authority = certificate_text(root()[0])
    text = f"subject=/CN=x\n{EVIL}{authority}{EVIL}\n{CERTIFICATE}{EVIL}"
    external = other(text).influxdb
    assert external is not None
    assert external.ca == authority + CERTIFICATE
    own = settings(certificate=EVIL + CERTIFICATE.replace("\n", "\r\n"), privateKey=EVIL + KEY + EVIL).certificate
    assert own is not None
    assert own.certificate == CERTIFICATE
    assert own.private_key.get_secret_value() == KEY


@pytest.mark.parametrize(
    ("ca", "wrong"),
    [
        (CA.replace("MII", "MIJ", 1), "contains a certificate that cannot be read"),
        (BROKEN, "contains a certificate that cannot be read"),
        (BROKEN + EVIL + BROKEN, "contains a certificate that cannot be read"),
        (CA + BROKEN, "contains a certificate that cannot be read"),
        (CA.replace("CERTIFICATE", "TRUSTED CERTIFICATE"), "contains a certificate that cannot be read"),
        (KEY, "is not PEM text with a CERTIFICATE"),
        (CA + KEY, "also contains a private key"),
    ],
    ids=[
        "damaged",
        "too short",
        "too short, with text between",
        "one too short",
        "OpenSSL's own kind",
        "a key",
        "both",
    ],
)
def test_a_text_without_valid_certificates_is_refused(ca: str, wrong: str) -> None:
    influxdb = {"url": "https://a.b", "username": "u", "password": "p", "ca": ca}
    (line,) = mistakes(raw(influxdb=influxdb, agentCidrs=[]), MARKED)
    assert line.startswith(f"monitoring:influxdb.ca = (secret): {wrong}")


@pytest.mark.parametrize(
    "key",
    [
        rsa.generate_private_key(65537, 2048),
        ec.generate_private_key(ec.SECP384R1()),
        ec.generate_private_key(ec.SECP521R1()),
        ed25519.Ed25519PrivateKey.generate(),
    ],
    ids=lambda key: type(key).__name__,
)
@pytest.mark.parametrize("form", [FORM.PKCS8, FORM.TraditionalOpenSSL, FORM.OpenSSH])
def test_every_type_and_format_of_key_that_go_accepts(key: Any, form: Any) -> None:
    if isinstance(key, ed25519.Ed25519PrivateKey) and form == FORM.TraditionalOpenSSL:
        pytest.skip("this format has no Ed25519 keys")
    pair = {"certificate": certificate_text(signed(key)), "privateKey": key_text(key, form)}
    own = settings(**pair).certificate
    assert own is not None
    assert own.private_key.get_secret_value() == key_text(key)


def test_ec_keys_as_openssl_writes_them() -> None:
    text = subprocess.run(
        ["openssl", "ecparam", "-name", "prime256v1", "-genkey"], capture_output=True, text=True, check=True
    ).stdout
    key = serialization.load_pem_private_key(text.encode(), None)
    assert settings(certificate=certificate_text(signed(key)), privateKey=text).certificate is not None


WEAK = rsa.generate_private_key(65537, 1024)  # noqa: S505 - that is the point


@pytest.mark.parametrize(
    "key_of",
    [
        lambda: WEAK,
        dsa_key,
        lambda: ec.generate_private_key(ec.SECP256K1()),
        lambda: ec.generate_private_key(ec.SECP224R1()),
        ed448.Ed448PrivateKey.generate,
    ],
    ids=["short RSA", "DSA", "SECP256K1", "SECP224R1", "Ed448"],
)
def test_types_of_keys_that_cannot_serve_tls_are_refused(key_of: Callable[[], Any]) -> None:
    (line,) = mistakes(raw(domain=DOMAIN, certificate=OWN | {"privateKey": key_text(key_of())}), MARKED)
    assert line.startswith("monitoring:certificate.privateKey = (secret): is of a type that Grafana and InfluxDB")
    assert "use an EC key" in line


PAIRS: dict[str, tuple[dict[str, str], str]] = {
    "another's key": ({"privateKey": key_text(ec_key(1))}, "privateKey is not the key of certificate"),
    "the root first": (
        {"certificate": CA + certificate_text(signed(ec_key()))},
        "certificate does not begin with the server's own",
    ),
    "expired": ({"certificate": certificate_text(issue(ec_key(), days=(-9, -1)))}, "has expired"),
    "not yet": ({"certificate": certificate_text(issue(ec_key(), days=(1, 9)))}, "is not valid before"),
    "an expired one behind": (
        {"certificate": CERTIFICATE + certificate_text(issue(ec_key(2), days=(-9, -1), authority=True))},
        "has expired",
    ),
    "another name": (
        {"certificate": certificate_text(signed(ec_key(), names=("example.com", "*.m.example.com")))},
        "certificate is not for m.example.com, but for example.com, *.m.example.com",
    ),
    "a common name alone": (
        {"certificate": certificate_text(signed(ec_key(), names=(), subject=DOMAIN))},
        "but for no name at all",
    ),
    "a client's": (
        {"certificate": certificate_text(signed(ec_key(), usage=ExtendedKeyUsageOID.CLIENT_AUTH))},
        "certificate is not for servers",
    ),
    "another authority": (
        {"ca": certificate_text(issue(ec_key(7), subject="an authority", authority=True))},
        "ca is not the authority that signed certificate",
    ),
    "itself as its authority": ({"certificate": certificate_text(issue(ec_key()))}, "is self-signed"),
    "a passphrase": ({"privateKey": key_text(ec_key(), passphrase=b"x" * 8)}, "is encrypted with a passphrase"),
    "two keys": ({"privateKey": KEY + KEY}, "contains several private keys"),
    "a damaged key": ({"privateKey": KEY.replace("MIG", "MIH", 1)}, "contains a private key that cannot be read"),
    "the key with it": ({"certificate": CERTIFICATE + KEY}, "also contains a private key"),
}


@pytest.mark.parametrize("what", PAIRS)
def test_a_pair_that_no_client_would_trust_is_refused(what: str) -> None:
    changes, wrong = PAIRS[what]
    (line,) = mistakes(raw(domain=DOMAIN, certificate=OWN | changes), MARKED)
    assert line.startswith("monitoring:certificate")
    assert wrong in line
    assert KEY.splitlines()[1][:8] not in line


@pytest.mark.parametrize(
    "use", [{"usage": None}, {"usage": ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}, {"signs": False}], ids=str
)
def test_a_certificate_with_further_uses_is_accepted(use: dict[str, Any]) -> None:
    assert settings(certificate=certificate_text(signed(ec_key(), **use)), ca=CA).certificate is not None


def test_a_chain_to_a_private_authority_is_accepted_and_a_gap_in_it_refused() -> None:
    assert settings(certificate=certificate_text(signed(ec_key())), ca=CA).certificate is not None
    between = signed(ec_key(3), authority=True, subject="between")
    own = issue(ec_key(), signer=(between.subject, ec_key(3)))
    chain = certificate_text(own) + certificate_text(between)
    assert settings(certificate=chain, ca=CA).certificate is not None
    (line,) = mistakes(raw(domain=DOMAIN, certificate=OWN | {"certificate": certificate_text(own), "ca": CA}), MARKED)
    assert "ca is not the authority" in line


STRANGE = {"a short key": WEAK, "another curve": ec.generate_private_key(ec.SECP256K1())}
STRANGE["an Ed448 key"] = ed448.Ed448PrivateKey.generate()


@pytest.mark.parametrize("which", STRANGE)
def test_an_authority_whose_key_clients_refuse_is_refused(which: str) -> None:
    authority = issue(STRANGE[which], subject="strange", authority=True)
    own = issue(ec_key(), signer=(authority.subject, STRANGE[which]))
    texts = {"certificate": certificate_text(own), "ca": certificate_text(authority)}
    (line,) = mistakes(raw(domain=DOMAIN, certificate=OWN | texts), MARKED)
    assert line.startswith("monitoring:certificate.ca = (secret): contains an authority whose key is")
    influxdb = {"url": "https://a.b", "username": "u", "password": "p", "ca": texts["ca"]}
    (line,) = mistakes(raw(influxdb=influxdb, agentCidrs=[]), MARKED)
    assert line.startswith("monitoring:influxdb.ca = (secret): contains an authority whose key is")


NO_AUTHORITY = "is signed by one that is not an authority's"
CHAINS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    # the root's options, the intermediate's options, what is reported
    "a root that is no authority's": ({"authority": False}, {}, NO_AUTHORITY),
    "a root that signs no certificates": ({"signs": False}, {}, NO_AUTHORITY),
    "a root with nothing below": ({"below": 0}, {}, "or may have no authority below it"),
    "a server's certificate between": ({}, {"authority": False}, NO_AUTHORITY),
    "one between that signs nothing": ({}, {"signs": False}, NO_AUTHORITY),
    "a critical extension": ({}, {"critical": True}, "has a critical extension that clients do not know"),
    "SHA-224": ({}, {"digest": hashes.SHA224()}, "is signed in a way that clients reject"),
    "SHA-3": ({}, {"digest": hashes.SHA3_256()}, "is signed in a way that clients reject"),
}


def chain(first: dict[str, Any], second: dict[str, Any]) -> dict[str, str]:
    """A server's certificate that an intermediate signed, which a root signed. first, second: their options."""
    top = issue(ec_key(100), **{"subject": "top", "authority": True, "usage": None, "names": (), **first})
    options = {"subject": "between", "authority": True, "usage": None, "names": (), **second}
    between = issue(ec_key(3), signer=(top.subject, ec_key(100)), **options)
    own = issue(ec_key(), signer=(between.subject, ec_key(3)))
    return {"certificate": certificate_text(own) + certificate_text(between), "ca": certificate_text(top)}


@pytest.mark.parametrize("what", CHAINS)
def test_a_chain_that_clients_refuse_is_refused(what: str) -> None:
    first, second, wrong = CHAINS[what]
    (line,) = mistakes(raw(domain=DOMAIN, certificate=OWN | chain(first, second)), MARKED)
    assert line.startswith("monitoring:certificate = (secret): ")
    assert wrong in line


def test_chains_that_clients_accept() -> None:
    for first in ({}, {"signs": True}, {"below": 1}, {"below": 2}):
        assert settings(**chain(first, {"signs": True, "below": 0})).certificate is not None


def test_an_authority_with_an_ed25519_key_is_accepted() -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    authority = issue(key, subject="Ed25519", authority=True)
    own = certificate_text(issue(ec_key(), signer=(authority.subject, key)))
    assert settings(certificate=own, ca=certificate_text(authority)).certificate is not None


def test_authorities_that_only_sign_each_other_are_no_chain() -> None:
    first, second = (issue(ec_key(number), subject=f"authority {number}", authority=True) for number in (3, 4))
    crossed = [
        issue(ec_key(3), signer=(second.subject, ec_key(4)), subject="authority 3", authority=True),
        issue(ec_key(4), signer=(first.subject, ec_key(3)), subject="authority 4", authority=True),
    ]
    own = issue(ec_key(), signer=(first.subject, ec_key(3)))
    chain = "".join(certificate_text(each) for each in (own, *crossed))
    (line,) = mistakes(raw(domain=DOMAIN, certificate=OWN | {"certificate": chain, "ca": CA}), MARKED)
    assert "ca is not the authority that signed certificate" in line


def test_a_certificate_that_may_only_sign_certificates_is_refused() -> None:
    (line,) = mistakes(
        raw(domain=DOMAIN, certificate=OWN | {"certificate": certificate_text(signed(ec_key(), signs=True))}), MARKED
    )
    assert "certificate is not for servers" in line


WILD = {"certificate": certificate_text(signed(ec_key(), names=("*.example.com",)))}


def test_a_wildcard_matches_a_single_label() -> None:
    assert load(raw(domain="x.example.com", certificate=OWN | WILD), MARKED).domain
    for domain in ("example.com", "a.b.example.com"):
        (line,) = mistakes(raw(domain=domain, certificate=OWN | WILD), MARKED)
        assert f"certificate is not for {domain}" in line
