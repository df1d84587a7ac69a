"""SSH connections as the `connection` input describes them, with the real provider's patience, and its lack of it.

What it does and says is that of pulumi-command 1.2.1 (provider/pkg/provider/remote/connection.go) and of its
golang.org/x/crypto/ssh v0.48.0 (client.go, client_auth.go, common.go, keys.go).
"""

from __future__ import annotations

import math
import os
import socket
import time
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

import paramiko
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from sandbox.plugins.base import INTEGER, NUMBER, TEXT, Input, ObjectOf, Properties, Resource, fields
from sandbox.plugins.errors import VerbatimError

FIRST_DELAY, BACKOFF, LONGEST_DELAY = 0.1, 1.5, 5.0
"""Seconds between attempts (sdk/go/common/util/retry of pulumi/pulumi)."""

UNLIMITED = -1

CONNECTION = ObjectOf(
    fields(
        agentSocketPath=Input(TEXT),
        dialErrorLimit=Input(INTEGER, default=10),
        host=Input(TEXT, required=True),
        hostKey=Input(TEXT),
        password=Input(TEXT),
        perDialTimeout=Input(INTEGER, default=15),
        port=Input(NUMBER, default=22),
        privateKey=Input(TEXT),
        privateKeyPassword=Input(TEXT),
        user=Input(TEXT, default="root"),
    )
)
"""The type of the input; dialErrorLimit: failed attempts that are forgiven, perDialTimeout: seconds, 0 for ever."""


@contextmanager
def connected(connection: Properties, resource: Resource[Any]) -> Iterator[paramiko.Transport]:
    """An authenticated connection, closed at the end. Raises VerbatimError after the last attempt.

    Every failure is tried again, as the real provider does. `perDialTimeout` bounds the TCP connection alone: a port
    that accepts it and never speaks SSH is waited for without end, and neither `customTimeouts` nor an interruption
    of the run ends that (`ssh.Dial` takes no context and sets no deadline).
    """
    expected = host_key(connection["hostKey"]) if connection.get("hostKey") else None
    ways = _ways(connection)
    transport = _patiently(connection, resource, lambda: _open(connection, expected, ways))
    try:
        yield transport
    finally:
        transport.close()


def _patiently(
    connection: Properties, resource: Resource[Any], attempt: Callable[[], paramiko.Transport]
) -> paramiko.Transport:
    limit, delay, failed = connection["dialErrorLimit"], FIRST_DELAY, 0
    deadline = time.monotonic() + resource.request.timeout if resource.request.timeout else None
    while True:
        try:
            return attempt()
        except (OSError, EOFError, paramiko.SSHException) as error:
            failed += 1
            reason = _reason(connection, error)
            if limit > UNLIMITED and failed > limit:
                raise VerbatimError(f"after {failed - 1} failed attempts: {reason}") from error
            resource.status(f"Dial {failed}/{'inf' if limit == UNLIMITED else limit} failed: retrying")
        left = deadline - time.monotonic() if deadline else delay
        if resource.request.cancelled.wait(min(delay, max(left, 0))):
            raise VerbatimError("context canceled")
        if left < delay:
            raise VerbatimError("context deadline exceeded")
        delay = min(delay * BACKOFF, LONGEST_DELAY)


def _reason(connection: Properties, error: Exception) -> str:
    """The failure of one attempt as Go words it."""
    host, port = connection["host"], int(connection["port"])
    if isinstance(error, socket.gaierror):
        return f"dial tcp: lookup {host}: no such host"
    if isinstance(error, OSError):
        address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][4][0]
        where = f"[{address}]:{port}" if ":" in str(address) else f"{address}:{port}"
        if isinstance(error, TimeoutError) and error.errno is None:
            return f"dial tcp {where}: i/o timeout"
        return f"dial tcp {where}: connect: {error.strerror}".lower()
    words = str(error)
    if words.startswith(("Error reading SSH protocol banner", "Negotiation failed")) or not words:
        words = "EOF"
    elif words.startswith(("Indecipherable protocol version", "Invalid SSH banner")):
        words = "ssh: overflow reading version string"
    return f"ssh: handshake failed: {words}"


class _Transport(paramiko.Transport):
    """paramiko's, without its own limits of time, which Go's does not have; remembers what the server offers."""

    offered: tuple[str, ...] = ()

    def __init__(self, line: socket.socket) -> None:
        super().__init__(line)
        self.banner_timeout = self.auth_timeout = math.inf
        # The timer of handshake_timeout, which takes no infinity.
        self.packetizer.start_handshake = lambda timeout: None  # type: ignore[method-assign]

    def _really_parse_kex_init(self, message: paramiko.Message, ignore_first_byte: bool = False) -> dict[str, Any]:
        internals: Any = super()
        parsed: dict[str, Any] = internals._really_parse_kex_init(message, ignore_first_byte)
        self.offered = tuple(parsed["server_key_algo_list"])
        return parsed


Way = tuple[str, Callable[[paramiko.Transport], object]]
"""How to log in: the method's name in the protocol, and what does it."""


def _open(connection: Properties, expected: tuple[str, bytes] | None, ways: list[Way]) -> paramiko.Transport:
    """Dial once, check the host's key, log in."""
    address = (connection["host"], int(connection["port"]))
    transport = _Transport(socket.create_connection(address, timeout=connection["perDialTimeout"] or None))
    try:
        if expected is not None:
            # The host may have keys of several types: the written key's type is asked for, and no other. Of an RSA
            # key that is `ssh-rsa`, signed with SHA-1, which OpenSSH has not offered since 8.8.
            transport._preferred_keys = (expected[0],)  # type: ignore[attr-defined]
        try:
            transport.start_client()
        except paramiko.ssh_exception.IncompatiblePeer as error:
            ours, theirs = " ".join([expected[0]] if expected else []), " ".join(transport.offered)
            raise paramiko.SSHException(
                f"ssh: no common algorithm for host key; we offered: [{ours}], peer offered: [{theirs}]"
            ) from error
        if expected is not None and transport.get_remote_server_key().asbytes() != expected[1]:
            raise paramiko.SSHException("ssh: host key mismatch")
        _log_in(transport, connection["user"], ways)
    except BaseException:
        transport.close()
        raise
    return transport


def host_key(text: str) -> tuple[str, bytes]:
    """The type and the bytes of a public key as in authorized_keys: `ssh-ed25519 AAAA… comment`.

    Raises VerbatimError when it is none.
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


def _ways(connection: Properties) -> list[Way]:
    """The ways to log in that are given, in the real provider's order."""
    user, ways = connection["user"], list[Way]()
    if connection.get("privateKey"):
        key = private_key(connection["privateKey"], connection.get("privateKeyPassword"))
        ways.append(("publickey", lambda transport: transport.auth_publickey(user, key)))
    if password := connection.get("password"):
        ways.append(("password", lambda transport: transport.auth_password(user, password, fallback=False)))
        ways.append(
            (
                "keyboard-interactive",
                lambda transport: transport.auth_interactive(user, lambda _, __, asked: [password for _ in asked]),
            )
        )
    if path := connection.get("agentSocketPath") or os.environ.get("SSH_AUTH_SOCK"):
        agent = _Agent(path)
        ways.append(("publickey", lambda transport: _any_key(transport, user, agent.get_keys())))
    return ways


def _any_key(transport: paramiko.Transport, user: str, keys: tuple[paramiko.AgentKey, ...]) -> None:
    error = paramiko.AuthenticationException("no key")
    for key in keys:
        try:
            transport.auth_publickey(user, key)
            return
        except paramiko.AuthenticationException as refused:
            error = refused
    raise error


def _log_in(transport: paramiko.Transport, user: str, ways: list[Way]) -> None:
    """Ask what is allowed, then try each method once: with a private key, an agent's keys are not tried."""
    tried = ["none"]
    try:
        transport.auth_none(user)
        return
    except paramiko.BadAuthenticationType as error:
        allowed = error.allowed_types
    for method, attempt in ways:
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
    """The SSH agent at a path; paramiko's own one only knows the environment's."""

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
    """A private key in any of the usual PEM forms. Raises VerbatimError when it is none or stays locked."""
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
