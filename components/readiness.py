"""The two gates of `pulumi up`: one between the server's boot and everything that needs the server to answer, and one
at the end, when Grafana must show data. Both ask Grafana, and nothing but Grafana."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_command as command

from components.certificates import ServerCertificate
from components.network import GRAFANA_PORT
from components.parameters import machine
from components.passwords import Account
from settings import Settings
from settings import values as v

COMMAND = ".venv/bin/python -m components."
"""Run in the project's folder, with the environment that Pulumi.yaml names."""


@dataclass(frozen=True)
class Gate:
    """Where both gates ask, and for what.

    address: where to connect to. certificate: what Grafana shows there. automation: the user to ask as. instance_id,
    revision: the server, and what it must have applied.
    """

    settings: Settings
    address: pulumi.Output[str]
    certificate: ServerCertificate
    automation: Account
    instance_id: pulumi.Output[str]
    revision: pulumi.Output[str]

    def environment(self, timeout: int) -> Mapping[str, pulumi.Input[str]]:
        """What a command gets. timeout: seconds. Secrets reach it by its environment and are never printed."""
        return {
            "READY_ADDRESS": self.address,
            "READY_PORT": str(GRAFANA_PORT),
            "READY_SERVER_NAME": self.certificate.host,
            "READY_CA": self.certificate.ca or "",
            "READY_USER": self.automation.login,
            "READY_PASSWORD": self.automation.password,
            "READY_TIMEOUT": str(timeout),
        }


class Readiness(pulumi.ComponentResource):
    """A command that ends when the server has applied the stack's parameters, as it says itself in Grafana.

    Produces: the command; it runs again whenever the instance is another one or of another type, or a parameter
    changes. It prints what it waits for, and on failure the line of the boot script that failed.

    identity: with which AWS is asked for the console (components/identity.py), None for the environment's.

    Attributes: done: the resource others depend on.
    """

    def __init__(
        self,
        name: str,
        gate: Gate,
        identity: pulumi.Output[str] | None,
        after: Sequence[pulumi.Resource],
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("monitoring:index:Readiness", name, None, opts)
        self.done = command.local.Command(
            name,
            create=f"{COMMAND}wait_until_ready",
            environment={
                **gate.environment(gate.settings.boot_timeout_seconds),
                "READY_INSTANCE": gate.instance_id,
                "READY_REVISION": gate.revision,
                "READY_REGION": gate.settings.region,
                **({"READY_AWS": identity} if identity else {}),
            },
            # Another type stops and starts the server.
            triggers=[gate.instance_id, gate.settings.instance_type, gate.revision],
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(after)),
        )
        self.register_outputs({})


class Answers(pulumi.ComponentResource):
    """A command that ends when each of Grafana's datasources has returned data: a measurement of the server that came
    in meanwhile, and a list of CloudWatch's metrics. So `pulumi up` itself says what is broken there.

    Produces: the command; it runs again whenever the server, a parameter, the access key or the region changes.

    access_key_id: of the CloudWatch datasource, "" when it uses the server's role. sources: what it waits for.

    Attributes: done: known once both have answered.
    """

    def __init__(
        self,
        name: str,
        gate: Gate,
        access_key_id: pulumi.Input[str],
        sources: Sequence[pulumi.Resource],
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("monitoring:index:Answers", name, None, opts)
        region = gate.settings.cloudwatch_region or gate.settings.region
        # Telegraf measures once an interval, and sends within another.
        patience = max(gate.settings.boot_timeout_seconds, 2 * int(v.seconds(gate.settings.collection_interval)) + 60)
        asked = command.local.Command(
            name,
            create=f"{COMMAND}wait_for_data",
            environment={
                **gate.environment(patience),
                "READY_HOST": machine(),
                "READY_CLOUDWATCH_REGION": region,
            },
            triggers=[gate.instance_id, gate.revision, access_key_id, region],
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(sources)),
        )
        self.done: pulumi.Output[str] = asked.id
        self.register_outputs({})
