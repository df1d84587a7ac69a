"""What `pulumi destroy` does to the data; with `protect`, nothing at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pulumi

from components.agent import Agent
from components.data_volume import DataVolume
from components.timestream import Timestream
from settings import Settings


class Protected(pulumi.ComponentResource):
    """With `protect`, the resource that makes `pulumi destroy` fail before it deletes anything.

    Pulumi checks a resource's protection only when its turn comes, also in a preview. Without a preview
    (`--skip-preview`), everything that uses the data volume would be gone by then, such as the server and its
    passwords. This resource depends on everything, so it is deleted first.
    """

    def __init__(
        self, settings: Settings, everything: Sequence[pulumi.Resource | None], agents: Sequence[Agent]
    ) -> None:
        # An unreachable host is an error by itself; a resource that depends on it would add a Python traceback.
        commands = [each for agent in agents for each in (agent.installed, agent.asking)]
        reached = [each.apply(lambda _: None).recover(lambda _: None) for each in commands]
        after: list[pulumi.Input[Any]] = [*(each for each in everything if each), *reached]
        opts = pulumi.ResourceOptions(depends_on=after, protect=settings.protect)
        # Its name appears in Pulumi's refusal.
        super().__init__("monitoring:index:Protected", "data-volume-address-and-backups", None, opts)
        self.register_outputs({})


def on_destroy(
    settings: Settings,
    volume: DataVolume,
    address: pulumi.Output[str],
    bucket: pulumi.Output[str],
    managed: Timestream | None,
) -> pulumi.Output[list[str]]:
    """What `pulumi destroy` does to the data. It is a stack output, because `pulumi destroy` does not run the program,
    and so cannot say it itself.

    bucket: of the backups, "" without them. managed: the InfluxDB that AWS runs. Short sentences, because Pulumi cuts
    long ones.
    """

    def sentences(known: list[str]) -> list[str]:
        disk, ip, backups, database = known
        if settings.protect:
            bucket = [f"refused: the bucket {backups} with all backups is protected"] if backups else []
            influxdb = [f"refused: the database {database} with all measurements is protected"] if database else []
            return [
                f"refused: the data volume {disk} and the address {ip} are protected",
                *influxdb,
                *bucket,
                "to give them up for good: pulumi config set monitoring:protect false && pulumi up && pulumi destroy",
            ]
        with_bucket = [
            f"deletes for good: the bucket {backups} with all backups",
            f"to keep the backups, copy them first: aws s3 sync s3://{backups} backups",
        ]
        measured = [f"deletes for good: the database {database} with all measurements"] if database else []
        kept = "dashboards and users" if database else "measurements, dashboards and users"
        return [
            *measured,
            f"deletes for good: the data volume {disk} with all {kept}",
            *(with_bucket if backups else ["keeps: nothing; there are no backups"]),
        ]

    identity = managed.instance_id if managed else ""
    return pulumi.Output.all(volume.volume_id, address, bucket, identity).apply(sentences)
