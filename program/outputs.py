"""What the stack exports; README.md lists it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pulumi

from components.backups import Backups
from components.data_volume import DataVolume
from components.network import GRAFANA_PORT
from components.passwords import Passwords
from components.protected import on_destroy
from components.timestream import Timestream
from program import accounts
from program.boards import Board
from program.cloudwatch import Reader
from program.gate import Gate
from program.influx import Influx
from program.user_data import agent_script
from settings import Settings

README = Path(__file__).parent.parent / "Pulumi.README.md"
"""The stack's page in Pulumi Cloud, which fills in the outputs
(pulumi.com/docs/intro/pulumi-cloud/projects-and-stacks/#stack-readme)."""


def export(
    settings: Settings,
    boards: Sequence[Board],
    gate: Gate,
    influx: Influx,
    volume: DataVolume,
    *,
    passwords: Passwords,
    backups: Backups,
    managed: Timestream | None,
    reader: Reader,
) -> None:
    """Export all outputs. gate: the server and where it is. managed: the InfluxDB that AWS runs. reader: who reads
    CloudWatch."""
    grafana_url = pulumi.Output.format("https://{0}:{1}", settings.domain or gate.address, GRAFANA_PORT)
    pulumi.export("grafanaUrl", grafana_url)
    pulumi.export("grafanaAdminUser", "admin")
    pulumi.export("grafanaAdminPassword", passwords.grafana_admin)
    pulumi.export("influxdbUrl", influx.url)
    pulumi.export("caCertificate", gate.certificate.ca or "")
    pulumi.export("agentInstallScript", agent_script(settings, influx))
    pulumi.export("dashboardUrls", {each.title: pulumi.Output.concat(grafana_url, "/d/", each.uid) for each in boards})
    pulumi.export("cloudwatchAccessKeyId", reader.key_id)
    pulumi.export("cloudwatchAccounts", accounts.policies(settings.cloudwatch_accounts, reader.arn))
    pulumi.export("instanceId", gate.instance_id)
    pulumi.export("backupBucket", backups.bucket)
    pulumi.export("onDestroy", on_destroy(settings, volume, gate.address, backups.bucket, managed))
    pulumi.export("readme", README.read_text(encoding="utf-8"))
