"""The gate of `pulumi up` between the server's boot and everything that needs the server to answer."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
import pulumi_command as command

from program.gate import COMMAND, Gate


class Readiness(pulumi.ComponentResource):
    """A command that ends when the server has applied the stack's parameters, which it reports in Grafana.

    Produces: the command; it runs again whenever the instance is another one or of another type, or a parameter
    changes. It prints what it waits for, and on failure the line of the boot script that failed.

    identity: the one that reads the console from AWS (program/identity.py), None for the environment's.

    Attributes: done: the resource that others depend on.
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
