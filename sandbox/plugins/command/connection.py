"""SSH connections as the `connection` input describes them, with the real provider's patience."""

from __future__ import annotations

import os
import socket
from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

import paramiko
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from sandbox.plugins.base import INTEGER, NUMBER, TEXT, Input, ObjectOf, PluginError, Properties, Resource, fields

FIRST_DELAY, BACKOFF, LONGEST_DELAY = 0.1, 1.5, 5.0
"""Seconds between attempts (sdk/go/common/util/retry of pulumi/pulumi)."""

UNLIMITED = -1

_ENDPOINT = {
    "agentSocketPath": Input(TEXT),
    "dialErrorLimit": Input(INTEGER, default=10),
    "host": Input(TEXT, required=True),
    "hostKey": Input(TEXT),
    "password": Input(TEXT),
    "perDialTimeout": Input(INTEGER, default=15),
    "port": Input(NUMBER, default=22),
    "privateKey": Input(TEXT),
    "privateKeyPassword": Input(TEXT),
    "user": Input(TEXT, default="root"),
}
CONNECTION = ObjectOf(fields(proxy=Input(ObjectOf(fields(**_ENDPOINT))), **_ENDPOINT))
"""The type of the input; dialErrorLimit: failed attempts that are forgiven, perDialTimeout: seconds, 0 for ever."""


@contextmanager
def connected(connection: Properties, resource: Resource[Any]) -> Iterator[paramiko.Transport]:
    """An authenticated connection, closed at the end; through the proxy when there is one.

    Every failure is tried again, as the real provider does. Raises PluginError after the last attempt.
    """
    try:
        if proxy := connection.get("proxy"):
            target = (connection["host"], int(connection["port"]))
            with _connected(proxy, resource, "Dial proxy", lambda: _dial(proxy)) as bridge:

                def through() -> paramiko.Channel:
                    return bridge.open_channel("direct-tcpip", target, ("127.0.0.1", 0))

                with _connected(connection, resource, "Dial from proxy", through) as transport:
                    yield transport
        else:
            with _connected(connection, resource, "Dial", lambda: _dial(connection)) as transport:
                yield transport
    except PluginError as error:
        error.public = _public(connection)
        raise


def _public(connection: Properties) -> frozenset[str]:
    """What errors may tell of a connection, which is secret as a whole."""
    ends = (connection, connection.get("proxy") or {})
    told = {str(end[name]) for end in ends for name in ("host", "user") if name in end}
    secrets = ("password", "privateKey", "privateKeyPassword")
    return frozenset(told - {str(end[name]) for end in ends for name in secrets if name in end})


@contextmanager
def _connected(
    connection: Properties,
    resource: Resource[Any],
    what: str,
    line: Callable[[], socket.socket | paramiko.Channel],
) -> Iterator[paramiko.Transport]:
    transport = _patiently(connection, resource, what, lambda: _open(connection, line()))
    try:
        yield transport
    finally:
        transport.close()


def _patiently(
    connection: Properties, resource: Resource[Any], what: str, attempt: Callable[[], paramiko.Transport]
) -> paramiko.Transport:
    limit, delay, failed = connection["dialErrorLimit"], FIRST_DELAY, 0
    while True:
        try:
            return attempt()
        except (OSError, EOFError, paramiko.SSHException) as error:
            failed += 1
            reason = _reason(connection, error)
            if limit > UNLIMITED and failed > limit:
                raise PluginError(f"after {failed - 1} failed attempts: {reason}") from error
            resource.status(f"{what} {failed}/{'inf' if limit == UNLIMITED else limit} failed: retrying")
        resource.pause(delay)
        delay = min(delay * BACKOFF, LONGEST_DELAY)


def _reason(connection: Properties, error: Exception) -> str:
    where = f"{connection['host']}:{int(connection['port'])}"
    if isinstance(error, paramiko.AuthenticationException):
        return f"ssh: handshake failed: ssh: unable to authenticate as {connection['user']} at {where}: {error}"
    if isinstance(error, paramiko.SSHException | EOFError):
        return f"ssh: handshake failed: {error or 'EOF'}"
    if isinstance(error, TimeoutError):
        return f"dial tcp {where}: i/o timeout"
    return f"dial tcp {where}: connect: {getattr(error, 'strerror', None) or error}".lower()


def _timeout(connection: Properties) -> float | None:
    return connection["perDialTimeout"] or None


def _dial(connection: Properties) -> socket.socket:
    address = (connection["host"], int(connection["port"]))
    return socket.create_connection(address, timeout=_timeout(connection))


def _open(connection: Properties, line: socket.socket | paramiko.Channel) -> paramiko.Transport:
    """Speak SSH on an open line: check the host's key, then authenticate."""
    transport = paramiko.Transport(line)
    try:
        expected = host_key(connection["hostKey"]) if connection.get("hostKey") else None
        if expected is not None:
            # The host may have keys of several types; ask for the one that is known.
            options = transport.get_security_options()
            options.key_types = _algorithms(expected[0], options.key_types)
        transport.start_client(timeout=_timeout(connection))
        if expected is not None:
            there = transport.get_remote_server_key()
            if there.asbytes() != expected[1]:
                raise paramiko.SSHException("ssh: host key mismatch")
        _authenticate(transport, connection)
    except BaseException:
        transport.close()
        raise
    return transport


def _algorithms(kind: str, known: Iterable[str]) -> list[str]:
    """The signature algorithms a host key of this type can be used with."""
    names = {"rsa-sha2-512", "rsa-sha2-256"} if kind == "ssh-rsa" else {kind}
    algorithms = [name for name in known if name in names]
    if not algorithms:
        raise PluginError(f"connection.hostKey: keys of the type {kind} are not supported")
    return algorithms


def host_key(text: str) -> tuple[str, bytes]:
    """The type and the bytes of a public key as in authorized_keys: `ssh-ed25519 AAAA… comment`.

    Raises PluginError when it is none.
    """
    words = text.split()
    try:
        blob = b64decode(words[1], validate=True)
        length = int.from_bytes(blob[:4], "big")
        if blob[4 : 4 + length].decode() == words[0]:
            return words[0], blob
    except (IndexError, ValueError):
        pass  # told below
    raise PluginError("connection.hostKey: expected a public key such as `ssh-ed25519 AAAA…` (see ssh-keyscan)")


def _authenticate(transport: paramiko.Transport, connection: Properties) -> None:
    """Try what is given: private key, password, agent. Raises AuthenticationException when none will do."""
    user = connection["user"]
    attempts: list[Callable[[], object]] = []
    if connection.get("privateKey"):
        key = private_key(connection["privateKey"], connection.get("privateKeyPassword"))
        attempts.append(lambda: transport.auth_publickey(user, key))
    if connection.get("password"):
        # paramiko answers keyboard-interactive questions with it, too, when there is nothing else.
        attempts.append(lambda: transport.auth_password(user, connection["password"]))
    if path := connection.get("agentSocketPath") or os.environ.get("SSH_AUTH_SOCK"):
        attempts += [
            lambda each=each: transport.auth_publickey(user, each)  # type: ignore[misc]
            for each in _Agent(path).get_keys()
        ]
    error = paramiko.AuthenticationException("no password, private key or agent was given")
    for attempt in attempts:
        try:
            attempt()
            return
        except paramiko.AuthenticationException as refused:
            error = refused
    raise error


class _Agent(paramiko.agent.AgentSSH):
    """The SSH agent at a path; paramiko's own one only knows the environment's."""

    def __init__(self, path: str) -> None:
        super().__init__()
        line = socket.socket(socket.AF_UNIX)
        try:
            line.connect(path)
        except OSError as error:
            raise PluginError(f"no SSH agent answers at {path}: {error.strerror}") from error
        connect: Any = getattr(self, "_connect")  # noqa: B009 (the type stubs leave it out)
        connect(line)


def private_key(text: str, password: str | None) -> paramiko.PKey:
    """A private key in any of the usual PEM forms. Raises PluginError when it is none or stays locked."""
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
    raise PluginError("connection.privateKey: it is no private key, or privateKeyPassword does not open it")
