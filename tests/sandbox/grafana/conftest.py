"""Fixtures of the Grafana double's tests, which run against another Grafana if GRAFANA_URL is set (elsewhere.py)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sandbox.grafana import elsewhere, support


@pytest.hookimpl(tryfirst=True)  # before `-m` chooses
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Against another Grafana, leave out the tests that are about the double itself or need what that cannot reach."""
    if not elsewhere.URL:
        return
    left_out = [item for item in items if Path(__file__).parent in item.path.parents and not _is_about_grafana(item)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def _is_about_grafana(item: pytest.Item) -> bool:
    fixtures = set(getattr(item, "fixturenames", ()))
    if "grafana" not in fixtures or item.get_closest_marker("double"):
        return False
    return elsewhere.is_near() or not fixtures & {"influx", "aws"}


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> support.Authority:
    return support.Authority(tmp_path_factory.mktemp("authority"), "monitoring")


@pytest.fixture(scope="session")
def another() -> support.Grafana | None:
    """The Grafana of GRAFANA_URL, if any."""
    return elsewhere.connect() if elsewhere.URL else None


@pytest.fixture
def grafana(tmp_path: Path, authority: support.Authority, another: support.Grafana | None) -> Iterator[support.Grafana]:
    if another:
        with elsewhere.borrowed(another):
            yield another
    else:
        with support.running(tmp_path / "grafana", authority, security__secret_key="key") as instance:
            yield instance


@pytest.fixture(scope="session")
def influx(tmp_path_factory: pytest.TempPathFactory, authority: support.Authority) -> Iterator[support.Influx]:
    with support.influxdb(tmp_path_factory.mktemp("influxdb"), authority) as instance:
        yield instance
