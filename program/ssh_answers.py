"""Checks that an SSH server answers on a host's port at all, before the command provider connects. The provider waits
forever for a port that accepts connections but never speaks SSH: its `perDialTimeout` covers only the TCP connection,
and neither `customTimeouts` nor an interruption ends the rest (pulumi-command 1.2.1, remote/connection.go: `ssh.Dial`).

Also a script, for deletions, during which the program does not run: with the environment variables HOST_NAME,
HOST_ADDRESS and HOST_PORT, it exits with status 0, or with 1 and a sentence. It needs only Python 3.
"""

from __future__ import annotations

import asyncio
import os
import sys

CONNECT_SECONDS, GREETING_SECONDS = 5, 30


class SilentError(Exception):
    """No SSH server answers; the message says where, and what to do."""


async def must_answer(name: str, address: str, port: int) -> None:
    """Raises SilentError when the port accepts a connection, but no SSH server greets within GREETING_SECONDS.

    Other failures (unknown name, refused, no answer, closed) are ignored: the provider reports those itself.
    """
    try:
        reader, writer = await asyncio.wait_for(asyncio.open_connection(address, port), CONNECT_SECONDS)
    except (TimeoutError, OSError):
        return
    try:
        await asyncio.wait_for(_greeting(reader), GREETING_SECONDS)
    except TimeoutError:
        raise SilentError(
            f"{name}: {address}, port {port}, accepts connections, but no SSH server answered within "
            f"{GREETING_SECONDS} s. Check the machine; to continue without it, set `unreachable: true` in its entry "
            "of monitoring:hosts or of the file of hosts"
        ) from None
    except (OSError, ValueError):  # the connection ended; an endless line
        return
    finally:
        writer.close()


async def _greeting(reader: asyncio.StreamReader) -> None:
    """Read until a line begins with `SSH-`, which others can precede (RFC 4253, 4.2), or the connection ends."""
    while line := await reader.readline():
        if line.startswith(b"SSH-"):
            return


if __name__ == "__main__":
    try:
        asyncio.run(must_answer(os.environ["HOST_NAME"], os.environ["HOST_ADDRESS"], int(os.environ["HOST_PORT"])))
    except SilentError as error:
        sys.exit(str(error))
