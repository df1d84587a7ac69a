"""The Pulumi side of the local environment: a project folder of its own, its stacks' files and its backend.

The folder's Pulumi.yaml is the checkout's with `main` pointing back at it, so that whatever the CLI
writes into a stack's file (the passphrase's salt, `pulumi config set`) never touches the checkout's.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from sandbox import cloud, repository, toolchain
from sandbox.errors import SandboxError
from sandbox.place import Place

BASE = "Pulumi.sandbox.yaml"
PASSPHRASE = "local environment"  # noqa: S105 - the backend is a folder only root can read
GRAVITON_TYPE = "t4g.small"


def name() -> str:
    """The stack the commands work on: `sandbox`, or what SANDBOX_STACK says (`make up STACK=second`)."""
    return os.environ.get("SANDBOX_STACK") or "sandbox"


def project_folder(place: Place) -> Path:
    return place.state / "project"


def environment(place: Place) -> dict[str, str]:
    """The environment in which `pulumi` works against this place and nothing else."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "PULUMI_"))}
    programs = [str(toolchain.binaries()), str(Path(sys.executable).parent)]
    return inherited | {
        "PATH": os.pathsep.join([*programs, inherited.get("PATH", "/usr/bin:/bin")]),
        "PULUMI_HOME": str(place.state / "pulumi-home"),
        "PULUMI_BACKEND_URL": f"file://{place.state / 'backend'}",
        "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
        "PULUMI_SKIP_UPDATE_CHECK": "1",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "1",
        "PULUMI_DIY_BACKEND_PARALLEL": "20",
        "AWS_ENDPOINT_URL": place.aws_url,
        **cloud.admin_credentials(place),
    }


def prepare(place: Place, stack: str) -> None:
    """Write the project folder and the stack's file, and create the stack if there is none."""
    folder = project_folder(place)
    folder.mkdir(parents=True, exist_ok=True)
    (place.state / "backend").mkdir(exist_ok=True)
    project = yaml.safe_load((place.checkout / "Pulumi.yaml").read_text())
    project["main"] = str(place.checkout)
    (folder / "Pulumi.yaml").write_text(yaml.safe_dump(project, sort_keys=False))
    _write_stack_file(place, stack)
    pulumi(place, "stack", "select", "--create", stack, quiet=True)


def _write_stack_file(place: Place, stack: str) -> None:
    """Merge the checkout's sandbox stack and this place's own facts into the stack's file.

    What a person set there with `pulumi config set` stays: a value that is not the one written last time.
    """
    base = yaml.safe_load((place.checkout / BASE).read_text())["config"]
    wanted: dict[str, Any] = base | _facts(place)
    target = project_folder(place) / f"Pulumi.{stack}.yaml"
    memory = project_folder(place) / f".written.{stack}.json"
    present = yaml.safe_load(target.read_text()) if target.exists() else {}
    written = json.loads(memory.read_text()) if memory.exists() else {}
    own = {
        key: value
        for key, value in (present.get("config") or {}).items()
        if key not in written or written[key] != value
    }
    present["config"] = wanted | own
    target.write_text(yaml.safe_dump(present, sort_keys=False))
    memory.write_text(json.dumps(wanted))


def _facts(place: Place) -> dict[str, Any]:
    """The settings only this machine knows: its package repositories and its own processor architecture."""
    facts = {f"monitoring:{key}": value for key, value in repository.facts(place).items()}
    if platform.machine() in ("aarch64", "arm64"):
        facts["monitoring:instanceType"] = GRAVITON_TYPE
    return facts


def pulumi(place: Place, *arguments: str, quiet: bool = False) -> str:
    """Run the Pulumi CLI in the project folder; returns what it printed when `quiet`, else shows it.

    Raises SandboxError when it fails; the CLI's own words were shown already, or are in the error when quiet.
    """
    process = subprocess.run(
        ["pulumi", *arguments],
        executable=toolchain.binaries() / "pulumi",
        cwd=project_folder(place),
        env=environment(place),
        stdin=subprocess.DEVNULL if quiet else None,
        stdout=subprocess.PIPE if quiet else None,
        stderr=subprocess.PIPE if quiet else None,
        text=True,
        check=False,
    )
    if process.returncode != 0:
        words = f":\n{process.stderr.strip()}" if quiet else " (its own words are above)."
        raise SandboxError(f"`pulumi {arguments[0]}` failed{words}")
    return process.stdout or ""


def outputs(place: Place, stack: str) -> dict[str, Any]:
    """The stack's outputs, secrets in clear: for the caller's use, not for printing."""
    text = pulumi(place, "stack", "output", "--stack", stack, "--json", "--show-secrets", quiet=True)
    return dict(json.loads(text or "{}"))


def recover(place: Place, stack: str) -> None:
    """Take up after an interrupted update: release its lock and let the engine see what was created."""
    locks = place.state / "backend" / ".pulumi" / "locks"
    if not any(path.is_file() for path in locks.rglob("*.json")):
        return
    pulumi(place, "cancel", "--yes", "--stack", stack, quiet=True)
