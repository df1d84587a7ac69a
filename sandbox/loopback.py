"""For servers that tests and benchmarks start on loopback: a free port, and InfluxDB's configuration."""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Sequence
from pathlib import Path

INFLUXDB = """
reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
  dir = "{folder}/meta"
[data]
  dir = "{folder}/data"
  wal-dir = "{folder}/wal"
{data}
[http]
  bind-address = "127.0.0.1:{http}"
  log-enabled = false
{http_options}
[monitor]
  store-enabled = false
"""


_RESERVED: deque[socket.socket] = deque()
MOST_RESERVED = 64


def free_port() -> int:
    """A free port on loopback. It stays bound, so that the kernel gives it to nobody else before the server listens on
    it. The server can, as it sets SO_REUSEADDR, too (inet_bind_conflict in the kernel's inet_connection_sock.c)."""
    probe = socket.socket()
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    probe.bind(("127.0.0.1", 0))
    _RESERVED.append(probe)
    if len(_RESERVED) > MOST_RESERVED:
        _RESERVED.popleft().close()
    return int(probe.getsockname()[1])


def influxdb_configuration(folder: Path, http: int, *data: str, http_options: Sequence[str] = ()) -> str:
    """The configuration of an InfluxDB that stores everything in `folder`, by default without logins or TLS.

    http: the port it listens on. data, http_options: further lines of the sections [data] and [http].
    """
    further = {"data": _lines(data), "http_options": _lines(http_options)}
    return INFLUXDB.format(folder=folder, http=http, rpc=free_port(), **further)


def _lines(options: Sequence[str]) -> str:
    return "\n".join(f"  {line}" for line in options)
