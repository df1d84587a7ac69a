"""Fixtures of the Grafana double's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sandbox.grafana import support


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> support.Authority:
    return support.Authority(tmp_path_factory.mktemp("authority"), "monitoring")


@pytest.fixture
def grafana(tmp_path: Path, authority: support.Authority) -> Iterator[support.Grafana]:
    with support.running(tmp_path / "grafana", authority, security__secret_key="key") as instance:
        yield instance


@pytest.fixture(scope="session")
def influx(tmp_path_factory: pytest.TempPathFactory, authority: support.Authority) -> Iterator[support.Influx]:
    with support.influxdb(tmp_path_factory.mktemp("influxdb"), authority) as instance:
        yield instance
