"""SSH keys: host keys, and private keys that log in to hosts."""

from __future__ import annotations

import binascii
from base64 import b64decode
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from settings import values as v
from settings.certificates import CURVES, only_key
from settings.mistakes import WrongValueError

HOST_KEY_TYPES = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521")
"""Types of host keys that both the command provider and current OpenSSH accept. The provider (1.2.1, with
golang.org/x/crypto/ssh) offers the type of the given key as the only algorithm for the host's signature."""

_SCAN = "write the host's ed25519 or ecdsa key: `ssh-keyscan -t ed25519 HOST` prints it; compare it with the host's own"
_REFUSED = {
    "ssh-rsa": (
        "is an RSA key: the command provider offers only the signature algorithm ssh-rsa, "
        "which OpenSSH 8.8 and later refuse"
    ),
    "rsa-sha2-256": "names a signature algorithm, not a key's type",
    "rsa-sha2-512": "names a signature algorithm, not a key's type",
    "ssh-dss": "is a DSA key, which OpenSSH no longer has",
}


def host_key(value: Any) -> str:
    """An SSH host's public key as known_hosts and authorized_keys write it, without a comment: type and base64."""
    instead = "write it as `ssh-ed25519 AAAA…`, from /etc/ssh/ssh_host_ed25519_key.pub on that host"
    written = v.text(value.strip() if isinstance(value, str) else value)
    words = written.split()
    kind = words[0]
    if "\n" in written:
        raise WrongValueError("has several lines, not one SSH host key", instead)
    if len(words) > 2 and words[1] in (*HOST_KEY_TYPES, *_REFUSED):
        raise WrongValueError("has text before the SSH host key", "remove what precedes the key's type")
    if "-cert-v" in kind:
        raise WrongValueError("is a certificate, not a key: nothing would verify who signed it", _SCAN)
    if kind.startswith("sk-"):
        raise WrongValueError("is a security key (sk-), which no host has", _SCAN)
    if kind not in (*HOST_KEY_TYPES, *_REFUSED) or len(words) < 2:
        raise WrongValueError("is not an SSH host's public key", instead)
    inside = _type_inside(words[1])
    if kind in _REFUSED and inside not in HOST_KEY_TYPES:
        raise WrongValueError(_REFUSED[kind], _SCAN)
    if inside is None:
        raise WrongValueError("is not an SSH host's public key", instead)
    if inside != kind:
        raise WrongValueError("is incomplete, or not of the type it names", instead)
    try:
        key = serialization.load_ssh_public_key(f"{kind} {words[1]}".encode())
    except (ValueError, UnsupportedAlgorithm):
        raise WrongValueError("is incomplete, or not of the type it names", instead) from None
    return key.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()


def _type_inside(base64: str) -> str | None:
    """The type that the key's own bytes name; None if they are not base64."""
    try:
        blob = b64decode(base64, validate=True)
    except (binascii.Error, ValueError):
        return None
    return blob[4 : 4 + int.from_bytes(blob[:4], "big")].decode("ascii", "replace")


SMALLEST_RSA = 1024
"""Bits: sshd's RequiredRSASize (man 5 sshd_config)."""


def private_key(value: Any) -> str:
    """A private key for logging in, in PEM or OpenSSH's format, without a passphrase; unchanged, but without
    surrounding text."""
    without = "write a key without one (Pulumi encrypts it)"
    text, key = only_key(
        value,
        plain=without,
        which="write only the one that logs in to the host",
        unreadable=("is damaged or encrypted with a passphrase", without),
    )
    if not (
        isinstance(key, ed25519.Ed25519PrivateKey)
        or (isinstance(key, rsa.RSAPrivateKey) and key.key_size >= SMALLEST_RSA)
        or (isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in CURVES)
    ):
        raise WrongValueError("is of a type that current OpenSSH does not accept", "use an ed25519 key")
    return text + "\n"
