"""The stacks of this repository, and which of them a change concerns."""

from __future__ import annotations

import subprocess
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from delivery.errors import DeliveryError
from settings import core_yaml
from settings.core_yaml import BrokenYamlError

PROGRAM = (
    *("Pulumi.yaml", "__main__.py", "requirements.txt"),
    *("alerts/", "components/", "dashboards/", "program/", "settings/", "tools/", "userdata/"),
)
"""What the program consists of: a change to any of these can change every stack. A name that ends in / is a folder."""

LOCAL = "sandbox"
"""Pulumi.sandbox.yaml belongs to the local environment and is never deployed."""

TEMPLATE = "pull-request"
"""Pulumi.pull-request.yaml has the settings of pull requests' environments, and is not a stack itself."""

NO_COMMIT = "0" * 40
"""GitHub's name for the commit before the first push of a branch."""


@dataclass(frozen=True)
class Changed:
    """stacks: those that have to be previewed or deployed. removed: those whose settings file was deleted."""

    stacks: list[str]
    removed: list[str]


def settings_file(folder: Path, stack: str) -> Path:
    """Where the stack's settings are."""
    return folder / f"Pulumi.{stack}.yaml"


def names(folder: Path) -> list[str]:
    """Every stack that has a settings file, except the local environment's and the template."""
    return [name for path in sorted(folder.glob("Pulumi.*.yaml")) if (name := _stack_of(path.name))]


def _stack_of(path: str) -> str | None:
    """The stack whose settings file this is; None for any other file."""
    if "/" in path or not path.startswith("Pulumi.") or not path.endswith(".yaml") or path == "Pulumi.yaml":
        return None
    name = path.removeprefix("Pulumi.").removesuffix(".yaml")
    return None if name in (LOCAL, TEMPLATE) else name


def concerned(paths: Collection[str], existing: Iterable[str]) -> Changed:
    """Which of the existing stacks the changed files concern."""
    program = any(path == part or (part.endswith("/") and path.startswith(part)) for path in paths for part in PROGRAM)
    named = {name for path in paths if (name := _stack_of(path))}
    here = list(existing)
    return Changed([name for name in here if program or name in named], sorted(named - set(here)))


def changed(folder: Path, base: str) -> Changed:
    """Which stacks the commits since `base` concern; all of them when the repository does not know `base`.

    Raises DeliveryError when git cannot compare.
    """
    here = names(folder)
    if base == NO_COMMIT or git(folder, "cat-file", "-e", f"{base}^{{commit}}").returncode != 0:
        return Changed(here, [])
    # Three dots: the changes since this branch left `base`, without those on `base` itself.
    done = git(folder, "diff", "--name-only", "--no-renames", "-z", f"{base}...HEAD", "--")
    if done.returncode != 0:
        raise DeliveryError(f"git cannot compare {base} with this commit: {done.stderr.strip()}")
    return concerned([path for path in done.stdout.split("\0") if path], here)


def file_before(folder: Path, base: str, stack: str) -> str | None:
    """The stack's settings file as it was where this branch left `base`; None when there was none."""
    parted = git(folder, "merge-base", base, "HEAD").stdout.strip()
    done = git(folder, "show", f"{parted or base}:Pulumi.{stack}.yaml")
    return done.stdout if done.returncode == 0 else None


def protected(folder: Path, stack: str) -> bool:
    """Whether the settings file protects the stack (monitoring:protect). `pulumi config set` writes "false" in quotes;
    what is neither true nor false, which the program refuses, counts as protected."""
    return settings(folder, stack).get("monitoring:protect", False) not in (False, "false")


def settings(folder: Path, stack: str) -> dict[str, Any]:
    """The stack's settings as its file has them, encrypted ones included.

    Raises DeliveryError when there is no such file, or it is not YAML.
    """
    found = file_of(folder, stack).get("config") or {}
    if not isinstance(found, dict):
        raise DeliveryError(f"{settings_file(folder, stack).name} has no settings below `config:`.")
    return found


def file_of(folder: Path, stack: str) -> dict[str, Any]:
    """The content of the stack's file. Raises DeliveryError as `settings` does."""
    path = settings_file(folder, stack)
    try:
        content = core_yaml.load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        known = ", ".join(names(folder)) or "none yet"
        raise DeliveryError(
            f"There is no stack {stack}: {path.name} does not exist. The stacks are: {known}."
        ) from None
    except UnicodeDecodeError:
        raise DeliveryError(f"{path.name} is not UTF-8.") from None
    except BrokenYamlError as error:
        raise DeliveryError(f"{path.name} {error.wrong}.") from None
    if not isinstance(content or {}, dict):
        raise DeliveryError(f"{path.name} has no settings below `config:`.")
    return content or {}


def git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a git command in the folder, whether or not it succeeds."""
    return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
