"""The stack's outputs; README.md lists them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pulumi

from components.backups import Backups
from components.data_volume import DataVolume
from components.network import GRAFANA_PORT
from components.passwords import Passwords
from components.protected import on_destroy
from components.tagged_hosts import TaggedHosts
from components.timestream import Timestream
from program import accounts
from program.boards import Board
from program.cloudwatch import Reader
from program.gate import Gate
from program.influx import Databases
from program.user_data import agent_role, agent_values
from settings import Settings
from userdata.agents import agent_installer
from userdata.bulk import cloud_config

README = Path(__file__).parent.parent / "Pulumi.README.md"
"""The stack's page in Pulumi Cloud, which fills in the outputs
(pulumi.com/docs/intro/pulumi-cloud/projects-and-stacks/#stack-readme)."""


def export(
    settings: Settings,
    boards: Sequence[Board],
    gate: Gate,
    databases: Databases,
    volume: DataVolume,
    *,
    passwords: Passwords,
    backups: Backups,
    managed: Timestream | None,
    reader: Reader,
) -> None:
    """Export all outputs except those of `export_by_tag`.

    gate: the server and where it is. managed: the InfluxDB that AWS runs. reader: who reads CloudWatch."""
    grafana_url = pulumi.Output.format("https://{0}:{1}", settings.domain or gate.address, GRAFANA_PORT)
    if settings.public_certificate:
        grafana_url = pulumi.Output.from_input(f"https://{settings.domain}")
    pulumi.export("grafanaUrl", grafana_url)
    pulumi.export("grafanaAdminUser", "admin")
    pulumi.export("grafanaAdminPassword", passwords.grafana_admin)
    pulumi.export("influxdbUrl", databases.shown.url)
    pulumi.export("caCertificate", gate.certificate.ca or "")
    agents = agent_values(settings, databases)
    script = agents.apply(agent_installer)
    pulumi.export("agentInstallScript", script)
    pulumi.export("agentCloudInit", script.apply(cloud_config))
    # Not a secret, but `pulumi stack output` prints all others, and this is 19 KB of Base64.
    pulumi.export("agentAnsibleRole", pulumi.Output.secret(agent_role(settings, databases)))
    pulumi.export("agentCredentials", agents.apply(lambda values: values.credentials))
    pulumi.export("dashboardUrls", {each.title: pulumi.Output.concat(grafana_url, "/d/", each.uid) for each in boards})
    pulumi.export("cloudwatchAccessKeyId", reader.key_id)
    pulumi.export("cloudwatchAccounts", accounts.policies(settings.cloudwatch_accounts, reader.arn))
    pulumi.export("instanceId", gate.instance_id)
    pulumi.export("backupBucket", backups.bucket)
    pulumi.export("onDestroy", on_destroy(settings, volume, gate.address, backups.bucket, managed))
    pulumi.export("readme", README.read_text(encoding="utf-8"))


def export_by_tag(hosts: TaggedHosts | None) -> None:
    """Export the outputs about the hosts that are chosen by a tag."""
    pulumi.export("hostsByTagPolicy", hosts.policy if hosts else "")
    pulumi.export("hostsByTagAssociation", hosts.association_id if hosts else "")
