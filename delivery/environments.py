"""The environment of a pull request: a separate stack with the settings in Pulumi.pull-request.yaml."""

from __future__ import annotations

from pathlib import Path

from delivery import life, stacks
from delivery.errors import DeliveryError
from delivery.pulumi import Pulumi


def name(number: int) -> str:
    """The name of a pull request's stack."""
    return f"pr-{number}"


def up(folder: Path, number: int) -> str:
    """Raise or update the environment; returns the text of its comment. Raises DeliveryError."""
    stack = name(number)
    _settings(folder, stack)
    life.up(folder, stack)
    url = Pulumi(folder, stack).ask("stack", "output", "grafanaUrl").strip()
    return (
        f"The environment of this pull request is up: {url}. Its password: "
        f"`pulumi stack output grafanaAdminPassword --stack {stack} --show-secrets`. "
        "It is destroyed when the pull request is closed or the label is removed."
    )


def down(folder: Path, number: int) -> str:
    """Destroy the environment, if there is one; returns the text of its comment. Raises DeliveryError."""
    stack = name(number)
    _settings(folder, stack)
    if not Pulumi(folder, stack).exists():
        return "This pull request has no environment."
    life.destroy(folder, stack, stack)
    return "The environment of this pull request has been destroyed."


def _settings(folder: Path, stack: str) -> None:
    template = stacks.settings_file(folder, stacks.TEMPLATE)
    if not template.exists():
        raise DeliveryError(f"There is no {template.name}: create it with the settings for these environments.")
    if stacks.protected(folder, stacks.TEMPLATE):
        raise DeliveryError(
            f"{template.name} has monitoring:protect, so the environment could not be destroyed: remove that setting."
        )
    stacks.settings_file(folder, stack).write_bytes(template.read_bytes())
