"""SSH connections for the `connection` input, with the real provider's retries and time limits.

Behaviour and messages are those of pulumi-command 1.2.1 (provider/pkg/provider/remote/connection.go) and of its
golang.org/x/crypto/ssh v0.48.0 (client.go, common.go).
"""

from __future__ import annotations

import math
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import paramiko

from sandbox.plugins.base import INTEGER, NUMBER, TEXT, Input, ObjectOf, Properties, Resource, fields
from sandbox.plugins.command.logins import LoginMethod, host_key, log_in, login_methods
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
"""The input's type. dialErrorLimit: the number of failed attempts that are tolerated; perDialTimeout: seconds, 0 for
no limit."""


@contextmanager
def connected(connection: Properties, resource: Resource[Any]) -> Iterator[paramiko.Transport]:
    """An authenticated connection, closed at the end. Raises VerbatimError after the last attempt.

    Every failure is retried, as in the real provider. `perDialTimeout` only limits the TCP connection: if a port
    accepts it and never speaks SSH, this waits without end, even if `customTimeouts` is set or the run is interrupted
    (`ssh.Dial` takes no context and sets no deadline).
    """
    expected = host_key(connection["hostKey"]) if connection.get("hostKey") else None
    methods = login_methods(connection)
    transport = _with_retries(connection, resource, lambda: _open(connection, expected, methods))
    try:
        yield transport
    finally:
        transport.close()


def _with_retries(
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
    """The failure of one attempt, as Go words it."""
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
    """paramiko's transport without its time limits, which Go does not have. Remembers what the server offers."""

    offered: tuple[str, ...] = ()

    def __init__(self, line: socket.socket) -> None:
        super().__init__(line)
        self.banner_timeout = self.auth_timeout = math.inf
        # No timer for handshake_timeout, which does not accept infinity.
        self.packetizer.start_handshake = lambda timeout: None  # type: ignore[method-assign]

    def _really_parse_kex_init(
        self,
        message: paramiko.Message,
        ignore_first_byte: bool = False,  # noqa: FBT001 - paramiko's
    ) -> dict[str, Any]:
        internals: Any = super()
        parsed: dict[str, Any] = internals._really_parse_kex_init(message, ignore_first_byte)
        self.offered = tuple(parsed["server_key_algo_list"])
        return parsed


def _open(connection: Properties, expected: tuple[str, bytes] | None, methods: list[LoginMethod]) -> paramiko.Transport:
    """Dial once, check the host's key and log in."""
    address = (connection["host"], int(connection["port"]))
    transport = _Transport(socket.create_connection(address, timeout=connection["perDialTimeout"] or None))
    try:
        if expected is not None:
            # A host can have keys of several types; only the type of the given key is requested. For an RSA key that
            # is `ssh-rsa`, signed with SHA-1, which OpenSSH has not offered since 8.8.
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
        log_in(transport, connection["user"], methods)
    except BaseException:
        transport.close()
        raise
    return transport
