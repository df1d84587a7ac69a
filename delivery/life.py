"""`up` and `destroy` of a stack, and what is checked before."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from delivery import stacks
from delivery.errors import DeliveryError, understood
from delivery.pulumi import Pulumi


def up(folder: Path, stack: str) -> None:
    """Create or update the stack. Raises DeliveryError when that fails, or a newer commit is deployed."""
    pulumi = Pulumi(folder, stack)
    stacks.settings(folder, stack)
    if pulumi.exists():
        _refuse_the_past(pulumi)
    else:
        provider = os.environ.get("PULUMI_SECRETS_PROVIDER") or "default"
        pulumi.ask("stack", "init", "--no-select", "--secrets-provider", provider)
    pulumi.learn()
    pulumi.show("up", "--yes", "--skip-preview")


def _refuse_the_past(pulumi: Pulumi) -> None:
    """A run that waited long for approval must not undo what a later one deployed."""
    printed = pulumi.ask("stack", "history", "--json", "--page-size", "1")
    with understood("pulumi stack history --json"):
        history = json.loads(printed)
        deployed = str(((history or [{}])[0].get("environment") or {}).get("git.head") or "")
    here = _git(pulumi.folder, "rev-parse", "HEAD").stdout.strip()
    if not deployed or deployed == here:
        return
    if _git(pulumi.folder, "merge-base", "--is-ancestor", here, deployed).returncode == 0:
        raise DeliveryError(
            f"{pulumi.stack} has a later commit already ({deployed[:12]}; this run is about {here[:12]}): nothing was "
            "changed. To go back, revert the commit on main."
        )


def destroy(folder: Path, stack: str, again: str) -> None:
    """Destroy the stack and forget it. again: its name, typed a second time.

    Raises DeliveryError when the two differ, the stack is protected, or something cannot be deleted.
    """
    refuse(folder, stack, again)
    pulumi = Pulumi(folder, stack)
    if not pulumi.exists():
        raise DeliveryError(f"There is no stack {stack} in the backend. Nothing was deleted.")
    printed = pulumi.ask("stack", "export")
    with understood("pulumi stack export"):
        resources = (json.loads(printed)["deployment"] or {}).get("resources") or []
        count = sum(bool(each.get("protect")) for each in resources)
    if count:
        raise DeliveryError(_protected(stack, f"{count} of its resources are, as it is deployed"))
    pulumi.learn()
    pulumi.show("destroy", "--yes", "--skip-preview")
    pulumi.show("stack", "rm", "--yes", "--preserve-config")


def refuse(folder: Path, stack: str, again: str) -> None:
    """Raises DeliveryError for what the name and the settings file alone forbid."""
    if again != stack:
        raise DeliveryError(f"The names differ: {stack} and {again or '(nothing)'}. Nothing was deleted.")
    if stacks.protected(folder, stack):
        raise DeliveryError(_protected(stack, f"monitoring:protect in Pulumi.{stack}.yaml"))


def _protected(stack: str, why: str) -> str:
    return (
        f"{stack} is protected ({why}): its data volume, address and backups must not be lost. Nothing was deleted. "
        f"To give it up for good: set `monitoring:protect: false` in Pulumi.{stack}.yaml, merge that, wait for the "
        "deployment, and run this again."
    )


def _git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
