"""User data and the agents' installer, rendered from settings and resources."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pulumi

from components.backups import Backups
from components.data_volume import DataVolume
from components.passwords import Account
from components.private_authority import ServerCertificate
from components.timestream import Timestream
from program.cloudwatch import Reader
from program.influx import Databases
from program.naming import machine, parameter_folder
from program.stored import agents_parameter, other_parameter
from settings import Host, Settings
from userdata.agents import AgentValues, ByTag, agent_installer
from userdata.boot import BootValues, UserDataTooLargeError, user_data
from userdata.bulk import ansible_role
from userdata.server_files import ServerValues, backup_settings, server_files

UNKNOWN = {"address": "255.255.255.255", "data_volume": "vol-0123456789abcdef0", "role": "server-0123456"}
"""Placeholders for what AWS has yet to choose, as long as that can be, so that the preview checks the size."""


def server_user_data(
    settings: Settings,
    certificate: ServerCertificate,
    address: pulumi.Output[str],
    volume: DataVolume,
    folder: pulumi.Output[str],
) -> pulumi.Output[str]:
    """The server's user data. folder: the path of its parameters.

    Raises pulumi.RunError immediately, before anything is created, if it would be too large.
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
    databases: Databases,
    automation: Account,
    address: pulumi.Output[str],
    volume: DataVolume,
    *,
    backups: Backups,
    reader: Reader,
    managed: Timestream | None,
) -> dict[str, pulumi.Output[str]]:
    """The files of the server's services, by the parameter that contains them.

    reader: who reads CloudWatch for Grafana. managed: the InfluxDB that AWS runs.
    """
    first, second = databases.first, databases.second

    def values(
        *,
        address: str,
        data_gib: int,
        bucket: str,
        restore_from: str,
        login: str,
        role: str,
        influxdb: str,
        other: str,
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
            top_processes=settings.top_processes,
            region=settings.region,
            cloudwatch_role=role,
            own_influxdb=settings.own_influxdb,
            managed_influxdb=managed is not None,
            influxdb_secret=secret,
            automation=login,
            reader=first.reader,
            smtp=settings.smtp,
            oauth=settings.oauth,
            backups=backup_settings(settings.region, bucket, pulumi.get_stack(), settings.backups.now, restore_from),
            backup_schedule=settings.backups.schedule,
            target=first.target(influxdb),
            second=second.target(other) if second else None,
            second_reader=second.reader if second else "",
            shows_own=settings.shows_own,
            public_certificate=settings.public_certificate,
        )

    gib = settings.data_volume_size
    known: dict[str, pulumi.Input[object]] = {
        "address": address,
        "data_gib": volume.size,
        "bucket": backups.bucket,
        "restore_from": backups.restore_from,
        "login": automation.login,
        "role": reader.role_arn,
        "influxdb": first.local_url,
        "other": second.local_url if second else "",
        "secret": managed.secret_arn if managed else "",
    }
    empty = dict.fromkeys(known, "") | {"data_gib": gib}
    filled = {**{key: key[0] for key in known}, "data_gib": gib + 1, "restore_from": "b/s/c"}

    def render(found: Mapping[str, Any]) -> dict[str, str]:
        return server_files(values(**{**empty, **found}))

    def file(name: str, keys: list[str]) -> pulumi.Output[str]:
        """A file depends only on the values in it, so that the preview of a new password does not show every file."""
        own: pulumi.Output[dict[str, Any]] = pulumi.Output.from_input({key: known[key] for key in keys})
        return own.apply(lambda found: render(found)[name])

    return {name: file(name, keys) for name, keys in used(render, empty, filled).items()}


def used(
    render: Callable[[Mapping[str, Any]], Mapping[str, str]], empty: Mapping[str, Any], filled: Mapping[str, Any]
) -> dict[str, list[str]]:
    """Which values each rendered file contains: those that change it, while the others are all empty or all set."""
    uses: dict[str, set[str]] = {name: set() for name in render(empty)}
    for base, other in ((empty, filled), (filled, empty)):
        before = render(base)
        for key in base:
            after = render({**base, key: other[key]})
            for name, keys in uses.items():
                if before[name] != after[name]:
                    keys.add(key)
    return {name: sorted(keys) for name, keys in uses.items()}


def agent_values(settings: Settings, databases: Databases) -> pulumi.Output[AgentValues]:
    """What every installer depends on: a secret, because it contains the write user's password. It is made once for all
    hosts, because each Output costs CPU time (benchmarks/many_hosts.py)."""
    second = databases.second.writer_password if databases.second else ""

    def complete(known: list[Any]) -> AgentValues:
        values: AgentValues
        values, password, other = known
        return replace(values, password=password, second_password=other)

    known = pulumi.Output.all(_values(settings, databases), databases.first.writer_password, second)
    return pulumi.Output.secret(known.apply(complete))


def agent_script(values: pulumi.Output[AgentValues], host: Host) -> pulumi.Output[str]:
    """The installer of a host. values: `agent_values`."""

    def render(shared: AgentValues) -> str:
        return agent_installer(replace(shared, host=host.name, tags=host.tags, inputs=host.inputs))

    return values.apply(render)


def agent_role(settings: Settings, databases: Databases) -> pulumi.Output[str]:
    """An Ansible role that runs the installer for machines that Pulumi cannot reach, without a password in it."""
    known = _values(settings, databases)
    return known.apply(lambda values: ansible_role(agent_installer(replace(values, without_password=True))))


def tagged_script(settings: Settings, databases: Databases, folder: pulumi.Output[str]) -> pulumi.Output[str]:
    """The installer of the EC2 instances chosen by tag, which read the passwords themselves. folder: the path of the
    stack's parameters."""

    def render(known: list[Any]) -> str:
        values, path = known
        other = other_parameter(path) if databases.second and settings.influxdb else ""
        return agent_installer(replace(values, by_tag=ByTag(settings.region, agents_parameter(path), other)))

    return pulumi.Output.all(_values(settings, databases), folder).apply(render)


def _values(settings: Settings, databases: Databases) -> pulumi.Output[AgentValues]:
    """What every installer depends on, without the passwords."""
    first, second = databases.first, databases.second

    def known(found: list[str]) -> AgentValues:
        url, ca, other = found
        return AgentValues(
            repository=settings.influxdata_repository,
            telegraf_version=settings.telegraf_version,
            interval=settings.collection_interval,
            top_processes=settings.top_processes,
            target=first.target(url),
            second=second.target(other) if second else None,
            ca=ca or None,
        )

    return pulumi.Output.all(first.url, databases.cas, second.url if second else "").apply(known)
