"""Whether an SSH server answers on a host's port at all. Checked before the command provider connects, because that
waits forever for a port that accepts connections and never speaks SSH: its `perDialTimeout` ends with the TCP
connection, and neither `customTimeouts` nor an interruption ends the rest (pulumi-command 1.2.1,
remote/connection.go: `ssh.Dial`).

Also a script, for deletions, at which the program does not run: with the environment variables HOST_NAME, HOST_ADDRESS
and HOST_PORT it ends with 0, or with 1 and a sentence. It needs nothing but Python 3.
"""

from __future__ import annotations

import asyncio
import os
import sys

CONNECT_SECONDS, GREETING_SECONDS = 5, 30


class SilentError(Exception):
    """Nothing speaks SSH there; the message says where, and what to do."""


async def must_answer(name: str, address: str, port: int) -> None:
    """Raises SilentError when the port accepts a connection and no SSH server greets within GREETING_SECONDS.

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
            f"{GREETING_SECONDS} s. Look at the machine; to go on without it, set `unreachable: true` in its entry "
            "of monitoring:hosts or of the file of hosts"
        ) from None
    except (OSError, ValueError):  # hung up; a line without end
        return
    finally:
        writer.close()


async def _greeting(reader: asyncio.StreamReader) -> None:
    """Reads up to the line that begins with `SSH-`, which others may precede (RFC 4253, 4.2), or until the connection
    ends."""
    while line := await reader.readline():
        if line.startswith(b"SSH-"):
            return


if __name__ == "__main__":
    try:
        asyncio.run(must_answer(os.environ["HOST_NAME"], os.environ["HOST_ADDRESS"], int(os.environ["HOST_PORT"])))
    except SilentError as error:
        sys.exit(str(error))
