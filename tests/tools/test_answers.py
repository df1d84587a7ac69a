"""With a stack that is incomplete, or another program's, tools print one sentence and exit with status 1."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.tools.test_cost import of
from tools import list_backups, test_alert

GRAFANA = {
    "grafanaUrl": "https://127.0.0.1:9/",
    "grafanaAdminUser": "admin",
    "grafanaAdminPassword": "hunter2-Qx7v",
    "caCertificate": "",
}
REGION = {"aws:region": {"value": "eu-central-1"}}

OUTPUTS: dict[str, Any] = {
    "nothing": None,
    "a list": [],
    "a warning": "warning: a newer version is available\n{}",
    "an address alone": {"grafanaUrl": "https://127.0.0.1:9/", "backupBucket": ["a"]},
    "no password": {key: value for key, value in GRAFANA.items() if key != "grafanaAdminPassword"},
    "nulls": dict.fromkeys((*GRAFANA, "backupBucket")),
    "a port that does not exist": GRAFANA | {"grafanaUrl": "https://a.b:99999"},
    "a number for an address": GRAFANA | {"grafanaUrl": 7, "backupBucket": 7},
    "half an address": GRAFANA | {"grafanaUrl": "https://[::1"},
    "an address that is not encrypted": GRAFANA | {"grafanaUrl": "http://a.b"},
    "no address": GRAFANA | {"grafanaUrl": "to be written", "backupBucket": "A B"},
}


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for the CLI that prints the files `outputs` and `config` in this folder."""
    program = tmp_path / "pulumi"
    answers = 'case "$*" in *--show-name*) echo dev ;; *output*) cat outputs ;; *) cat config ;; esac'
    program.write_text(f"#!/bin/sh\ncd {tmp_path}\n{answers}\n")
    program.chmod(0o755)
    (tmp_path / "config").write_text(json.dumps(REGION))
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    return tmp_path


@pytest.mark.parametrize("tool", [list_backups, test_alert], ids=["list_backups", "test_alert"])
@pytest.mark.parametrize("what", OUTPUTS)
def test_unusable_outputs_are_one_sentence(tool: Any, what: str, cli: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outputs = OUTPUTS[what]
    (cli / "outputs").write_text(outputs if isinstance(outputs, str) else json.dumps(outputs))
    assert tool.main(["--stack", "dev"]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert len(printed.err) > 30
    assert "hunter2" not in printed.err


@pytest.mark.parametrize(
    "config",
    [
        "[]",
        "a warning",
        json.dumps({"aws:region": None}),
        *(
            json.dumps(REGION | {f"aws:{name}": {"objectValue": value}})
            for name, value in {
                "assumeRoles": "hunter2-Qx7v",
                "assumeRoleWithWebIdentity": {"roleArn": "hunter2-Qx7v"},
                "endpoints": [{"s3": "hunter2-Qx7v"}],
            }.items()
        ),
    ],
)
def test_unusable_settings_are_one_sentence(config: str, cli: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (cli / "outputs").write_text(json.dumps({"backupBucket": "monitoring-dev-backups"}))
    (cli / "config").write_text(config)
    assert list_backups.main([]) == 1
    printed = capsys.readouterr()
    assert printed.err.count("\n") == 1
    assert "hunter2" not in printed.err


@pytest.mark.parametrize("file", ["{secure: v1:x}", "{path: {secure: v1:x}}"])
def test_an_encrypted_file_of_hosts_does_not_change_the_cost(file: str) -> None:
    assert of(f"  monitoring:hostsFile: {file}\n").total == of().total


@pytest.mark.parametrize("tool", [list_backups, test_alert], ids=["list_backups", "test_alert"])
def test_a_missing_cli_is_reported(
    tool: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert tool.main([]) == 1
    said = "`pulumi` cannot be run (No such file or directory): is Pulumi's CLI on the PATH?\n"
    assert capsys.readouterr().err == said
