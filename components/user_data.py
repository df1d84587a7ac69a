"""What the settings and resources come to as user data and as the agents' installer."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pulumi

from components.certificates import ServerCertificate
from components.influx import Influx
from components.parameters import path
from settings import Host, Inputs, Settings
from userdata.render import (
    AgentValues,
    InfluxTarget,
    ServerValues,
    UserDataTooLargeError,
    agent_installer,
    user_data,
)

UNKNOWN = {"address": "255.255.255.255", "revision": "10." * 9 + "10", "data_volume": "vol-0123456789abcdef0"}
"""In place of what AWS has yet to choose: as long as it can become, so that the size is checked at the
preview."""


def server_user_data(
    settings: Settings,
    *,
    certificate: ServerCertificate,
    influx: Influx,
    names: Iterable[str],
    revision: pulumi.Output[str],
    address: pulumi.Output[str],
) -> Callable[[pulumi.Output[str]], pulumi.Output[str]]:
    """The server's user data, as a function of the data volume's id.

    Raises pulumi.RunError at once, before anything is made, when it would be too large.
    """

    def render(address: str, revision: str, data_volume: str) -> str:
        values = ServerValues(
            stack=pulumi.get_stack(),
            region=settings.region,
            parameters=path(pulumi.get_stack()),
            names=tuple(sorted(names)),
            revision=revision,
            address=address,
            host=settings.domain or address,
            local_name=certificate.local_name,
            data_volume=data_volume,
            retention=settings.retention,
            interval=settings.collection_interval,
            cloudwatch_auth=settings.cloudwatch_auth,
            grafana_repository=settings.grafana_repository,
            influxdata_repository=settings.influxdata_repository,
            grafana_version=settings.grafana_version,
            influxdb_version="" if settings.influxdb else settings.influxdb_version,
            telegraf_version=settings.telegraf_version,
            target=InfluxTarget(influx.local_url, influx.database, influx.writer, influx.ca is not None),
        )
        try:
            return user_data(values)
        except UserDataTooLargeError as error:
            raise pulumi.RunError(str(error)) from None

    render(**UNKNOWN)
    return lambda data_volume: pulumi.Output.all(address, revision, data_volume).apply(lambda known: render(*known))


def agent_script(settings: Settings, influx: Influx, host: Host | None = None) -> pulumi.Output[str]:
    """The installer of a host, or that for machines Pulumi cannot reach.

    A secret: it holds the writing user's password, and those of the host's further inputs.
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
