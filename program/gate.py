"""What the two gates of `pulumi up` check, and where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from components.network import GRAFANA_PORT
from components.passwords import Account
from components.private_authority import ServerCertificate
from settings import Settings

COMMAND = ".venv/bin/python -m tools."
"""Run in the project's folder, with the environment that Pulumi.yaml names."""


@dataclass(frozen=True)
class Gate:
    """What both gates check, and where.

    address: where to connect. certificate: the one that Grafana presents. automation: the user to log in as.
    instance_id, revision: the server, and what it must have applied.
    """

    settings: Settings
    address: pulumi.Output[str]
    certificate: ServerCertificate
    automation: Account
    instance_id: pulumi.Output[str]
    revision: pulumi.Output[str]

    def environment(self, timeout: int) -> Mapping[str, pulumi.Input[str]]:
        """The environment variables of a gate's command, which include secrets. timeout: seconds."""
        return {
            "READY_ADDRESS": self.address,
            "READY_PORT": str(GRAFANA_PORT),
            "READY_SERVER_NAME": self.certificate.host,
            "READY_CA": self.certificate.ca or "",
            "READY_USER": self.automation.login,
            "READY_PASSWORD": self.automation.password,
            "READY_TIMEOUT": str(timeout),
        }
