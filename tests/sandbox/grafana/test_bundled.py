"""Bundled plugins: which are left after a start without grafana.com, and their processes."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from sandbox.grafana.double.bundled import PACKAGED, Bundled
from tests.sandbox.grafana import support
from tests.sandbox.grafana.test_datasources import INFLUXDB
from tests.support.waiting import eventually

QUERY = {"refId": "A", "datasource": {"uid": "influxdb"}, "rawQuery": True, "query": "SHOW DATABASES"}


def processes() -> set[str]:
    """The plugins with a running process. A process that is just being replaced by exec has no command line."""
    words = []
    for process in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):  # it has just ended
            words += [Path(word).name for word in process.cmdline()]
    return {word.removeprefix("gpx_") for word in words if word.startswith("gpx_")}


def test_a_failed_update_removes_the_plugins(tmp_path: Path, authority: support.Authority) -> None:
    updating = {"plugins__preinstall_disabled": "false"}
    for _ in ("this start", "the next one"):
        with support.running(tmp_path, authority, **updating) as grafana:
            assert grafana.call("POST", "/api/datasources", {**INFLUXDB, "version": 0}).status_code in (200, 409)
            asked = grafana.query(QUERY)
            assert (asked.status_code, asked.json()["messageId"]) == (404, "plugin.notRegistered")
            health = grafana.call("GET", "/api/datasources/uid/influxdb/health")
            assert (health.status_code, health.json()["messageId"]) == (404, "plugin.notRegistered")
    assert not list((tmp_path / "plugins-bundled").iterdir())


@pytest.mark.parametrize("settings", [{"preinstall_disabled": "true"}, {"preinstall_auto_update": "false"}])
def test_plugins_stay_without_updates(tmp_path: Path, settings: dict[str, str]) -> None:
    wanted = {"plugins__preinstall_disabled": "false"} | {f"plugins__{key}": value for key, value in settings.items()}
    bundled = Bundled.load(support.settings(tmp_path, **wanted))
    assert all(bundled.registered(identity) for identity in (*PACKAGED, "cloudwatch"))


def test_only_grafana_s_own_data_sources_are_registered_without_the_folder(tmp_path: Path) -> None:
    settings = support.settings(tmp_path, paths__bundled_plugins=str(tmp_path / "nothing"))
    bundled = Bundled.load(settings)
    assert [identity for identity in (*PACKAGED, "cloudwatch") if bundled.registered(identity)] == ["cloudwatch"]


def test_each_plugin_has_a_process_unless_it_is_disabled(tmp_path: Path, authority: support.Authority) -> None:
    with support.running_with_plugins(tmp_path, authority):
        assert eventually(lambda: processes() == set(PACKAGED))
    with support.running_with_plugins(tmp_path, authority, plugins__disable_plugins="loki, tempo,cloudwatch"):
        assert eventually(lambda: processes() == set(PACKAGED) - {"loki", "tempo"})
    assert processes() == set()
    assert not Bundled.load(support.settings(tmp_path, plugins__disable_plugins="cloudwatch")).registered("cloudwatch")
