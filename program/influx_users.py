"""When the server may drop old users of InfluxDB."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from program.influx import Databases
from settings import Settings


def users_in_use(
    settings: Settings,
    databases: Databases,
    moved: Sequence[pulumi.Output[str]],
    folder: pulumi.Output[str],
    opts: pulumi.ResourceOptions,
) -> pulumi.Resource | None:
    """Tell the server that Grafana and every agent use this generation of InfluxDB's users, so that it drops all
    others.

    Nothing happens with only an external InfluxDB, whose users are not ours. Instances chosen by tag, some of which can
    be stopped, are not waited for: for them the previous write user stays until the next generation.

    moved: known once Grafana and each agent use them. If one of them fails, all users stay: `all`.
    """
    if not settings.makes_users:
        return None
    ours = databases.first
    kept = [ours.former_writer] if settings.hosts_by_tag and ours.former_writer else []
    users = " ".join([ours.writer, ours.reader, *kept])
    value = pulumi.Output.all(*moved).apply(lambda _: users).recover(lambda _: "all")
    return aws.ssm.Parameter(
        "influxdb-users-in-use",
        name=pulumi.Output.concat(folder, "/state/users-in-use"),
        type="String",
        tier="Standard",
        insecure_value=value,
        overwrite=True,
        # As in components/parameters.py: two parameters cannot have the same name, not even for a moment.
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(delete_before_replace=True)),
    )
