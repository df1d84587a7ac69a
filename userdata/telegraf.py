"""Telegraf's configuration, on the server and on agents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from userdata.templates import render


@dataclass(frozen=True)
class InfluxTarget:
    """Where Telegraf writes to: the address (https), the database, the user, and whether a private CA
    signs."""

    url: str
    database: str
    username: str
    private_ca: bool


def telegraf_config(
    target: InfluxTarget,
    *,
    interval: str,
    host: str,
    monitor: bool,
    server: bool = False,
    backups: bool = False,
    tags: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Telegraf's configuration file.

    host: the tag `host`; empty takes the machine's own name. tags: further ones. monitor: whether InfluxDB
    itself, and the certificate it shows, are watched too. server: whether the server says which revision it has
    applied. backups: whether its backups are watched.
    """
    return render(
        "shared/telegraf.conf",
        interval=interval,
        host=host,
        monitor=monitor,
        server=server,
        backups=backups,
        target=target,
        tags=tags,
    )
