"""Keys and login methods for the `connection` input.

Behaviour and messages are those of pulumi-command 1.2.1 (provider/pkg/provider/remote/connection.go) and of its
golang.org/x/crypto/ssh v0.48.0 (client_auth.go, keys.go).
"""

from __future__ import annotations

import os
import socket
from base64 import b64decode
from collections.abc import Callable
from io import StringIO
from typing import Any

import paramiko
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from sandbox.plugins.base import Properties
from sandbox.plugins.errors import VerbatimError

LoginMethod = tuple[str, Callable[[paramiko.Transport], object]]
"""A login method: its name in the protocol, and its implementation."""


def host_key(text: str) -> tuple[str, bytes]:
    """The type and the bytes of a public key as in authorized_keys, such as `ssh-ed25519 AAAA… comment`.

    Raises VerbatimError if it is not one.
    """
    words = text.split()
    try:
        blob = b64decode(words[1], validate=True)
        length = int.from_bytes(blob[:4], "big")
        if blob[4 : 4 + length].decode() == words[0]:
            return words[0], blob
    except (IndexError, ValueError):
        pass  # as below
    raise VerbatimError("failed to parse host key: ssh: no key found")


def login_methods(connection: Properties) -> list[LoginMethod]:
    """The login methods that the connection allows, in the real provider's order."""
    user, methods = connection["user"], list[LoginMethod]()
    if connection.get("privateKey"):
        key = private_key(connection["privateKey"], connection.get("privateKeyPassword"))
        methods.append(("publickey", lambda transport: transport.auth_publickey(user, key)))
    if password := connection.get("password"):
        methods.append(("password", lambda transport: transport.auth_password(user, password, fallback=False)))
        methods.append(
            (
                "keyboard-interactive",
                lambda transport: transport.auth_interactive(user, lambda _, __, asked: [password for _ in asked]),
            )
        )
    if path := connection.get("agentSocketPath") or os.environ.get("SSH_AUTH_SOCK"):
        agent = _Agent(path)
        methods.append(("publickey", lambda transport: _any_key(transport, user, agent.get_keys())))
    return methods


def _any_key(transport: paramiko.Transport, user: str, keys: tuple[paramiko.AgentKey, ...]) -> None:
    error = paramiko.AuthenticationException("no key")
    for key in keys:
        try:
            transport.auth_publickey(user, key)
            return
        except paramiko.AuthenticationException as refused:
            error = refused
    raise error


def log_in(transport: paramiko.Transport, user: str, methods: list[LoginMethod]) -> None:
    """Ask which methods are allowed, then try each once. So with a private key, an agent's keys are not tried."""
    tried = ["none"]
    try:
        transport.auth_none(user)
        return
    except paramiko.BadAuthenticationType as error:
        allowed = error.allowed_types
    for method, attempt in methods:
        if method in tried or method not in allowed:
            continue
        try:
            attempt(transport)
            return
        except paramiko.AuthenticationException:
            tried.append(method)
    raise paramiko.AuthenticationException(
        f"ssh: unable to authenticate, attempted methods [{' '.join(tried)}], no supported methods remain"
    )


class _Agent(paramiko.agent.AgentSSH):
    """The SSH agent at a path; paramiko's own class only uses the one in the environment."""

    def __init__(self, path: str) -> None:
        super().__init__()
        line = socket.socket(socket.AF_UNIX)
        try:
            line.connect(path)
        except OSError as error:
            raise VerbatimError(f"dial unix {path}: connect: {error.strerror}".lower()) from error
        connect: Any = getattr(self, "_connect")  # noqa: B009 (the type stubs leave it out)
        connect(line)


def private_key(text: str, password: str | None) -> paramiko.PKey:
    """A private key in any of the usual PEM forms. Raises VerbatimError if it is not one or cannot be decrypted."""
    secret = password.encode() if password else None
    loaders = (serialization.load_ssh_private_key, serialization.load_pem_private_key)
    for load in loaders:
        try:
            key = load(text.encode(), secret)
        except (ValueError, TypeError):
            continue
        plain = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
        )
        kinds: dict[type, type[paramiko.PKey]] = {
            rsa.RSAPrivateKey: paramiko.RSAKey,
            ec.EllipticCurvePrivateKey: paramiko.ECDSAKey,
            ed25519.Ed25519PrivateKey: paramiko.Ed25519Key,
        }
        for kind, wrapper in kinds.items():
            if isinstance(key, kind):
                return wrapper.from_private_key(StringIO(plain.decode()))
    raise VerbatimError("ssh: this private key is passphrase protected" if "ENCRYPTED" in text else "ssh: no key found")
