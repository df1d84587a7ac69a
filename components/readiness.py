"""The gate between the server's boot and everything that needs the server to answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_command as command

from components.certificates import ServerCertificate
from components.influx import Influx
from components.parameters import machine
from components.passwords import Passwords
from settings import Settings

COMMAND = ".venv/bin/python components/wait_until_ready.py"
"""Run in the project's folder, with the environment that Pulumi.yaml names."""


@dataclass(frozen=True)
class Expectation:
    """What must be true before a server counts as ready.

    address: where to connect to. server_name: the name its certificate must be valid for. ca: who signed,
    "" for the system's authorities. influxdb_url: where its measurements arrive. host: its tag in them.
    revision: of its parameters, which it must have applied. instance_type: another one stops and starts the server.
    """

    address: pulumi.Input[str]
    server_name: pulumi.Input[str]
    ca: pulumi.Input[str]
    grafana_password: pulumi.Output[str]
    influxdb_url: pulumi.Input[str]
    influxdb_name: pulumi.Input[str]
    influxdb_ca: pulumi.Input[str]
    database: str
    username: str
    password: pulumi.Output[str]
    host: str
    instance_type: str
    revision: pulumi.Output[int]
    region: str
    timeout: int


def expectation(
    settings: Settings,
    address: pulumi.Output[str],
    certificate: ServerCertificate,
    passwords: Passwords,
    influx: Influx,
    *,
    revision: pulumi.Output[int],
) -> Expectation:
    """What this stack's server must do before it counts as ready."""
    return Expectation(
        address=address,
        server_name=certificate.host,
        ca=certificate.ca or "",
        grafana_password=passwords.grafana_admin,
        influxdb_url=influx.readiness_url,
        influxdb_name=influx.server_name,
        influxdb_ca=influx.ca or "",
        database=influx.database,
        username=influx.reader,
        password=influx.reader_password,
        host=machine(),
        instance_type=settings.instance_type,
        revision=revision,
        region=settings.region,
        timeout=settings.boot_timeout_seconds,
    )


class Readiness(pulumi.ComponentResource):
    """A command that ends when the server has applied the stack's parameters: Grafana and InfluxDB answer over
    TLS, and a first point of it is stored.

    Produces: the command; it runs again whenever the instance is another one or of another type, or a parameter
    changes. It prints what it waits for, and on failure the line of the boot script that failed. Secrets reach it by
    its environment and are never printed.

    Attributes: done: the resource others depend on.
    """

    def __init__(
        self,
        name: str,
        expectation: Expectation,
        instance_id: pulumi.Output[str],
        after: list[pulumi.Resource],
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("monitoring:index:Readiness", name, None, opts)
        environment: Mapping[str, pulumi.Input[str]] = {
            "READY_ADDRESS": expectation.address,
            "READY_SERVER_NAME": expectation.server_name,
            "READY_CA": expectation.ca,
            "READY_GRAFANA_PASSWORD": expectation.grafana_password,
            "READY_INFLUXDB_URL": expectation.influxdb_url,
            "READY_INFLUXDB_NAME": expectation.influxdb_name,
            "READY_INFLUXDB_CA": expectation.influxdb_ca,
            "READY_DATABASE": expectation.database,
            "READY_USERNAME": expectation.username,
            "READY_PASSWORD": expectation.password,
            "READY_HOST": expectation.host,
            "READY_REVISION": expectation.revision.apply(str),
            "READY_REGION": expectation.region,
            "READY_TIMEOUT": str(expectation.timeout),
            "READY_INSTANCE": instance_id,
        }
        self.done = command.local.Command(
            name,
            create=COMMAND,
            environment=environment,
            triggers=[instance_id, expectation.instance_type, expectation.revision],
            opts=pulumi.ResourceOptions(parent=self, depends_on=after),
        )
        self.register_outputs({})
