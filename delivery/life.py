"""`up` and `destroy` of a stack, with the checks that come first."""

from __future__ import annotations

import json
import os
from pathlib import Path

from delivery import stacks
from delivery.errors import DeliveryError, json_from
from delivery.pulumi import Pulumi


def up(folder: Path, stack: str) -> None:
    """Create or update the stack. Raises DeliveryError when that fails, or if a newer commit is deployed."""
    pulumi = Pulumi(folder, stack)
    stacks.settings(folder, stack)
    if pulumi.exists():
        _refuse_an_older_commit(pulumi)
    else:
        provider = os.environ.get("PULUMI_SECRETS_PROVIDER") or "default"
        pulumi.ask("stack", "init", "--no-select", "--secrets-provider", provider)
    pulumi.learn_secrets()
    pulumi.show("up", "--yes", "--skip-preview")


def _refuse_an_older_commit(pulumi: Pulumi) -> None:
    """A run that waited a long time for approval must not undo what a later one deployed."""
    printed = pulumi.ask("stack", "history", "--json", "--page-size", "1")
    with json_from("pulumi stack history --json"):
        history = json.loads(printed)
        deployed = str(((history or [{}])[0].get("environment") or {}).get("git.head") or "")
    here = stacks.git(pulumi.folder, "rev-parse", "HEAD").stdout.strip()
    if not deployed or deployed == here:
        return
    if stacks.git(pulumi.folder, "merge-base", "--is-ancestor", here, deployed).returncode == 0:
        raise DeliveryError(
            f"{pulumi.stack} already has a later commit ({deployed[:12]}; this run is for {here[:12]}): nothing was "
            "changed. To roll back, revert the commit on main."
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
    with json_from("pulumi stack export"):
        resources = (json.loads(printed)["deployment"] or {}).get("resources") or []
        count = sum(bool(each.get("protect")) for each in resources)
    if count:
        raise DeliveryError(_protected(stack, f"{count} of its deployed resources"))
    pulumi.learn_secrets()
    pulumi.show("destroy", "--yes", "--skip-preview")
    pulumi.show("stack", "rm", "--yes", "--preserve-config")


def refuse(folder: Path, stack: str, again: str) -> None:
    """Refuse what the name and the settings file alone forbid. Raises DeliveryError."""
    if again != stack:
        raise DeliveryError(f"The names differ: {stack} and {again or '(nothing)'}. Nothing was deleted.")
    if stacks.protected(folder, stack):
        raise DeliveryError(_protected(stack, f"monitoring:protect in Pulumi.{stack}.yaml"))


def _protected(stack: str, why: str) -> str:
    return (
        f"{stack} is protected ({why}): its data volume, address and backups must not be lost. Nothing was deleted. "
        f"To destroy it anyway: set `monitoring:protect: false` in Pulumi.{stack}.yaml, merge that, wait for the "
        "deployment, and run this again."
    )
