"""A machine on which nothing is set up."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with Pulumi.yaml, without a `pulumi` on the PATH and without AWS credentials."""
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "PULUMI_CONFIG_PASSPHRASE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    (tmp_path / "Pulumi.yaml").write_text("name: monitoring\nruntime: python\n")
    return tmp_path


@pytest.fixture
def settings(machine: Path) -> Path:
    """A stack's file with which a proof can begin."""
    file = machine / "Pulumi.dev.yaml"
    ranges = "  monitoring:operatorCidrs: [198.18.0.0/24]\n  monitoring:agentCidrs: [198.18.1.0/24]\n"
    file.write_text(f"config:\n  aws:region: eu-central-1\n{ranges}")
    return file
