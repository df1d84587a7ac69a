"""The Debian package `grafana`: the double with the real package's paths, unit name and scripts.

The build bundles the libraries that it needs, for the guest's Python and architecture, with the versions and hashes of
requirements.txt.
"""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.grafana.double.bundled import PACKAGED
from sandbox.grafana.double.version import VERSION
from sandbox.progress import Progress
from sandbox.toolchain import uv

__all__ = ["VERSION", "architecture", "build_tree"]

NAME = "grafana"
SECTION = "default"
DEPENDS = "adduser, python3 (>= 3.13)"
"""The real package needs adduser and other libraries; the double needs Debian 13's Python."""

DESCRIPTION = "Grafana (local stand-in)\n Answers Grafana's HTTP API and runs its data sources; has no user interface."
HOMEPAGE = "https://grafana.com"
CONFFILES = (
    "/etc/default/grafana-server",
    "/etc/init.d/grafana-server",
    "/usr/lib/systemd/system/grafana-server.service",
)
"""As in the real package. /etc/grafana/grafana.ini is not one of them: the postinst copies it once."""

GUEST_PYTHON = "3.13"
SERVICE_MODELS = frozenset({"cloudwatch", "ec2", "resourcegroupstaggingapi", "sts"})
"""The services that the CloudWatch data source talks to, out of botocore's 400."""


PLUGINS_FOLDER = "usr/share/grafana/data/plugins-bundled"

HERE = Path(__file__).parent
_EXECUTABLE = ("usr/sbin/", "usr/share/grafana/bin/", "etc/init.d/")
_PLATFORMS = {"amd64": "x86_64-unknown-linux-gnu", "arm64": "aarch64-unknown-linux-gnu"}

POSTINST = (HERE / "control" / "postinst").read_text()
PRERM = (HERE / "control" / "prerm").read_text()
POSTRM = (HERE / "control" / "postrm").read_text()


def architecture() -> str:
    """Debian's name for the architecture of this machine, which is also that of the guests."""
    machine = platform.machine()
    try:
        return {"x86_64": "amd64", "aarch64": "arm64"}[machine]
    except KeyError:
        raise SandboxError(f"The local environment runs on x86_64 and aarch64, not on {machine}.") from None


def build_tree(destination: Path, progress: Progress = lambda _: None) -> None:
    """Write all files of the package below `destination` (without DEBIAN/), with their final modes.

    Raises SandboxError when the libraries cannot be fetched.
    """
    progress("the package's files")
    shutil.copytree(HERE / "files", destination, dirs_exist_ok=True)
    double = destination / "usr" / "share" / "grafana" / "double"
    shutil.copytree(HERE / "double", double, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    bundle(destination / PLUGINS_FOLDER)
    progress("Python libraries")
    _vendor(double / "vendor")
    for path in destination.rglob("*"):
        relative = path.relative_to(destination).as_posix()
        executable = path.is_dir() or relative.startswith(_EXECUTABLE) or path.name.startswith("gpx_")
        path.chmod(0o755 if executable else 0o644)


def bundle(folder: Path) -> None:
    """Write the bundled plugins: each is a `plugin.json` and a program, which here only sleeps."""
    for identity in PACKAGED:
        program = folder / identity / f"gpx_{identity}"
        program.parent.mkdir(parents=True)
        about = {"id": identity, "type": "datasource", "backend": True, "executable": program.name}
        program.with_name("plugin.json").write_text(json.dumps(about, indent=2) + "\n")
        program.write_text(f"#!/bin/bash\nexec -a {program.name} sleep infinity\n")
        program.chmod(0o755)


def _vendor(target: Path) -> None:
    command = [
        *uv(),
        *("pip", "install", "--quiet", "--no-config", "--target", str(target), "--link-mode", "copy"),
        *("--no-deps", "--require-hashes", "--only-binary", ":all:"),
        *("--python-version", GUEST_PYTHON, "--python-platform", _PLATFORMS[architecture()]),
        *("--requirements", str(HERE / "requirements.txt")),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SandboxError(f"The Grafana stand-in's libraries cannot be fetched:\n{done.stderr.strip()}")
    for service in (target / "botocore" / "data").iterdir():
        if service.is_dir() and service.name not in SERVICE_MODELS:
            shutil.rmtree(service)
    for leftover in ("bin", ".lock"):
        path = target / leftover
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
