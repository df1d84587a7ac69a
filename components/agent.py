"""The agent on a machine that already exists, on AWS or anywhere else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pulumi
import pulumi_command as command

from program.ssh_answers import must_answer
from settings import Host

INSTALL = """sh -c 'if test "$(id -u)" = 0; then exec bash -s; else exec sudo -n bash -s; fi'"""
REMOVE = INSTALL.replace("bash -s", "bash -s remove")
"""What runs on the host. The installer arrives on standard input, so that no command line ever contains it.

sshd passes the command to the user's login shell (sshd(8), LOGIN PROCESS), whichever that is. In single quotes, and
without `!`, backslashes or line breaks, fish and csh read it as sh does; a restricted shell refuses `exec` (man 1
rbash).
"""

DIAL_ATTEMPTS, DIAL_SECONDS = 11, 5
"""How long connecting to a host is retried, with growing pauses (up to 5 s): about 20 s, enough for a reboot, if it
refuses connections; 80 s if it does not answer."""

SSH_ANSWERS = "python3 program/ssh_answers.py"
"""Run in the project's folder, before a removal."""


class Agent(pulumi.ComponentResource):
    """Telegraf on one host, configured to write to this stack's InfluxDB.

    Produces: a remote command and a local one. The remote command's standard input is the host's installer
    (userdata/agent/install.sh.j2), which is a secret. Creating and updating the command runs the installer, which
    changes only what differs; deleting it runs the installer with `remove`. Its output contains no secret and is only
    shown as part of an error.

    Before the provider connects, the host must have answered as an SSH server (program/ssh_answers.py). A hook checks
    that before the installer runs. The local command, which is deleted first, checks it before a removal: with a hook
    for deletions, `pulumi destroy` would refuse to run without `--run-program`.

    An `unreachable` host's commands are empty: nothing connects to it, whatever changes, and its deletion does nothing
    either. Once it is no longer unreachable, the installer runs again.

    Attributes: installed: the id of the remote command, known once it has run. asking: the id of the local one.
    """

    def __init__(
        self,
        host: Host,
        installer: pulumi.Output[str],
        after: Sequence[pulumi.Resource],
        answers: pulumi.ResourceHook,
        opts: pulumi.ResourceOptions,
        *,
        ended: Callable[[str], None],
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
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=list(after),
                hooks=None
                if host.unreachable
                else pulumi.ResourceHookBinding(before_create=[answers], before_update=[answers]),
            ),
        )
        self.installed: pulumi.Output[str] = installed.id

        def after_it(answer: str) -> str:
            ended(host.name)
            return answer

        # If the installer failed, that is the only error, and there is nothing to remove.
        ask = self.installed.apply(lambda _: after_it(SSH_ANSWERS)).recover(lambda _: after_it(":"))
        asking = command.local.Command(
            host.name,
            delete=None if host.unreachable else ask,
            environment={"HOST_NAME": host.name, "HOST_ADDRESS": host.address, "HOST_PORT": str(host.port)},
            logging=command.local.Logging.NONE,
            add_previous_output_in_env=False,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.asking: pulumi.Output[str] = asking.id
        self.register_outputs({})


class Places:
    """Limits how many hosts are connected to at once: each takes a place before the provider connects, and gives it
    back when its command has ended, successfully or not.

    With chains of `depends_on`, hosts would wait for a dead one, or be skipped with it. And a hook for errors is also
    called for deletions (Pulumi's pkg/resource/deploy/step.go): during `pulumi destroy` no program answers it, and its
    own error would hide the host's.
    """

    def __init__(self, hosts: Sequence[Host], connections: int) -> None:
        self._hosts = {host.name: host for host in hosts}
        self._free = asyncio.Semaphore(connections)
        self._taken: set[str] = set()

    async def take(self, change: pulumi.ResourceHookArgs) -> None:
        """A hook that waits for a place, and then for the host's greeting."""
        host = self._hosts[change.name]
        await self._free.acquire()
        self._taken.add(host.name)
        await must_answer(host.name, host.address, host.port)

    def give_back(self, name: str) -> None:
        """Free a host's place once its command has ended; an unchanged host took none."""
        if name in self._taken:
            self._taken.remove(name)
            self._free.release()


def install_agents(
    hosts: Sequence[Host],
    installer: Callable[[Host], pulumi.Output[str]],
    after: Sequence[pulumi.Resource],
    connections: int,
    opts: pulumi.ResourceOptions,
) -> list[Agent]:
    """Install an agent on each host. connections: how many hosts are connected to at once."""
    places = Places(hosts, connections)
    hook = pulumi.ResourceHook("ssh-answers", places.take)
    return [Agent(host, installer(host), after, hook, opts, ended=places.give_back) for host in hosts]
