"""The effect of the server's grafana.ini on plugins. The Grafana double reads it as Grafana does."""

from __future__ import annotations

from pathlib import Path

from sandbox.grafana import package
from sandbox.grafana.double.bundled import Bundled
from sandbox.grafana.double.configuration import Configuration
from sandbox.grafana.double.settings import Settings
from tests.sandbox.grafana.support import DEFAULTS
from tests.userdata.examples import SERVER
from userdata.server_files import server_files


def bundled(tmp_path: Path) -> Bundled:
    """The plugins after a start with the server's settings, except for files and folders that do not exist here."""
    plugins, file = tmp_path / "plugins-bundled", tmp_path / "grafana.ini"
    package.bundle(plugins)
    file.write_text(server_files(SERVER)["grafana.ini"])
    here = [
        *("cfg:server.protocol=http", "cfg:security.admin_password=x", "cfg:security.secret_key=x"),
        f"cfg:paths.bundled_plugins={plugins}",
    ]
    return Bundled.load(Settings.from_configuration(Configuration.read([DEFAULTS, file], here, {})))


def test_both_datasources_exist_without_a_download_from_grafana_com(tmp_path: Path) -> None:
    found = bundled(tmp_path)
    assert [each for each in ("influxdb", "cloudwatch") if not found.registered(each)] == []


def test_no_unused_plugin_runs(tmp_path: Path) -> None:
    assert set(bundled(tmp_path).commands) == {"influxdb"}
