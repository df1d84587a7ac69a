"""For servers that tests and benchmarks start on loopback: a free port, and InfluxDB's configuration."""

from __future__ import annotations

import socket
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
[monitor]
  store-enabled = false
"""


def free_port() -> int:
    """A free port on loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def influxdb_configuration(folder: Path, http: int, *data: str) -> str:
    """The configuration of an InfluxDB without logins or TLS that stores everything in `folder`.

    http: the port it listens on. data: further lines of the section [data].
    """
    return INFLUXDB.format(folder=folder, http=http, rpc=free_port(), data="\n".join(f"  {line}" for line in data))
