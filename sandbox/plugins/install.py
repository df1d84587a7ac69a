"""Installs the stand-in plugins where the engine looks for plugins."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from sandbox import warm
from sandbox.errors import SandboxError
from sandbox.place import Place

PACKAGES = {
    "aws": "pulumi-aws",
    "grafana": "pulumiverse-grafana",
    "command": "pulumi-command",
    "random": "pulumi-random",
    "tls": "pulumi-tls",
}
"""The SDK whose version each plugin must have."""

WRAPPER = """#!/bin/sh
python={0}
if [ -n "${warm}" ] && [ -x "${warm}/bin/python" ]; then python="${warm}/bin/python"; fi
exec env --block-signal=INT "$python" -P {1} {2} "$@"
"""
LAUNCHER = Path(__file__).with_name("launch.py")
SHEBANG = b"#!"
"""The first bytes of a stand-in. An official plugin is a binary."""


def install(place: Place, pulumi: Path, env: Mapping[str, str]) -> None:
    """Install every stand-in below the place's PULUMI_HOME. Quick if they exist already.

    An official plugin in a stand-in's place stays.

    pulumi: the CLI to install with.  env: the operator's environment, with PULUMI_HOME in it.
    Raises SandboxError with the CLI's message if it refuses.
    """
    home = Path(env["PULUMI_HOME"])
    _disable_cli_logs(home)
    for name, distribution in PACKAGES.items():
        version = metadata.version(distribution)
        script = wrapper(place.checkout, name)
        installed = home / "plugins" / f"resource-{name}-v{version}"
        if _is_usable(installed, name, script):
            continue
        _install(pulumi, env, name, version, script)


def _disable_cli_logs(home: Path) -> None:
    """Keep the CLI from logging all that it sends and receives, which nobody reads here.

    It takes two fifths of the CLI's CPU time and a megabyte per run. There is no setting for it, but the CLI does not
    log if it cannot create the folder (`StartLogging` in pkg/v3/logging/encrypted.go). The logs of `-v` go elsewhere.
    """
    logs = home / "logs"
    if not logs.exists():
        logs.touch()


def wrapper(checkout: Path, name: str) -> str:
    """The plugin's executable, a script that runs the checkout's own code with its own Python.

    The engine starts it in the folder of the program, where commands run. So it must neither change the folder nor
    leave PYTHONPATH behind for them. SIGINT is blocked until Python has started, because Python's own handler would
    print a traceback.
    """
    python = checkout / ".venv" / "bin" / "python"
    interpreter = python if python.exists() else Path(sys.executable)
    words = [shlex.quote(word) for word in (str(interpreter), str(LAUNCHER), name)]
    return WRAPPER.format(*words, warm=warm.VARIABLE)


def _is_usable(folder: Path, name: str, script: str) -> bool:
    """Whether a plugin is completely installed: a stand-in that is up to date, or an official plugin."""
    executable = folder / f"pulumi-resource-{name}"
    # The engine creates this mark (and a lock) during an installation.
    if not os.access(executable, os.X_OK) or folder.with_name(f"{folder.name}.partial").exists():
        return False
    with executable.open("rb") as file:
        beginning = file.read(len(script.encode()) + 1)  # official plugins have hundreds of megabytes
    return beginning == script.encode() or not beginning.startswith(SHEBANG)


def _install(pulumi: Path, env: Mapping[str, str], name: str, version: str, script: str) -> None:
    with tempfile.TemporaryDirectory(prefix=f"plugin-{name}-", dir=env["PULUMI_HOME"]) as folder:
        executable = Path(folder) / f"pulumi-resource-{name}"
        executable.write_text(script)
        executable.chmod(0o755)
        command = [str(pulumi), "plugin", "install", "resource", name, version]
        command += ["--reinstall", "--file", folder]
        done = subprocess.run(command, env=dict(env), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        message = " ".join((done.stderr or done.stdout).split())
        raise SandboxError(f"pulumi could not install the {name} plugin: {message}")
