"""The values from which tests render user data, the server's files and the agents' installer."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace

import pytest
import yaml

from settings.model import GrafanaRepository, InfluxdataRepository
from userdata.agents import AgentValues, agent_installer
from userdata.boot import BootValues, user_data
from userdata.server_files import ServerValues, backup_settings
from userdata.telegraf import InfluxTarget

TARGET = InfluxTarget("https://localhost:8086", "telegraf", "telegraf", private_ca=True)
CA = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
SERVER = ServerValues(
    host="203.0.113.200",
    machine="monitoring-prod",
    data_gib=20,
    boot_timeout=900,
    retention="30d",
    rollup_retention="360d",
    interval="10s",
    top_processes=0,
    region="eu-central-1",
    cloudwatch_role="",
    own_influxdb=True,
    managed_influxdb=False,
    influxdb_secret="",
    automation="pulumi-x1y2z3x1y2z3x1y2z3xy",
    reader="grafana",
    smtp=None,
    oauth=None,
    backups=backup_settings("eu-central-1", "monitoring-prod-backups-1a2b3c4", "prod", 0, ""),
    backup_schedule="04:00",
    target=TARGET,
)
VALUES = BootValues(
    region="eu-central-1",
    parameters="/monitoring/prod",
    address="203.0.113.200",
    local_name="localhost",
    data_volume="vol-0123456789abcdef0",
    grafana_repository=GrafanaRepository(),
    influxdata_repository=InfluxdataRepository(),
    grafana_version="13.2.3",
    influxdb_version="1.12.4-1",
    telegraf_version="1.39.3-1",
)
AGENT = AgentValues(
    repository=InfluxdataRepository(),
    telegraf_version="1.39.3-1",
    interval="10s",
    target=replace(TARGET, url="https://203.0.113.200:8086"),
    password="the-password",
    ca=CA,
)


def boot_files() -> dict[str, str]:
    """The files that cloud-init writes, by path."""
    return {file["path"]: file["content"] for file in yaml.safe_load(user_data(VALUES))["write_files"]}


def shellcheck(script: str) -> None:
    """Check a script with shellcheck."""
    if not shutil.which("shellcheck"):
        pytest.skip("shellcheck is not installed")
    # The rendered script has no comments, and so no directives for shellcheck: these codes replace them.
    options = ["--shell=bash", "--exclude=SC1090,SC1091,SC2034,SC2086,SC2154"]
    result = subprocess.run(["shellcheck", *options, "-"], input=script, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


def agent_config(values: AgentValues) -> str:
    """The Telegraf configuration that an installer writes."""
    found = re.search(r"<<'(\w+)' \| put 644 \$config\n(.*?\n)\1\n", agent_installer(values), re.DOTALL)
    assert found
    return found[2]
