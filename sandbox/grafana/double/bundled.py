"""Plugins that come with Grafana's package: which are registered, and the processes they run in.

Since 13.2 the data source of InfluxDB, among a dozen others, is such a plugin (grafana/grafana#129593), CloudWatch's is
still part of Grafana itself. What happens to them when Grafana starts, according to grafana/grafana at 13.2:

- pkg/setting/setting_plugins.go: the settings' names and defaults, and `PREINSTALLED`.
- pkg/services/pluginsintegration/plugininstaller/service.go: each preinstalled plugin whose version is not pinned is
  updated when the catalogue on grafana.com has a newer one.
- pkg/plugins/manager/installer.go, `updateFromCatalog`: the old one is unloaded and deleted before the new one is
  fetched. When that fails it stays unregistered, at this start and all later ones (grafana/grafana#132528).

Here every day is such a day: the catalogue has newer versions of everything, and nothing can be fetched.
"""

from __future__ import annotations

import json
import logging
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from .settings import Settings

CORE = frozenset({"cloudwatch"})
"""The data sources of this stand-in that are part of Grafana itself."""

PREINSTALLED = (
    *("elasticsearch", "grafana-postgresql-datasource", "grafana-pyroscope-datasource", "influxdb", "jaeger", "loki"),
    *("mssql", "mysql", "opentsdb", "prometheus", "stackdriver", "tempo", "zipkin"),
    *("grafana-advisor-app", "grafana-exploretraces-app", "grafana-lokiexplore-app"),
    *("grafana-metricsdrilldown-app", "grafana-pyroscope-app"),
)

log = logging.getLogger("plugin.backgroundinstaller")


@dataclass
class Bundled:
    """The plugins below `[paths] bundled_plugins`, by id, with the command of their process."""

    commands: dict[str, Path]
    disabled: frozenset[str]
    _processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @classmethod
    def load(cls, settings: Settings) -> Bundled:
        """Those that are not disabled, after the updates that the settings ask for."""
        commands = {}
        for file in sorted(settings.bundled_plugins.glob("*/plugin.json")):
            about = json.loads(file.read_text(encoding="utf-8"))
            if about["id"] not in settings.disabled_plugins:
                commands[about["id"]] = file.parent / about["executable"]
        bundled = cls(commands, settings.disabled_plugins)
        if settings.preinstall:
            bundled._preinstall(update=settings.preinstall_auto_update)
        return bundled

    def _preinstall(self, *, update: bool) -> None:
        for identity in PREINSTALLED:
            if identity in self.disabled or (identity in self.commands and not update):
                continue
            if command := self.commands.pop(identity, None):
                shutil.rmtree(command.parent, ignore_errors=True)
            log.error("Failed to install plugin pluginId=%s error=%s", identity, "grafana.com cannot be reached")

    def registered(self, identity: str) -> bool:
        """Whether queries of this type of data source find their plugin."""
        return identity in self.commands or identity in CORE - self.disabled

    def start(self) -> None:
        """Each in a process of its own, as Grafana's plugins run."""
        self._processes = [subprocess.Popen([command]) for command in self.commands.values()]

    def stop(self) -> None:
        """End the processes."""
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.wait()
