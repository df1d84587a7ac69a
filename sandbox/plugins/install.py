"""Puts the stand-in plugins where the engine looks for plugins."""

from __future__ import annotations

import shlex
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.place import Place

PACKAGES = {
    "aws": "pulumi-aws",
    "grafana": "pulumiverse-grafana",
    "command": "pulumi-command",
    "random": "pulumi-random",
    "tls": "pulumi-tls",
}
"""Each plugin's name and the SDK whose version it must have."""

LAUNCHER = Path(__file__).with_name("launch.py")


def install(place: Place, pulumi: Path, env: Mapping[str, str]) -> None:
    """Install every stand-in below the place's PULUMI_HOME; quick when they are there already.

    pulumi: the CLI to install with.  env: the operator's environment, with PULUMI_HOME in it.
    SandboxError tells what the CLI said when it refuses.
    """
    home = Path(env["PULUMI_HOME"])
    for name, distribution in PACKAGES.items():
        version = metadata.version(distribution)
        wrapper = _wrapper(place.checkout, name)
        installed = home / "plugins" / f"resource-{name}-v{version}"
        if _is_current(installed, name, wrapper):
            continue
        _install(pulumi, env, name, version, wrapper)


def _wrapper(checkout: Path, name: str) -> str:
    """The plugin's executable: nothing but the checkout's own Python and code.

    The engine starts it in the folder of the program, where commands run; so it must not change the folder,
    nor leave PYTHONPATH behind for them.
    """
    python = checkout / ".venv" / "bin" / "python"
    interpreter = python if python.exists() else Path(sys.executable)
    words = (str(interpreter), "-P", str(LAUNCHER), name)
    return "#!/bin/sh\nexec " + " ".join(shlex.quote(word) for word in words) + ' "$@"\n'


def _is_current(folder: Path, name: str, wrapper: str) -> bool:
    executable = folder / f"pulumi-resource-{name}"
    if not executable.is_file() or executable.read_text() != wrapper:
        return False
    # The engine leaves this mark (and a lock) while an installation is under way.
    return not folder.with_name(f"{folder.name}.partial").exists()


def _install(pulumi: Path, env: Mapping[str, str], name: str, version: str, wrapper: str) -> None:
    with tempfile.TemporaryDirectory(prefix=f"plugin-{name}-", dir=env["PULUMI_HOME"]) as folder:
        executable = Path(folder) / f"pulumi-resource-{name}"
        executable.write_text(wrapper)
        executable.chmod(0o755)
        command = [str(pulumi), "plugin", "install", "resource", name, version]
        command += ["--reinstall", "--file", folder]
        done = subprocess.run(command, env=dict(env), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = " ".join((done.stderr or done.stdout).split())
        raise SandboxError(f"pulumi could not install the {name} plugin: {said}")
