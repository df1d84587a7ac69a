"""The stack's outputs, their list in the README, and the stack's page in Pulumi Cloud, which shows no secret one."""

from __future__ import annotations

import base64
import gzip
import re
from pathlib import Path

import yaml

from dashboards.registry import ENTRIES
from tests.components.conftest import ADDRESS, Run

ROOT = Path(__file__).resolve().parents[2]


def test_the_readme_lists_every_output_and_says_which_are_secret(dev: Run) -> None:
    found = re.search(r"<!-- outputs -->\n(.*?)\n<!-- /outputs -->", (ROOT / "README.md").read_text(), re.DOTALL)
    assert found is not None
    rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", found[1], re.MULTILINE)
    assert [name for name, _ in rows] == list(dev.outputs)
    assert {name for name, what in rows if "(secret)" in what} == {
        name for name, secret in dev.secrets.items() if secret
    }


def test_the_stack_s_page_names_only_outputs_that_exist_and_are_not_secret(dev: Run) -> None:
    """Pulumi Cloud fills in their values for everyone who may see the stack."""
    page = dev.outputs["readme"]
    named = set(re.findall(r"\$\{outputs\.(\w+)\}", page))
    assert {"grafanaUrl", "influxdbUrl"} <= named <= set(dev.outputs)
    assert not {name for name in named if dev.secrets[name]}
    assert page.count("${") == len(re.findall(r"\$\{outputs\.\w+\}", page))
    assert not dev.secrets["readme"]


def test_the_stack_s_page_links_to_every_dashboard(dev: Run) -> None:
    linked = re.findall(r"\[([^\]]+)\]\(\$\{outputs\.grafanaUrl\}(/d/[\w-]+)\)", dev.outputs["readme"])
    assert linked == [(entry.title, entry.path) for entry in ENTRIES]


def test_which_outputs_are_secret(prod: Run) -> None:
    secret = {name for name, marked in prod.secrets.items() if marked}
    assert secret == {
        *("grafanaAdminPassword", "agentInstallScript", "agentCloudInit", "agentAnsibleRole", "agentCredentials"),
    }


def test_the_outputs_have_their_values(prod: Run) -> None:
    assert prod.outputs["grafanaUrl"] == f"https://{ADDRESS}:3000"
    assert prod.outputs["influxdbUrl"] == f"https://{ADDRESS}:8086"
    assert prod.outputs["grafanaAdminUser"] == "admin"
    assert "the-ca" in prod.outputs["caCertificate"]
    assert prod.outputs["agentInstallScript"].startswith("#!/bin/bash")
    assert prod.outputs["agentCloudInit"].startswith("#cloud-config")
    assert prod.outputs["dashboardUrls"]["Linux hosts"] == f"https://{ADDRESS}:3000/d/linux-hosts"
    assert prod.outputs["cloudwatchAccessKeyId"] == "AccessKey-cloudwatch-1"


def test_outputs_are_those_of_the_server_and_its_administrator(prod: Run) -> None:
    (server,) = prod.all("Instance")
    (bucket,) = prod.all("Bucket")
    shown = [prod.outputs[name] for name in ("grafanaAdminPassword", "instanceId", "backupBucket")]
    assert shown == ["password-of-grafana-admin", f"Instance-{server.name}", bucket.name]


def test_the_forms_of_the_installer_hold_the_installer(prod: Run) -> None:
    installer: str = prod.outputs["agentInstallScript"]
    content = yaml.safe_load(prod.outputs["agentCloudInit"])["write_files"][0]["content"]
    (password,) = re.findall(r"^INFLUX_PASSWORD='(.+)'$", prod.outputs["agentCredentials"], re.MULTILINE)
    packed = gzip.decompress(base64.b64decode(content)).decode()
    assert password in installer
    assert packed == re.sub(r"^ *# .*\n", "", installer, flags=re.MULTILINE)
