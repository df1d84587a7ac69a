"""The gate at the end of `pulumi up`: Grafana must show data."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pulumi
import pulumi_command as command

from program import accounts
from program.gate import COMMAND, Gate
from program.naming import machine
from settings import values as v


class Answers(pulumi.ComponentResource):
    """A command that ends when each of Grafana's datasources has returned data: a new measurement of the server, and a
    list of CloudWatch's metrics for each account. So `pulumi up` itself reports what is broken there.

    Produces: the command; it runs again whenever the server, a parameter, the access key, the region or another
    account changes.

    access_key_id: of the CloudWatch datasource, "" if it uses the server's role. sources: what the command waits for.

    Attributes: done: known once all have answered.
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
        region = gate.settings.shown_region
        further = [
            {"name": one.name, "uid": accounts.uid(one), "region": accounts.region(gate.settings, one)}
            | {"role": one.role_arn, "externalId": one.external_id or ""}
            for one in gate.settings.cloudwatch_accounts
        ]
        # Telegraf measures once per interval, and sends within the next.
        patience = max(gate.settings.boot_timeout_seconds, 2 * int(v.seconds(gate.settings.collection_interval)) + 60)
        asked = command.local.Command(
            name,
            create=f"{COMMAND}wait_for_data",
            environment={
                **gate.environment(patience),
                "READY_HOST": machine(),
                "READY_REVISION": gate.revision,
                "READY_CLOUDWATCH_REGION": region,
                **({"READY_CLOUDWATCH_ACCOUNTS": json.dumps(further)} if further else {}),
            },
            triggers=[
                gate.instance_id,
                gate.revision,
                access_key_id,
                region,
                *([json.dumps(further)] if further else []),
            ],
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(sources)),
        )
        self.done: pulumi.Output[str] = asked.id
        self.register_outputs({})
