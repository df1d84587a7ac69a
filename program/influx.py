"""Which InfluxDB is used, seen by each of those who use it: the server's own, one that AWS runs for the stack, or the
one named in the settings."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from components.network import INFLUXDB_PORT
from components.passwords import Passwords
from components.private_authority import ServerCertificate
from components.timestream import BUCKET, Timestream
from settings import Settings

DATABASE = BUCKET
WRITER = "telegraf"
READER = "grafana"


@dataclass(frozen=True)
class Influx:
    """An InfluxDB and its two users, whose names change with their passwords: during a change
    both generations work.

    url: the address agents use. local_url: the address the server itself uses, by a name in the certificate.
    ca: PEM of a private signer, else None.
    """

    url: pulumi.Output[str]
    local_url: pulumi.Output[str]
    ca: pulumi.Output[str] | None
    database: str
    writer: str
    writer_password: pulumi.Output[str]
    reader: str
    reader_password: pulumi.Output[str]


def _of_generation(user: str, generation: int) -> str:
    return user if generation == 1 else f"{user}-{generation}"


def influx(
    settings: Settings, certificate: ServerCertificate, passwords: Passwords, managed: Timestream | None
) -> Influx:
    """The InfluxDB of this stack. With `influxdb` in the settings, one user writes and reads. managed: the one that
    AWS runs, whose certificate a public authority signs."""
    external = settings.influxdb
    if external:
        password = pulumi.Output.secret(external.password.get_secret_value())
        return Influx(
            url=pulumi.Output.from_input(external.url),
            local_url=pulumi.Output.from_input(external.url),
            ca=pulumi.Output.from_input(external.ca) if external.ca else None,
            database=external.database,
            writer=external.username,
            writer_password=password,
            reader=external.username,
            reader_password=password,
        )
    own = pulumi.Output.format("https://{0}:{1}", settings.domain or certificate.host, INFLUXDB_PORT)
    local = pulumi.Output.from_input(f"https://{certificate.local_name}:{INFLUXDB_PORT}")
    return Influx(
        url=managed.url if managed else own,
        local_url=managed.url if managed else local,
        ca=None if managed else certificate.ca,
        database=DATABASE,
        writer=_of_generation(WRITER, settings.password_generation),
        writer_password=passwords.influxdb[WRITER],
        reader=_of_generation(READER, settings.password_generation),
        reader_password=passwords.influxdb[READER],
    )
