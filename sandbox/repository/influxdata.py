"""The packages `influxdb` and `telegraf`: our builds, with the packaging files from their own Go modules.

Paths, owners and maintainer scripts follow their publisher's packaging: for InfluxDB `.circleci/packages` in its
module, for Telegraf its Makefile, which calls fpm. InfluxDB's manual pages are left out.
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
from sandbox.toolchain import recipes
from sandbox.toolchain.influxdb import FALLBACK, MODULE, Release, release

REVISION = "1"
TELEGRAF_VERSION = f"{recipes.TELEGRAF_VERSION}-{REVISION}"
TELEGRAF_MODULE = f"github.com/influxdata/telegraf@v{recipes.TELEGRAF_VERSION}"


def module_folder(module: str) -> Path:
    """The folder of MODULE@VERSION in Go's module cache, downloaded if necessary.

    Raises SandboxError if it cannot be downloaded.
    """
    with tempfile.TemporaryDirectory() as outside:  # outside any module, whose go.mod would apply
        answer = run(toolchain.go(), "mod", "download", "-json", module, cwd=Path(outside))
    folder = Path(json.loads(answer)["Dir"])
    if not folder.is_dir():
        raise SandboxError(f"Go's module cache has no {module} at {folder}. Run `go clean -modcache`.")
    return folder


def influxdb_version() -> str:
    """The version of the package `influxdb` that is built here."""
    return f"{release().version}-{REVISION}"


def influxdb(binaries: Path, workshop: Path, out: Path) -> Path:
    """Build influxdb_*.deb; binaries: folder with InfluxDB's programs. Returns its path in `out`."""
    built, tree = release(), workshop / "influxdb"
    source = module_folder(f"{MODULE}@v{built.version}")
    for program in built.programs:
        _put(binaries / program, tree / "usr/bin" / program, 0o755)
    _put(source / "etc/config.sample.toml", tree / "etc/influxdb/influxdb.conf")
    lay_out = _lay_out_fallback if built is FALLBACK else _lay_out
    scripts, conffiles = lay_out(source, tree)
    for folder in ("var/lib/influxdb", "var/log/influxdb"):
        (tree / folder).mkdir(parents=True, exist_ok=True)
    return build_deb(tree, _influxdb_control(built), scripts, ("/etc/influxdb/influxdb.conf", *conffiles), out)


def _lay_out(source: Path, tree: Path) -> tuple[dict[str, str], tuple[str, ...]]:
    """Add the publisher's files, with the modes from `.circleci/packages/config.yaml`.

    Returns the maintainer scripts by name, and further configuration files.
    """
    packaging = source / ".circleci/packages/influxdb"
    for file in sorted((packaging / "fs").rglob("*")):
        if file.is_file() and file.name != ".keepdir":
            mode = 0o755 if file.suffix == ".sh" else 0o644
            _put(file, tree / file.relative_to(packaging / "fs"), mode)
    names = {"preinst": "pre-install", "postinst": "post-install", "postrm": "post-uninstall"}
    return {name: (packaging / "control" / file).read_text() for name, file in names.items()}, ()


def _lay_out_fallback(source: Path, tree: Path) -> tuple[dict[str, str], tuple[str, ...]]:
    """Like `_lay_out`, for the release whose packaging is defined in its build.py."""
    _put(source / "scripts/logrotate", tree / "etc/logrotate.d/influxdb")
    for name in ("init.sh", "influxdb.service"):
        _put(source / "scripts" / name, tree / "usr/lib/influxdb/scripts" / name)
    names = {"preinst": "pre-install.sh", "postinst": "post-install.sh", "postrm": "post-uninstall.sh"}
    scripts = {name: (source / "scripts" / file).read_text() for name, file in names.items()}
    return scripts, ("/etc/logrotate.d/influxdb",)


def _influxdb_control(built: Release) -> Control:
    return Control(
        name="influxdb",
        version=f"{built.version}-{REVISION}",
        architecture=architecture(),
        maintainer="support@influxdata.com",
        vendor="InfluxData",
        license="MIT",
        homepage="https://influxdata.com",
        description="Distributed time-series database.",
        priority="extra",
        recommends="influxdata-archive-keyring",
    )


def telegraf(binaries: Path, workshop: Path, out: Path) -> Path:
    """Build telegraf_*.deb; binaries: folder with telegraf. Returns its path in `out`."""
    source, tree = module_folder(TELEGRAF_MODULE), workshop / "telegraf"
    _put(binaries / "telegraf", tree / "usr/bin/telegraf", 0o755)
    # As `make config` does: the sample, which the postinst copies to the configuration file if that does not exist.
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
