"""The provider `command`, as in pulumi-command 1."""

from __future__ import annotations

from sandbox.plugins.base import Properties, Provider
from sandbox.plugins.command.local import LocalCommand
from sandbox.plugins.command.remote import RemoteCommand


class CommandProvider(Provider[None]):
    """Has no settings, and keeps nothing outside the state."""

    package = "command"
    distribution = "pulumi-command"
    resources = (LocalCommand, RemoteCommand)

    def configure(self, config: Properties) -> None:
        return None
