"""Plugins that come with Grafana's package: which are registered, and the processes that they run in.

Since 13.2, the InfluxDB data source is such a plugin, like a dozen others (grafana/grafana#129593); CloudWatch is still
part of Grafana itself. What Grafana 13.2 does with them when it starts:

- pkg/setting/setting_plugins.go: the settings' names and defaults, and `PREINSTALLED`.
- pkg/services/pluginsintegration/plugininstaller/service.go: each preinstalled plugin whose version is not pinned is
  updated if the catalogue on grafana.com has a newer version.
- pkg/plugins/manager/installer.go, `updateFromCatalog`: the old version is unloaded and deleted before the new one is
  downloaded. If the download fails, the plugin stays unregistered, also after later starts (grafana/grafana#132528).

Here that always happens: the catalogue has newer versions of everything, and every download fails.
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

PACKAGED = (
    *("elasticsearch", "grafana-postgresql-datasource", "grafana-pyroscope-datasource", "influxdb", "jaeger", "loki"),
    *("mssql", "mysql", "opentsdb", "prometheus", "stackdriver", "tempo", "zipkin"),
)
"""The data sources that are bundled with Grafana 13.2's packages: 13 programs (grafana/grafana#131863)."""

PREINSTALLED = (
    *PACKAGED,
    *("grafana-advisor-app", "grafana-exploretraces-app", "grafana-lokiexplore-app"),
    *("grafana-metricsdrilldown-app", "grafana-pyroscope-app"),
)

log = logging.getLogger("plugin.backgroundinstaller")


@dataclass
class Bundled:
    """The plugins in `[paths] bundled_plugins`. commands: each one's program by plugin id."""

    commands: dict[str, Path]
    disabled: frozenset[str]
    _processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @classmethod
    def load(cls, settings: Settings) -> Bundled:
        """Load the plugins that are not disabled, after the updates that the settings ask for."""
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
        """Whether the plugin of this type of data source is registered."""
        return identity in self.commands or identity in CORE - self.disabled

    def start(self) -> None:
        """Start each plugin in its own process, as Grafana does."""
        self._processes = [subprocess.Popen([command]) for command in self.commands.values()]

    def stop(self) -> None:
        """Stop the processes."""
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.wait()
