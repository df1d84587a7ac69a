"""Hashes passwords and encrypts secure fields for the database."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

PASSWORD_ROUNDS = 10_000
"""The number of PBKDF2 rounds that Grafana uses."""


def hash_password(password: str, salt: str) -> str:
    """The PBKDF2-SHA256 hash of a password in hexadecimal, as Grafana stores it."""
    return hashlib.pbkdf2_hmac("sha256", password.encode(), salt.encode(), PASSWORD_ROUNDS, 50).hex()


def password_matches(password: str, salt: str, stored: str) -> bool:
    """Whether the password is the stored one. Compares in constant time."""
    return hmac.compare_digest(hash_password(password, salt), stored)


def new_salt() -> str:
    """A random salt for one user."""
    return secrets.token_urlsafe(10)


class Vault:
    """Encrypts and decrypts secure fields with a key derived from `[security] secret_key`."""

    def __init__(self, secret_key: str) -> None:
        derived = HKDF(SHA256(), 32, salt=None, info=b"grafana-secure-fields").derive(secret_key.encode())
        self._fernet = Fernet(base64.urlsafe_b64encode(derived))

    def seal(self, text: str) -> str:
        """The ciphertext of a secure field."""
        return self._fernet.encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str:
        """The text of a secure field; ValueError if the database was written with another secret_key."""
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise ValueError("secure field cannot be decrypted: was secret_key changed?") from None
