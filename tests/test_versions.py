"""What is tested is what is deployed: the default versions on AWS are those that run here."""

from __future__ import annotations

import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox.grafana.double.version import VERSION as GRAFANA
from sandbox.repository import influxdata
from sandbox.toolchain import influxdb, recipes

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def defaults() -> dict[str, Any]:
    schema = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    return {name.removeprefix("monitoring:"): each.get("default") for name, each in schema.items()}


def test_the_default_versions_are_those_that_run_here(defaults: dict[str, Any]) -> None:
    assert defaults["influxdbVersion"] == f"{influxdb.DEPLOYED.version}-{influxdata.REVISION}"
    assert defaults["telegrafVersion"] == influxdata.TELEGRAF_VERSION
    assert defaults["grafanaVersion"] == GRAFANA


@pytest.mark.parametrize("stack", ["dev", "prod", "sandbox"])
def test_no_stack_of_ours_has_versions_of_its_own(stack: str) -> None:
    config = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())["config"]
    assert [key for key in config if key.endswith("Version")] == []


def test_the_engine_is_as_new_as_the_sdk() -> None:
    assert version("pulumi") == recipes.PULUMI_VERSION
    module = (ROOT / "sandbox/toolchain/pulumi/go.mod").read_text()
    assert set(re.findall(r"github\.com/pulumi/pulumi/(?:pkg|sdk)/v3 v(\S+)", module)) == {recipes.PULUMI_VERSION}


def test_a_machine_without_rust_says_what_it_runs_instead(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    influxdb.release.cache_clear()
    try:
        assert influxdb.release() is influxdb.FALLBACK
        assert influxdb.shortfall().startswith("InfluxDB 1.7.11 runs here instead of the 1.12.4 that AWS gets: ")
    finally:
        influxdb.release.cache_clear()


@pytest.mark.parametrize(
    ("rustc", "expected"),
    [("rustc 1.71.1 (eb26296b5 2023-08-03)", influxdb.FALLBACK), ("rustc 1.72.0", influxdb.DEPLOYED)],
)
def test_an_old_rust_is_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, rustc: str, expected: influxdb.Release
) -> None:
    for name, text in {"rustc": rustc, "cargo": "", "cc": ""}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\necho '{text}'\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    influxdb.release.cache_clear()
    try:
        assert influxdb.release() is expected
    finally:
        influxdb.release.cache_clear()
