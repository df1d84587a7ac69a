"""The Pulumi side of the local environment: its project folder, its stacks' files and its backend.

The folder's Pulumi.yaml is the checkout's, with `main` pointing back at the checkout: whatever the CLI writes into a
stack's file (the passphrase's salt, `pulumi config set`) never touches the checkout.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from sandbox import cloud, hosts, operator, repository, toolchain, warm
from sandbox.errors import SandboxError
from sandbox.place import Place
from tools import stack_name

HOSTS_KEY = "monitoring:hosts"
BASE = "Pulumi.sandbox.yaml"
PASSPHRASE = "local environment"  # noqa: S105 - the backend is a folder only root can read
FULL = 5
"""MiB: if less is free, a command that failed is taken to have failed for lack of space."""
GRAVITON_TYPE = "t4g.small"
CLI = {
    "PULUMI_SKIP_UPDATE_CHECK": "1",
    "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "1",
    # Collect garbage less often: 20 MiB more memory for a tenth less CPU time.
    "GOGC": "400",
}
"""How Pulumi's CLI runs wherever the plugins are already installed."""
INCOMPLETE = "The environment is not complete yet. Run: make up"
"""The error of other commands when `make up` was interrupted or is still running."""


def name() -> str:
    """The stack that the commands work on: SANDBOX_STACK (`make up STACK=second`), by default `sandbox`. Raises
    SandboxError if it is not a valid stack name."""
    given = os.environ.get("SANDBOX_STACK") or "sandbox"
    if not stack_name.is_valid(given):
        raise SandboxError(f"STACK={stack_name.refusal(given)}.")
    return given


def project_folder(place: Place) -> Path:
    return place.state / "project"


def environment(place: Place) -> dict[str, str]:
    """The environment variables with which `pulumi` works against this place alone, as a workflow with its deploy
    role."""
    mine = administrator(place)
    for name in cloud.admin_credentials(place):
        del mine[name]
    return mine | operator.credentials(place)


def administrator(place: Place) -> dict[str, str]:
    """The same for the account's administrator."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "PULUMI_"))}
    # Without byte code, each run compiles the providers' SDKs again, which doubles the CPU time.
    inherited.pop("PYTHONDONTWRITEBYTECODE", None)
    own = Path(sys.executable).parent
    programs = [str(toolchain.binaries()), str(warm.environment(own.parent) / "bin"), str(own)]
    return inherited | {
        "PATH": os.pathsep.join([*programs, inherited.get("PATH", "/usr/bin:/bin")]),
        "PULUMI_HOME": str(place.state / "pulumi-home"),
        # metadata=skip: no file next to each state file with its checksum. If killed while writing that file, Pulumi
        # leaves it empty, and the state is refused ("failed to load checkpoint: EOF").
        "PULUMI_BACKEND_URL": f"file://{place.state / 'backend'}?metadata=skip",
        "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
        "PULUMI_DIY_BACKEND_PARALLEL": "20",
        **CLI,
        "AWS_ENDPOINT_URL": place.aws_url,
        **cloud.admin_credentials(place),
    }


def prepare(place: Place, stack: str) -> None:
    """Write the project folder and the stack's file, and create the stack if it does not exist."""
    folder = project_folder(place)
    folder.mkdir(parents=True, exist_ok=True)
    (place.state / "backend").mkdir(exist_ok=True)
    project = yaml.safe_load((place.checkout / "Pulumi.yaml").read_text())
    project["main"] = str(place.checkout)
    _write(folder / "Pulumi.yaml", yaml.safe_dump(project, sort_keys=False))
    _write_stack_file(place, stack)
    pulumi(place, "stack", "select", "--create", stack, quiet=True)
    if stack == hosts.STACK:
        _encrypt_keys(place, stack)


def _encrypt_keys(place: Place, stack: str) -> None:
    """Give each host that has no key the operator's as an encrypted setting, as the operator would."""
    present = _config(place, stack).get(HOSTS_KEY) or []
    for number, host in enumerate(present):
        if "privateKey" not in host and host["name"] in {each.name for each in hosts.HOSTS}:
            path = f"{HOSTS_KEY}[{number}].privateKey"
            arguments = ("config", "set", "--secret", "--path", path, "--stack", stack)
            pulumi(place, *arguments, quiet=True, stdin=hosts.operator_key(place))


def _write_stack_file(place: Place, stack: str) -> None:
    """Merge the checkout's sandbox stack and this place's own facts into the stack's file.

    What someone set there with `pulumi config set` stays, that is, any value that differs from the one written last.
    """
    base = yaml.safe_load((place.checkout / BASE).read_text())["config"]
    wanted: dict[str, Any] = base | _facts(place, stack)
    target = project_folder(place) / f"Pulumi.{stack}.yaml"
    memory = project_folder(place) / f".written.{stack}.json"
    present = yaml.safe_load(target.read_text()) if target.exists() else {}
    written = json.loads(memory.read_text()) if memory.exists() else {}
    config = present.get("config") or {}
    own = {key: value for key, value in config.items() if key not in written or written[key] != _plain(value)}
    # An unchanged value keeps its encrypted parts.
    same = {key: config[key] for key, value in wanted.items() if key in config and _plain(config[key]) == value}
    present["config"] = wanted | same | own
    _write(target, yaml.safe_dump(present, sort_keys=False))
    _write(memory, json.dumps(wanted))


def _write(file: Path, text: str) -> None:
    """Replace a file atomically: if there is no space for the new one, the old one stays."""
    new = file.with_name(f"{file.name}.new")
    try:
        new.write_text(text)
        new.replace(file)
    finally:
        new.unlink(missing_ok=True)


def _plain(value: Any) -> Any:
    """A setting without its encrypted parts."""
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items() if not (isinstance(part, dict) and "secure" in part)}
    return [_plain(part) for part in value] if isinstance(value, list) else value


def _config(place: Place, stack: str) -> dict[str, Any]:
    """The settings in the stack's file, with encrypted parts left encrypted."""
    return dict(yaml.safe_load((project_folder(place) / f"Pulumi.{stack}.yaml").read_text())["config"])


def host_names(place: Place, stack: str) -> set[str]:
    """The names of the hosts that run the stack's agents."""
    listed = _config(place, stack).get(HOSTS_KEY) or []
    return {host["name"] for host in listed if not host.get("unreachable")}


def _facts(place: Place, stack: str) -> dict[str, Any]:
    """The settings that only this machine knows: its package repositories, its processor architecture, the on-premise
    machines, and the CIDRs: the operator, who is this machine, reaches only what operatorCidrs opens, and the agents
    only what agentCidrs opens."""
    facts: dict[str, Any] = {f"monitoring:{key}": value for key, value in repository.facts(place).items()}
    facts["monitoring:operatorCidrs"] = [f"{place.gateway}/32"]
    facts["monitoring:agentCidrs"] = [str(place.internet)]
    if platform.machine() in ("aarch64", "arm64"):
        facts["monitoring:instanceType"] = GRAVITON_TYPE
    if stack == hosts.STACK:
        facts[HOSTS_KEY] = hosts.settings(place)
    return facts


def pulumi(place: Place, *arguments: str, quiet: bool = False, stdin: str = "") -> str:
    """Run the Pulumi CLI in the project folder and show its output, or return it when `quiet`.

    stdin: the CLI's input when `quiet`; empty by default.

    Raises SandboxError when the CLI fails; when `quiet`, the error contains what it said.
    """
    command, program = ["pulumi", *arguments], toolchain.binaries() / "pulumi"
    folder, variables = project_folder(place), environment(place)
    if not quiet:
        if run_in_foreground(command, executable=program, cwd=folder, env=variables):
            if shutil.disk_usage(place.state).free >> 20 < FULL:
                raise SandboxError(
                    f"The disk of {place.state} is full. Free some space, then run the same command again."
                )
            raise SandboxError(f"`pulumi {arguments[0]}` failed (see its output above).")
        return ""
    process = subprocess.run(
        command, executable=program, cwd=folder, env=variables, input=stdin, capture_output=True, text=True, check=False
    )
    if process.returncode != 0:
        raise SandboxError(f"`pulumi {arguments[0]}` failed:\n{process.stderr.strip()}")
    return process.stdout


def run_in_foreground(command: list[str], **options: Any) -> int:
    """Run a program and return its exit status. The terminal sends Ctrl-C to the program, too: this waits until it has
    ended, then raises KeyboardInterrupt. Pulumi's CLI finishes what it has begun, or stops at once on a second Ctrl-C;
    if it were killed, it could leave resources behind that are not in its state."""
    interrupted = False
    with subprocess.Popen(command, **options) as process:
        while process.returncode is None:
            try:
                process.wait()
            except KeyboardInterrupt:
                interrupted = True
    if interrupted:
        raise KeyboardInterrupt
    return process.returncode


def outputs(place: Place, stack: str) -> dict[str, Any]:
    """The stack's outputs, secrets in plain text: for the caller's use, not for printing. Empty while there is no
    project."""
    if not project_folder(place).is_dir():
        return {}
    text = pulumi(place, "stack", "output", "--stack", stack, "--json", "--show-secrets", quiet=True)
    return dict(json.loads(text or "{}"))


def complete_outputs(place: Place, stack: str) -> dict[str, Any]:
    """The outputs of a stack that has a Grafana. Raises SandboxError if it has none yet."""
    found = outputs(place, stack)
    if "grafanaUrl" not in found:
        raise SandboxError(INCOMPLETE)
    return found


def damaged(place: Place) -> bool:
    """Whether a stack's state was cut off. On a full disk, Pulumi replaces the state with as much of the new one as it
    could write (gocloud.dev, blob/blob.go, WriteAll), and at the next attempt its backup, too."""
    return not all(map(_is_json, (place.state / "backend" / ".pulumi" / "stacks").rglob("*.json")))


def _is_json(file: Path) -> bool:
    try:
        json.loads(file.read_bytes())
    except ValueError:
        return False
    return True


def release_lock(place: Place, stack: str) -> None:
    """Release the lock of an interrupted update, if there is one."""
    locks = place.state / "backend" / ".pulumi" / "locks"
    if not any(path.is_file() for path in locks.rglob("*.json")):
        return
    pulumi(place, "cancel", "--yes", "--stack", stack, quiet=True)
