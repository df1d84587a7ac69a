"""The agent on a machine that already exists, on AWS or anywhere else."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pulumi
import pulumi_command as command

from settings import Host

INSTALL = 'if [ "$(id -u)" = 0 ]; then exec bash -s; else exec sudo -n bash -s; fi'
REMOVE = INSTALL.replace("bash -s", "bash -s remove")
"""What runs on the host: the installer comes by standard input, so that no command line ever holds it."""

DIAL_ATTEMPTS, DIAL_SECONDS = 11, 5
"""How long a host is tried, with growing pauses (5 s at most): about 20 s, a reboot, when it refuses; 80 s when it
is silent."""


class Agent(pulumi.ComponentResource):
    """Telegraf on one host, configured to write to this stack's InfluxDB.

    Produces: one remote command. Its standard input is the host's installer (userdata/agent-install.sh.j2), which
    is a secret: created and updated by running it, which changes only what differs; deleted by running it with
    `remove`. What it prints holds no secret and is not shown; it is part of the error when it fails.

    An `unreachable` host's command is empty: nothing connects to it, whatever changes, and its deletion does
    nothing either. Once it is no longer unreachable, the installer runs again.

    Attributes: installed: the command's id, known once it has run.
    """

    def __init__(
        self,
        host: Host,
        installer: pulumi.Output[str],
        after: Sequence[pulumi.Resource],
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("monitoring:index:Agent", host.name, None, opts)
        key = host.private_key.get_secret_value() if host.private_key else None
        connection = command.remote.ConnectionArgs(
            host=host.address,
            port=host.port,
            user=host.user,
            host_key=host.host_key,
            private_key=pulumi.Output.secret(key) if key else None,
            dial_error_limit=DIAL_ATTEMPTS,
            per_dial_timeout=DIAL_SECONDS,
        )
        installed = command.remote.Command(
            host.name,
            connection=connection,
            create=None if host.unreachable else INSTALL,
            delete=None if host.unreachable else REMOVE,
            stdin=installer,
            add_previous_output_in_env=False,
            logging=command.remote.Logging.NONE,
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(after)),
        )
        self.installed: pulumi.Output[str] = installed.id
        self.register_outputs({})


def install_agents(
    hosts: Sequence[Host],
    installer: Callable[[Host], pulumi.Output[str]],
    after: Sequence[pulumi.Resource],
    opts: pulumi.ResourceOptions,
) -> list[Agent]:
    """An agent for each host; none waits for another."""
    return [Agent(host, installer(host), after, opts) for host in hosts]
