"""The default versions that AWS gets are the versions that the tests run."""

from __future__ import annotations

import re
from collections.abc import Iterator
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


def test_the_default_versions_are_those_of_the_local_environment(defaults: dict[str, Any]) -> None:
    assert defaults["influxdbVersion"] == f"{influxdb.DEPLOYED.version}-{influxdata.REVISION}"
    assert defaults["telegrafVersion"] == influxdata.TELEGRAF_VERSION
    assert defaults["grafanaVersion"] == GRAFANA


@pytest.mark.parametrize("stack", ["dev", "prod", "sandbox"])
def test_no_stack_of_the_project_overrides_a_version(stack: str) -> None:
    config = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())["config"]
    assert "aws:region" in config
    assert [key for key in config if key.endswith("Version")] == []


def test_the_engine_has_the_version_of_the_sdk() -> None:
    assert version("pulumi") == recipes.PULUMI_VERSION
    module = (ROOT / "sandbox/toolchain/pulumi/go.mod").read_text()
    assert set(re.findall(r"github\.com/pulumi/pulumi/(?:pkg|sdk)/v3 v(\S+)", module)) == {recipes.PULUMI_VERSION}


@pytest.fixture
def forgotten() -> Iterator[None]:
    """What `release` remembers of this machine is forgotten during the test, and afterwards."""
    influxdb.release.cache_clear()
    yield
    influxdb.release.cache_clear()


@pytest.mark.usefixtures("forgotten")
def test_without_rust_an_older_influxdb_runs_and_the_shortfall_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert influxdb.release() is influxdb.FALLBACK
    assert influxdb.shortfall().startswith("InfluxDB 1.7.11 runs here instead of the 1.12.4 that AWS gets: ")


@pytest.mark.usefixtures("forgotten")
@pytest.mark.parametrize(
    ("rustc", "expected"),
    [("rustc 1.71.1 (eb26296b5 2023-08-03)", influxdb.FALLBACK), ("rustc 1.72.0", influxdb.DEPLOYED)],
)
def test_rust_must_be_new_enough(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, rustc: str, expected: influxdb.Release
) -> None:
    for name, text in {"rustc": rustc, "cargo": "", "cc": ""}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\necho '{text}'\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert influxdb.release() is expected
