"""Everything that the package server serves, built once per machine and kept in the cache.

In cache_folder()/repository: the signing keys in `keys/ARCHIVE`, and complete archives in `builds/HASH/ARCHIVE`. The
hash covers all inputs, so that changing any of them leads to another build.
"""

from __future__ import annotations

import hashlib
import shutil
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from sandbox import sums, toolchain
from sandbox.errors import SandboxError
from sandbox.grafana import package as grafana
from sandbox.locks import locked
from sandbox.machines.image import SUITE, mirror_folder
from sandbox.place import Place, cache_folder
from sandbox.progress import Progress
from sandbox.repository import influxdata
from sandbox.repository.archive import Archive, publish
from sandbox.repository.deb import Control, build_deb
from sandbox.repository.keys import SigningKey, ensure_key
from sandbox.toolchain.influxdb import DEPLOYED, release

PACKAGES_URL = "http://packages.sandbox.internal"
"""Every guest has the name in /etc/hosts."""

GRAFANA = Archive("grafana", "stable", "Grafana (local stand-in)", "gpg.key")
INFLUXDATA = Archive("influxdata", "stable", "InfluxData (local build)", "influxdata-archive.key")
DEBIAN = Archive("debian", SUITE, "Debian (local mirror)")
ARCHIVES = (GRAFANA, INFLUXDATA, DEBIAN)

KEPT_BUILDS = 3
"""How many builds are kept, for checkouts at different versions."""


def ensure_packages(
    progress: Progress = lambda _: None,
    *,
    binaries: Path | None = None,
    mirror: Path | None = None,
    cache: Path | None = None,
) -> Path:
    """Build packages and archives unless they exist and are complete; returns the folder with one folder per archive.

    binaries: the folder with InfluxDB's programs and telegraf, by default the toolchain's.
    mirror: the folder with Debian packages, by default the image's; if it is missing, the Debian archive is empty.
    cache: where to keep everything, by default in the shared cache.
    Safe to interrupt and to run concurrently. Raises SandboxError.
    """
    binaries, mirror = binaries or toolchain.binaries(), mirror or mirror_folder()
    cache = cache or _cache()
    if absent := [program for program in programs() if not (binaries / program).exists()]:
        raise SandboxError(f"{binaries} lacks {' and '.join(absent)}: build the toolchain first.")
    with _locked(cache):
        build = cache / "builds" / _version(binaries, mirror, cache)
        if build.is_dir() and (broken := sums.damaged(build)):
            progress(f"{broken[0]} is damaged; rebuilding everything")
            shutil.rmtree(build)
        if not build.is_dir():
            _build(build, binaries, mirror, cache, progress)
        build.touch()
        _remove_old(build.parent)
    return build


def programs() -> tuple[str, ...]:
    """The toolchain's programs that the packages contain."""
    return (*release().programs, "telegraf")


def _build(build: Path, binaries: Path, mirror: Path, cache: Path, progress: Progress) -> None:
    building = build.with_name(f".{build.name}.building")
    shutil.rmtree(building, ignore_errors=True)
    workshop, debs = building / "workshop", building / "debs"
    workshop.mkdir(parents=True)
    debs.mkdir()
    progress("influxdb")
    influxdb = influxdata.influxdb(binaries, workshop, debs)
    progress("telegraf")
    telegraf = influxdata.telegraf(binaries, workshop, debs)
    pools = {
        GRAFANA: [_grafana(workshop, debs, lambda text: progress(f"grafana, {text}"))],
        INFLUXDATA: [influxdb, telegraf],
        DEBIAN: sorted(mirror.glob("*.deb")),
    }
    for archive, members in pools.items():
        progress(f"the signed index of /{archive.name}")
        key = signing_key(archive, cache)
        publish(archive, members, grafana.architecture(), key, building / archive.name)
    shutil.rmtree(workshop)
    shutil.rmtree(debs)
    sums.record(building)
    building.rename(build)


def _grafana(workshop: Path, out: Path, progress: Progress) -> Path:
    tree = workshop / "grafana"
    tree.mkdir()
    grafana.build_tree(tree, progress)
    control = Control(
        name=grafana.NAME,
        version=grafana.VERSION,
        architecture=grafana.architecture(),
        maintainer="contact@grafana.com",
        vendor="Grafana",
        license="AGPLv3",
        depends=grafana.DEPENDS,
        section=grafana.SECTION,
        homepage=grafana.HOMEPAGE,
        description=grafana.DESCRIPTION,
    )
    scripts = {"postinst": grafana.POSTINST, "prerm": grafana.PRERM, "postrm": grafana.POSTRM}
    return build_deb(tree, control, scripts, grafana.CONFFILES, out)


def signing_key(archive: Archive, cache: Path | None = None) -> SigningKey:
    """The archive's own key, created on the first call on this machine."""
    folder = (cache or _cache()) / "keys" / archive.name
    return ensure_key(folder, f"{archive.origin} <packages@sandbox.invalid>", subkey=archive is INFLUXDATA)


def facts(place: Place) -> dict[str, Any]:
    """The stack's settings for this package server: repositories and key fingerprints. Versions are the program's own
    defaults, except InfluxDB's on a machine that cannot build that version.

    They are the same for every place: each has its own server, under the same name.
    """
    del place
    other = {} if release() is DEPLOYED else {"influxdbVersion": influxdata.influxdb_version()}
    with _locked(_cache()):
        return {"grafanaRepository": _settings(GRAFANA), "influxdataRepository": _settings(INFLUXDATA), **other}


def _settings(archive: Archive) -> dict[str, str]:
    url = f"{PACKAGES_URL}/{archive.name}"
    return {
        "url": url,
        "keyUrl": f"{url}/{archive.key_file}",
        "keyFingerprint": signing_key(archive).fingerprint,
        "suite": archive.suite,
        "component": archive.component,
    }


def _version(binaries: Path, mirror: Path, cache: Path) -> str:
    """A hash of all inputs: programs, sources, mirror and keys."""
    digest = hashlib.sha256()
    for program in programs():
        with (binaries / program).open("rb") as handle:
            digest.update(hashlib.file_digest(handle, "sha256").digest())
    for folder in (Path(__file__).parent, grafana.HERE):
        for path in sorted(folder.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(f"{path.relative_to(folder)}\n".encode() + path.read_bytes())
    for path in sorted(mirror.glob("*.deb")):
        digest.update(f"{path.name} {path.stat().st_size}\n".encode())
    for archive in ARCHIVES:
        digest.update(signing_key(archive, cache).fingerprint.encode())
    return digest.hexdigest()[:12]


def _remove_old(builds: Path) -> None:
    for leftover in builds.glob(".*.building"):
        shutil.rmtree(leftover)
    newest_first = sorted(builds.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
    for build in newest_first[KEPT_BUILDS:]:
        shutil.rmtree(build)


def _cache() -> Path:
    return cache_folder() / "repository"


def _locked(cache: Path) -> AbstractContextManager[None]:
    """Hold the lock of the cache folder, which only its owner can read."""
    cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    return locked(cache / "lock")
