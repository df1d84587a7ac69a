"""The toolchain's recipes: every program's module, version and build flags."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sandbox.toolchain import influxdb
from sandbox.toolchain.influxdb import Go

PULUMI_VERSION = "3.260.0"
LANGUAGE_HOST_VERSION = "3.70.0"
TELEGRAF_VERSION = "1.39.3"
ACTIONLINT_VERSION = "1.7.12"
PEBBLE_VERSION = "2.10.3"

HERE = Path(__file__).parent

TELEGRAF_INPUTS = (
    *("cpu", "mem", "swap", "disk", "diskio", "net", "system", "processes", "kernel", "nstat"),
    *("linux_sysctl_fs", "internal", "influxdb", "mdstat", "smart", "filestat", "file", "exec"),
    *("nginx", "postgresql", "redis", "docker", "systemd_units", "ping", "http_response"),
    *("net_response", "x509_cert"),
)
TELEGRAF_PLUGINS = (
    *(f"inputs.{name}" for name in TELEGRAF_INPUTS),
    *("outputs.influxdb", "outputs.file", "outputs.discard"),
    *("parsers.influx", "parsers.json", "parsers.value", "serializers.influx", "serializers.json"),
)
"""The plugins in Telegraf's `custom` build: those that our configurations can use. 35 MB instead of 250."""


@dataclass(frozen=True)
class Recipe:
    """A build step.

    produces: the names of its programs. parameters: whatever else determines the result.
    """

    name: str
    version: str
    produces: tuple[str, ...]
    parameters: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        return f"{self.name} {self.version}"

    def find(self) -> dict[str, Path]:
        """Programs, by name, that are already installed in the pinned version and need not be built."""
        return _installed_pulumi() if self.name == "pulumi" else {}

    def build(self, into: Path, go: Go) -> None:
        """Build the programs in the folder `into`."""
        BUILDERS[self.name](into, go)


def _installed_pulumi() -> dict[str, Path]:
    names = ("pulumi", "pulumi-language-python", "pulumi-language-python-exec")
    command = shutil.which("pulumi")
    if command is None:
        return {}
    folder = Path(command).resolve().parent
    answer = subprocess.run([command, "version"], capture_output=True, text=True, check=False).stdout.strip()
    if answer != f"v{PULUMI_VERSION}" or not all((folder / name).exists() for name in names):
        return {}
    return {name: folder / name for name in names}


def _module(go: Go, module: str, at: Path) -> Path:
    """The folder of a downloaded module's source in Go's module cache (which verifies its checksum)."""
    # Not run inside a module of our own: the name and version are given in full.
    answer = go(["mod", "download", "-json", module], at)
    return Path(json.loads(answer[answer.index("{") :])["Dir"])


def _build_pulumi(into: Path, go: Go) -> None:
    version = f"-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v{PULUMI_VERSION}"
    flags = ["-trimpath", "-ldflags", f"-s -w {version}"]
    go(
        ["build", "-v", *flags, "-o", str(into / "pulumi"), "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"],
        HERE / "pulumi",
    )
    # The language host of this version is not published as a module; the last one that is speaks the same protocol,
    # with this version's `-exec` script next to it.
    host = "github.com/pulumi/pulumi/sdk/v3/python/cmd/pulumi-language-python"
    go(["build", "-v", *flags, "-o", str(into / "pulumi-language-python"), host], HERE / "language")
    sdk = _module(go, f"github.com/pulumi/pulumi/sdk/v3@v{PULUMI_VERSION}", into)
    shutil.copyfile(sdk / "python" / "cmd" / "pulumi-language-python-exec", into / "pulumi-language-python-exec")


def _build_influxdb(into: Path, go: Go) -> None:
    chosen = influxdb.release()
    influxdb.build(_module(go, f"{influxdb.MODULE}@v{chosen.version}", into), into, go, chosen)


def _build_influxdb2(into: Path, go: Go) -> None:
    influxdb.build_second(_module(go, f"{influxdb.MODULE}/v2@v{influxdb.SECOND}", into), into, go)


def _build_telegraf(into: Path, go: Go) -> None:
    source = _module(go, f"github.com/influxdata/telegraf@v{TELEGRAF_VERSION}", into)
    version = f"-X github.com/influxdata/telegraf/internal.Version={TELEGRAF_VERSION}"
    tags = ",".join(("custom", *TELEGRAF_PLUGINS))
    flags = ["-trimpath", "-tags", tags, "-ldflags", f"-s -w {version}"]
    go(["build", "-v", *flags, "-o", str(into / "telegraf"), "./cmd/telegraf"], source)


def _build_actionlint(into: Path, go: Go) -> None:
    command = "github.com/rhysd/actionlint/cmd/actionlint"
    go(["build", "-v", "-trimpath", "-o", str(into / "actionlint"), command], HERE / "actionlint")


def _build_pebble(into: Path, go: Go) -> None:
    command = "github.com/letsencrypt/pebble/v2/cmd/pebble"
    go(["build", "-v", "-trimpath", "-o", str(into / "pebble"), command], HERE / "pebble")


BUILDERS: dict[str, Callable[[Path, Go], None]] = {
    "pulumi": _build_pulumi,
    "influxdb": _build_influxdb,
    "influxdb2": _build_influxdb2,
    "telegraf": _build_telegraf,
    "actionlint": _build_actionlint,
    "pebble": _build_pebble,
}

RECIPES = (
    Recipe("influxdb", influxdb.release().version, influxdb.release().programs),
    Recipe("telegraf", TELEGRAF_VERSION, ("telegraf",), TELEGRAF_PLUGINS),
    Recipe(
        "pulumi",
        PULUMI_VERSION,
        ("pulumi", "pulumi-language-python", "pulumi-language-python-exec"),
        (LANGUAGE_HOST_VERSION,),
    ),
)
"""The environment's programs."""

CHECKERS = (Recipe("actionlint", ACTIONLINT_VERSION, ("actionlint",)),)
"""The programs for `make check`, in their own folder, so that a new version does not rebuild the rest."""

FOR_TESTS = (Recipe("influxdb2", influxdb.SECOND, ("influxd2",)),)
"""An InfluxDB 2.x, which only tests need."""

ACME = (Recipe("pebble", PEBBLE_VERSION, ("pebble",)),)
"""Let's Encrypt's small ACME server for testing clients, also in its own folder."""
