"""The machines that get an agent: those that Pulumi reaches over SSH, and those that AWS finds by a tag."""

from __future__ import annotations

from functools import partial

import pulumi

from components.agent import Agent, install_agents
from components.server_role import ServerRole
from components.tagged_hosts import TaggedHosts
from program.influx import Databases
from program.stored import agents_parameter, other_parameter
from program.user_data import agent_script, agent_values, tagged_script
from settings import Settings


def hosts(
    settings: Settings,
    databases: Databases,
    role: ServerRole,
    *,
    stored: pulumi.Resource,
    ready: pulumi.Resource,
    in_aws: pulumi.ResourceOptions,
    key: str | None = None,
) -> tuple[list[Agent], TaggedHosts | None]:
    """The agents over SSH, and those chosen by tag: None without `hostsByTag`.

    role: the server's; hosts chosen by tag read two of its parameters. stored: the last parameter. ready: the server.
    key: ARN of `kmsKey`.
    """
    script = partial(agent_script, agent_values(settings, databases))
    anywhere = pulumi.ResourceOptions()
    agents = install_agents(settings.hosts, script, [ready], settings.ssh_connections, anywhere)
    if not settings.hosts_by_tag:
        return agents, None
    by_tag = TaggedHosts(
        "tagged",
        settings.hosts_by_tag,
        tagged_script(settings, databases, role.folder),
        role.folder_arn.apply(lambda arn: [agents_parameter(arn), other_parameter(arn)]),
        in_aws,
        stored=stored,
        remove=settings.hosts_by_tag_remove,
        key=key,
    )
    return agents, by_tag
