"""What is pinned: packages of the server and the agents, Python packages, Pulumi itself."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import InvalidVersion, Version

from settings import Repository, Settings
from settings.versions import UNUSABLE

INFLUXDB = "1.x only: 2 and 3 have other packages, files and languages"
PROVIDER = "its plugin has the same version; then `make lock`"
NOTES = {
    "pulumi": "the CLI has the same version; then `make lock`, and sandbox/toolchain",
    "moto": "see sandbox/cloud/patches",
}


@dataclass(frozen=True)
class Pin:
    """One pinned version. note: what to know before changing it."""

    name: str
    version: str
    note: str = ""


def apt(settings: Settings) -> list[tuple[Pin, Repository]]:
    """The packages of the server and the agents, with their repositories. InfluxDB only if it runs on the server."""
    influxdata = settings.influxdata_repository
    refused = f"not {', '.join(UNUSABLE)}, whose packages do not work"
    pins: list[tuple[Pin, Repository]] = [
        (Pin("grafana", settings.grafana_version, refused), settings.grafana_repository)
    ]
    if settings.own_influxdb:
        pins.append((Pin("influxdb", settings.influxdb_version, INFLUXDB), influxdata))
    return [*pins, (Pin("telegraf", settings.telegraf_version), influxdata)]


def python(root: Path) -> list[Pin]:
    """The packages that pyproject.toml names for the program, with the versions of the lock file."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    names = [Requirement(each).name for each in project["project"]["dependencies"]]
    locked = dict(_locked((root / "requirements.txt").read_text(encoding="utf-8")))
    return [Pin(name, locked[name], _note(name)) for name in names]


def _locked(text: str) -> Iterator[tuple[str, str]]:
    yield from re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", text, re.MULTILINE)


def _note(name: str) -> str:
    return NOTES.get(name) or (PROVIDER if name.startswith(("pulumi-", "pulumiverse-")) else "")


def newest(pin: Pin, versions: list[str]) -> str | None:
    """The newest version that this project can use; None if none is newer than the pinned one.

    Pre-releases are left out, and so are versions that settings/versions.py refuses.
    """
    now = version(pin.version)
    usable = [
        (found, each)
        for each in versions
        if (found := version(each)) and not found.is_prerelease and _is_usable(pin, found)
    ]
    best = max(usable, default=None)
    return best[1] if best and now and best[0] > now else None


def _is_usable(pin: Pin, found: Version) -> bool:
    if pin.name == "grafana":
        return found.base_version not in UNUSABLE
    return pin.name != "influxdb" or found.major == 1


def version(text: str) -> Version | None:
    """A comparable version; a Debian revision counts as a post-release. None for other texts."""
    try:
        return Version(re.sub(r"^[0-9]+:", "", text))
    except InvalidVersion:
        return None
