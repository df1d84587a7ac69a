"""Telegraf's configuration, on the server and on agents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from userdata.templates import render


@dataclass(frozen=True)
class InfluxTarget:
    """Where Telegraf writes to: the address (https), the database, the user, and whether a private CA signed its
    certificate."""

    url: str
    database: str
    username: str
    private_ca: bool


def telegraf_config(
    target: InfluxTarget,
    *,
    second: InfluxTarget | None = None,
    interval: str,
    host: str,
    monitor: bool,
    server: bool = False,
    backups: bool = False,
    public: bool = False,
    top_processes: int = 0,
    tags: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Telegraf's configuration file.

    second: a second InfluxDB to write to. host: the tag `host`; if empty, the machine's own name. tags: further tags.
    top_processes: how many processes are named. monitor: whether InfluxDB itself and its certificate are watched, too.
    server: whether the server reports which revision it has applied. backups, public: whether its backups and its
    public certificate are watched.
    """
    return render(
        "shared/telegraf.conf",
        interval=interval,
        host=host,
        top_processes=top_processes,
        monitor=monitor,
        server=server,
        backups=backups,
        public=public,
        target=target,
        targets=[each for each in (target, second) if each],
        tags=tags,
    )
