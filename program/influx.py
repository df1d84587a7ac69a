"""The InfluxDB that a stack uses: the server's own, one that AWS runs for the stack, or the one in the settings; while
a stack moves, two of them."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from components.network import INFLUXDB_PORT
from components.passwords import Passwords
from components.private_authority import ServerCertificate
from components.timestream import BUCKET, Timestream
from settings import ExternalInfluxdb, Settings
from userdata.telegraf import InfluxTarget

DATABASE = BUCKET
WRITER = "telegraf"
READER = "grafana"


@dataclass(frozen=True)
class Influx:
    """An InfluxDB and its two users, whose names change with their passwords: during a change both generations work.

    url: the address that agents use. local_url: the address that the server itself uses, by a name in the certificate.
    former_writer: the write user of the previous generation, "" if there was none. ca: PEM of a private signer, else
    None.
    """

    url: pulumi.Output[str]
    local_url: pulumi.Output[str]
    ca: pulumi.Output[str] | None
    database: str
    writer: str
    writer_password: pulumi.Output[str]
    reader: str
    reader_password: pulumi.Output[str]
    former_writer: str = ""

    def target(self, url: str) -> InfluxTarget:
        """The InfluxDB as Telegraf's configuration needs it. url: one of its addresses, resolved."""
        return InfluxTarget(url, self.database, self.writer, self.ca is not None)


@dataclass(frozen=True)
class Databases:
    """What a stack writes to. first: the server's own if it runs. second: the other one while the stack moves. shown:
    the one that dashboards and alerts read."""

    first: Influx
    second: Influx | None
    shown: Influx

    @property
    def cas(self) -> pulumi.Output[str]:
        """The private signers of all of them, as one PEM; empty if there are none."""
        found = [each.ca for each in (self.first, self.second) if each and each.ca]
        return pulumi.Output.all(*found).apply(lambda known: "".join(f"{one.strip()}\n" for one in known))


def _of_generation(user: str, generation: int) -> str:
    return user if generation == 1 else f"{user}-{generation}"


def databases(
    settings: Settings, certificate: ServerCertificate, passwords: Passwords, managed: Timestream | None
) -> Databases:
    """The databases of this stack. managed: the one that AWS runs, whose certificate a public authority signs."""

    generation = settings.password_generation

    def ours(url: pulumi.Output[str], local_url: pulumi.Output[str], ca: pulumi.Output[str] | None) -> Influx:
        return Influx(
            url=url,
            local_url=local_url,
            ca=ca,
            database=DATABASE,
            writer=_of_generation(WRITER, generation),
            writer_password=passwords.influxdb[WRITER],
            reader=_of_generation(READER, generation),
            reader_password=passwords.influxdb[READER],
            former_writer=_of_generation(WRITER, generation - 1) if generation > 1 else "",
        )

    found = []
    if settings.own_influxdb:
        local = pulumi.Output.from_input(f"https://{certificate.local_name}:{INFLUXDB_PORT}")
        url = pulumi.Output.format("https://{0}:{1}", settings.domain or certificate.host, INFLUXDB_PORT)
        found.append(ours(url, local, certificate.ca))
    if settings.influxdb:
        found.append(_theirs(settings.influxdb))
    elif managed:
        found.append(ours(managed.url, managed.url, None))
    first, *others = found
    return Databases(first, others[0] if others else None, first if settings.shows_own else found[-1])


def _theirs(external: ExternalInfluxdb) -> Influx:
    """The InfluxDB in the settings, where one user writes and reads."""
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
