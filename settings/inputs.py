"""What else a host can measure: presets of Telegraf's inputs, each with the few options that differ between hosts.

Every text here ends up in Telegraf's configuration, in which it replaces ${…} with environment variables: no value may
contain a dollar sign. Passwords are passed through the environment (userdata/agent/install.sh.j2).
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, SecretStr

from settings import values as v
from settings.addresses import FILE, NAME, host, socket, web_address
from settings.mistakes import WrongValueError
from settings.part import Part, each


def database_password(value: Any) -> str:
    """A password that needs no quoting in PostgreSQL's connection string
    (postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING)."""
    if re.search(r"[\s\\]", v.agents_password(value)):
        raise WrongValueError("has a space or a backslash", "give that user a password without either")
    return str(value)


def _unit(value: Any) -> str:
    """A pattern of services' names for systemd's ListUnitsByPatterns: the whole name (man 5 systemd.unit), or one with
    `*`. Telegraf only asks for services (plugins/inputs/systemd_units/README.md, unittype)."""
    if not re.fullmatch(r"(?=.{1,128}$)[A-Za-z0-9_*][A-Za-z0-9@:._*-]*", v.text(value)):
        raise WrongValueError("is not the name of a systemd service", "write it in full, such as nginx.service")
    if not value.endswith((".service", "*")):
        raise WrongValueError("is not a service", "write it in full, such as nginx.service, or with a *")
    return str(value)


def _server(value: Any) -> str:
    """A host for PostgreSQL, or the folder of its socket (postgresql.org/docs/current/libpq-connect.html, host)."""
    if re.fullmatch(FILE, v.text(value)) and len(value) <= LONGEST_FOLDER:
        return str(value)
    if not re.fullmatch(NAME, value):
        raise WrongValueError(
            "is neither a host nor a socket's directory",
            "write a host name, an address, or a directory such as /run/postgresql",
        )
    return host(value)


def _connectable(name: str) -> str:
    """A database other than template0, to which nobody can connect
    (postgresql.org/docs/current/manage-ag-templatedbs.html)."""
    if name == "template0":
        raise WrongValueError("accepts no connections", "write postgres, or the name of another database")
    return name


LONGEST_FOLDER = 92
"""Characters: a socket's path has at most 107 (man 7 unix), and PostgreSQL's adds /.s.PGSQL.65535."""

Urls = Annotated[tuple[str, ...], each(web_address, least=1)]
Server = Annotated[str, BeforeValidator(_server)]
Socket = Annotated[
    str, BeforeValidator(socket("is not the address of a Docker API", "write unix:///var/run/docker.sock"))
]
_redis = socket("is not a Redis server", "write tcp://localhost:6379 or unix:///run/redis/redis.sock")


class Nginx(Part):
    """nginx's own counters, from pages with `stub_status`."""

    urls: Urls = ("http://localhost/nginx_status",)


class Postgresql(Part):
    """PostgreSQL's statistics; by default through the local socket, as the database user `telegraf` without a
    password."""

    host: Server = "/run/postgresql"
    port: Annotated[int, v.whole(1, 65535, "the port")] = 5432
    database: Annotated[v.Identifier, AfterValidator(_connectable)] = "postgres"
    user: v.Identifier = "telegraf"
    password: Annotated[SecretStr, BeforeValidator(database_password)] | None = None


class Redis(Part):
    """Redis's INFO."""

    servers: Annotated[tuple[str, ...], each(_redis, least=1)] = ("tcp://localhost:6379",)
    password: Annotated[SecretStr, BeforeValidator(v.agents_password)] | None = None


class Docker(Part):
    """Docker's containers, as totals. Makes Telegraf a member of the group `docker`, which is equivalent to root."""

    endpoint: Socket = "unix:///var/run/docker.sock"


class SystemdUnits(Part):
    """The states of systemd's units whose names match."""

    units: Annotated[tuple[str, ...], each(_unit, least=1)]


class Ping(Part):
    """Answers to ICMP echo requests."""

    targets: Annotated[tuple[str, ...], each(host, least=1)]


class HttpResponse(Part):
    """Time and status of answers to HTTP requests. A status has three digits (RFC 9110, 15); the timeout is in Go's
    notation (time.ParseDuration)."""

    urls: Urls
    timeout: Annotated[str, v.duration("ms|s|m", "100ms", "1m", "5s")] = "5s"
    status: Annotated[int, v.whole(100, 599, "an HTTP status")] = 200


class Inputs(Part):
    """Additional inputs; one that is not named is off, `{}` turns it on with its defaults."""

    nginx: Nginx | None = None
    postgresql: Postgresql | None = None
    redis: Redis | None = None
    docker: Docker | None = None
    systemd_units: SystemdUnits | None = None
    ping: Ping | None = None
    http_response: HttpResponse | None = None

    @property
    def secrets(self) -> dict[str, str]:
        """The variables of Telegraf's environment that hold its passwords."""
        found = {"POSTGRESQL_PASSWORD": self.postgresql, "REDIS_PASSWORD": self.redis}
        return {name: part.password.get_secret_value() for name, part in found.items() if part and part.password}

    @property
    def service_options(self) -> tuple[str, ...]:
        """Lines for Telegraf's unit: what these inputs need beyond an ordinary user's rights."""
        docker = ("SupplementaryGroups=docker",) if self.docker else ()
        # userdata/shared/telegraf-hardening.conf removes all capabilities; these lines come after it.
        raw = ("CapabilityBoundingSet=CAP_NET_RAW", "AmbientCapabilities=CAP_NET_RAW") if self.ping else ()
        return docker + raw
