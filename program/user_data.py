"""User data and the agents' installer, rendered from settings and resources."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pulumi

from components.backups import Backups
from components.data_volume import DataVolume
from components.passwords import Account
from components.private_authority import ServerCertificate
from components.timestream import Timestream
from program.cloudwatch import Reader
from program.influx import Influx
from program.naming import machine, parameter_folder
from settings import Host, Inputs, Settings
from userdata.agents import AgentValues, agent_installer
from userdata.boot import BootValues, UserDataTooLargeError, user_data
from userdata.server_files import ServerValues, backup_settings, server_files
from userdata.telegraf import InfluxTarget

UNKNOWN = {"address": "255.255.255.255", "data_volume": "vol-0123456789abcdef0", "role": "server-0123456"}
"""Stands for what AWS has yet to choose: as long as that can be, so that the size is checked in the
preview."""


def server_user_data(
    settings: Settings,
    certificate: ServerCertificate,
    address: pulumi.Output[str],
    volume: DataVolume,
    folder: pulumi.Output[str],
) -> pulumi.Output[str]:
    """The server's user data. folder: the path of its parameters.

    Raises pulumi.RunError at once, before anything is created, if it would be too large.
    """

    def render(address: str, data_volume: str, folder: str) -> str:
        values = BootValues(
            region=settings.region,
            parameters=folder,
            address=address,
            local_name=certificate.local_name,
            data_volume=data_volume,
            grafana_repository=settings.grafana_repository,
            influxdata_repository=settings.influxdata_repository,
            grafana_version=settings.grafana_version,
            influxdb_version=settings.influxdb_version if settings.own_influxdb else "",
            telegraf_version=settings.telegraf_version,
        )
        try:
            return user_data(values)
        except UserDataTooLargeError as error:
            raise pulumi.RunError(str(error)) from None

    render(UNKNOWN["address"], UNKNOWN["data_volume"], parameter_folder(pulumi.get_stack(), UNKNOWN["role"]))
    return pulumi.Output.all(address, volume.volume_id, folder).apply(lambda known: render(*known))


def server_parameters(
    settings: Settings,
    influx: Influx,
    automation: Account,
    address: pulumi.Output[str],
    volume: DataVolume,
    *,
    backups: Backups,
    reader: Reader,
    managed: Timestream | None,
) -> dict[str, pulumi.Output[str]]:
    """The files of the server's services, by the parameter that carries them.

    reader: who reads CloudWatch for Grafana. managed: the InfluxDB that AWS runs.
    """

    def values(
        *,
        address: str,
        data_gib: int,
        bucket: str,
        restore_from: str,
        login: str,
        role: str,
        influxdb: str,
        secret: str,
    ) -> ServerValues:
        return ServerValues(
            host=settings.domain or address,
            machine=machine(),
            data_gib=data_gib,
            boot_timeout=settings.boot_timeout_seconds,
            retention=settings.retention,
            rollup_retention=settings.kept_rolled_up,
            interval=settings.collection_interval,
            region=settings.region,
            cloudwatch_role=role,
            own_influxdb=settings.own_influxdb,
            managed_influxdb=managed is not None,
            influxdb_secret=secret,
            automation=login,
            reader=influx.reader,
            smtp=settings.smtp,
            oauth=settings.oauth,
            backups=backup_settings(settings.region, bucket, pulumi.get_stack(), settings.backups.now, restore_from),
            backup_schedule=settings.backups.schedule,
            target=InfluxTarget(influxdb, influx.database, influx.writer, influx.ca is not None),
        )

    gib = settings.data_volume_size
    known: dict[str, pulumi.Input[object]] = {
        "address": address,
        "data_gib": volume.size,
        "bucket": backups.bucket,
        "restore_from": backups.restore_from,
        "login": automation.login,
        "role": reader.role_arn,
        "influxdb": influx.local_url,
        "secret": managed.secret_arn if managed else "",
    }
    empty = dict.fromkeys(known, "") | {"data_gib": gib}
    filled = {**{key: key[0] for key in known}, "data_gib": gib + 1, "restore_from": "b/s/c"}

    def render(found: Mapping[str, Any]) -> dict[str, str]:
        return server_files(values(**{**empty, **found}))

    def file(name: str, keys: list[str]) -> pulumi.Output[str]:
        """A file only depends on what is in it, so that the preview of a new password does not show every file."""
        own: pulumi.Output[dict[str, Any]] = pulumi.Output.from_input({key: known[key] for key in keys})
        return own.apply(lambda found: render(found)[name])

    return {name: file(name, keys) for name, keys in used(render, empty, filled).items()}


def used(
    render: Callable[[Mapping[str, Any]], Mapping[str, str]], empty: Mapping[str, Any], filled: Mapping[str, Any]
) -> dict[str, list[str]]:
    """Which values each rendered file contains: those that change it, with the others empty or set."""
    uses: dict[str, set[str]] = {name: set() for name in render(empty)}
    for base, other in ((empty, filled), (filled, empty)):
        before = render(base)
        for key in base:
            after = render({**base, key: other[key]})
            for name, keys in uses.items():
                if before[name] != after[name]:
                    keys.add(key)
    return {name: sorted(keys) for name, keys in uses.items()}


def agent_script(settings: Settings, influx: Influx, host: Host | None = None) -> pulumi.Output[str]:
    """The installer of a host, or the one for machines that Pulumi cannot reach.

    A secret: it contains the write user's password, and those of the host's additional inputs.
    """

    def render(known: list[str]) -> str:
        url, password, ca = known
        return agent_installer(
            AgentValues(
                repository=settings.influxdata_repository,
                telegraf_version=settings.telegraf_version,
                interval=settings.collection_interval,
                target=InfluxTarget(url, influx.database, influx.writer, bool(ca)),
                password=password,
                ca=ca or None,
                host=host.name if host else "",
                tags=host.tags if host else {},
                inputs=host.inputs if host else Inputs(),
            )
        )

    return pulumi.Output.secret(pulumi.Output.all(influx.url, influx.writer_password, influx.ca or "").apply(render))
