"""The packages `influxdb` and `telegraf`: our builds, with the packaging files of their own Go modules.

What goes where, who owns it and what the maintainer scripts do is what build.py (InfluxDB) and the Makefile
(Telegraf) hand to fpm. Left out: InfluxDB's manual pages and its three repair tools.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

from sandbox import toolchain
from sandbox.errors import SandboxError
from sandbox.grafana.package import architecture
from sandbox.machines.system import run
from sandbox.repository.deb import Control, build_deb

INFLUXDB = "1.7.11"
TELEGRAF = "1.37.2"
REVISION = "1"
INFLUXDB_VERSION = f"{INFLUXDB}-{REVISION}"
TELEGRAF_VERSION = f"{TELEGRAF}-{REVISION}"
INFLUXDB_MODULE = f"github.com/influxdata/influxdb@v{INFLUXDB}"
TELEGRAF_MODULE = f"github.com/influxdata/telegraf@v{TELEGRAF}"


def module_folder(module: str) -> Path:
    """Where Go's module cache keeps MODULE@VERSION, fetched if need be.

    Raises SandboxError when it cannot be fetched.
    """
    with tempfile.TemporaryDirectory() as outside:  # of any module, whose go.mod would have a say
        answer = run(toolchain.go(), "mod", "download", "-json", module, cwd=Path(outside))
    folder = Path(json.loads(answer)["Dir"])
    if not folder.is_dir():
        raise SandboxError(f"Go's module cache has no {module} at {folder}. Run `go clean -modcache`.")
    return folder


def influxdb(binaries: Path, workshop: Path, out: Path) -> Path:
    """Build influxdb_*.deb; binaries: folder with influxd and influx. Returns its path in `out`."""
    source, tree = module_folder(INFLUXDB_MODULE), workshop / "influxdb"
    for program in ("influxd", "influx"):
        _put(binaries / program, tree / "usr/bin" / program, 0o755)
    _put(source / "etc/config.sample.toml", tree / "etc/influxdb/influxdb.conf")
    _put(source / "scripts/logrotate", tree / "etc/logrotate.d/influxdb")
    for name in ("init.sh", "influxdb.service"):
        _put(source / "scripts" / name, tree / "usr/lib/influxdb/scripts" / name)
    for folder in ("var/lib/influxdb", "var/log/influxdb"):
        (tree / folder).mkdir(parents=True)
    control = Control(
        name="influxdb",
        version=INFLUXDB_VERSION,
        architecture=architecture(),
        maintainer="support@influxdb.com",
        vendor="InfluxData",
        license="MIT",
        homepage="https://github.com/influxdata/influxdb",
        description="Distributed time-series database.",
        priority="extra",
    )
    scripts = {
        "preinst": (source / "scripts/pre-install.sh").read_text(),
        "postinst": (source / "scripts/post-install.sh").read_text(),
        "postrm": (source / "scripts/post-uninstall.sh").read_text(),
    }
    return build_deb(tree, control, scripts, ("/etc/influxdb/influxdb.conf", "/etc/logrotate.d/influxdb"), out)


def telegraf(binaries: Path, workshop: Path, out: Path) -> Path:
    """Build telegraf_*.deb; binaries: folder with telegraf. Returns its path in `out`."""
    source, tree = module_folder(TELEGRAF_MODULE), workshop / "telegraf"
    _put(binaries / "telegraf", tree / "usr/bin/telegraf", 0o755)
    # `make config`: the sample the postinst turns into the configuration unless there is one.
    sample = tree / "etc/telegraf/telegraf.conf.sample"
    sample.parent.mkdir(parents=True)
    sample.write_text(run(binaries / "telegraf", "config"))
    _put(source / "etc/logrotate.d/telegraf", tree / "etc/logrotate.d/telegraf")
    _put(source / "scripts/telegraf.service", tree / "usr/lib/telegraf/scripts/telegraf.service")
    _put(source / "scripts/init.sh", tree / "usr/lib/telegraf/scripts/init.sh", 0o755)
    for folder in ("etc/telegraf/telegraf.d", "var/log/telegraf"):
        (tree / folder).mkdir(parents=True)
    control = Control(
        name="telegraf",
        version=TELEGRAF_VERSION,
        architecture=architecture(),
        maintainer="support@influxdb.com",
        vendor="InfluxData",
        license="MIT",
        homepage="https://github.com/influxdata/telegraf",
        description="Plugin-driven server agent for reporting metrics into InfluxDB.",
        recommends="influxdata-archive-keyring",
    )
    names = {
        "preinst": "pre-install.sh",
        "postinst": "post-install.sh",
        "prerm": "pre-remove.sh",
        "postrm": "post-remove.sh",
    }
    scripts = {name: (source / "scripts/deb" / file).read_text() for name, file in names.items()}
    conffiles = ("/etc/telegraf/telegraf.conf.sample", "/etc/logrotate.d/telegraf")
    return build_deb(tree, control, scripts, conffiles, out)


def _put(source: Path, target: Path, mode: int = 0o644) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(mode)
