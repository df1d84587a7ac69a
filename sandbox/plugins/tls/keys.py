"""Private keys as the provider reads and returns them."""

from __future__ import annotations

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from sandbox.plugins.base import PluginError, Properties

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

CURVES: dict[str, type[ec.EllipticCurve]] = {
    "P224": ec.SECP224R1,
    "P256": ec.SECP256R1,
    "P384": ec.SECP384R1,
    "P521": ec.SECP521R1,
}


def load(pem: str, what: str) -> Key:
    """The key in a PEM text. what: its name in errors, such as `private key PEM`."""
    try:
        key = serialization.load_pem_private_key(pem.encode(), None)
    except (ValueError, TypeError) as error:
        raise PluginError(f"Failed to parse {what}: it is not an unencrypted private key in PEM format") from error
    if not isinstance(key, Key):
        raise PluginError(f"Failed to parse {what}: it is neither an RSA, an ECDSA nor an ED25519 key")
    return key


def algorithm(key: Key) -> str:
    """RSA, ECDSA or ED25519."""
    if isinstance(key, rsa.RSAPrivateKey):
        return "RSA"
    return "ECDSA" if isinstance(key, ec.EllipticCurvePrivateKey) else "ED25519"


def digest(key: Key) -> hashes.SHA256 | hashes.SHA384 | hashes.SHA512 | None:
    """The hash with which Go signs using this key."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return None
    match key.curve.name if isinstance(key, ec.EllipticCurvePrivateKey) else "":
        case "secp384r1":
            return hashes.SHA384()
        case "secp521r1":
            return hashes.SHA512()
        case _:
            return hashes.SHA256()


def generate(inputs: Properties) -> Key:
    """A new key for the inputs of PrivateKey."""
    match inputs["algorithm"]:
        case "RSA":
            return rsa.generate_private_key(65537, inputs["rsaBits"])
        case "ECDSA":
            return ec.generate_private_key(CURVES[inputs["ecdsaCurve"]]())
        case _:
            return ed25519.Ed25519PrivateKey.generate()


def private_text(key: Key, form: serialization.PrivateFormat) -> str:
    """The key in PEM, without a password."""
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()
