"""One apt archive: a pool of packages, its indexes and their signatures."""

from __future__ import annotations

import gzip
import lzma
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sandbox.machines.system import run
from sandbox.repository.keys import SigningKey


@dataclass(frozen=True)
class Archive:
    """The names of an archive.

    name: its folder on the server. suite: as in sources.list. origin: who publishes it.
    key_file: the public key's file name, as in the real archive; empty if the archive does not publish its key.
    """

    name: str
    suite: str
    origin: str
    key_file: str = ""
    component: str = "main"


def publish(archive: Archive, debs: Iterable[Path], architecture: str, key: SigningKey, root: Path) -> None:
    """Turn `root` into a complete, signed archive of the given packages, if any.

    Raises SandboxError with apt-ftparchive's or gpg's error.
    """
    pool = root / "pool" / archive.component
    suite = root / "dists" / archive.suite
    index = suite / archive.component / f"binary-{architecture}"
    pool.mkdir(parents=True)
    index.mkdir(parents=True)
    for deb in debs:
        shutil.copyfile(deb, pool / deb.name)
    where = pool.relative_to(root)
    packages = run("apt-ftparchive", "--arch", architecture, "packages", where, cwd=root).encode()
    (index / "Packages").write_bytes(packages)
    (index / "Packages.gz").write_bytes(gzip.compress(packages, mtime=0))
    (index / "Packages.xz").write_bytes(lzma.compress(packages))
    fields = {
        "Origin": archive.origin,
        "Label": archive.origin,
        "Suite": archive.suite,
        "Codename": archive.suite,
        "Architectures": architecture,
        "Components": archive.component,
    }
    options = [f"--option=APT::FTPArchive::Release::{name}={value}" for name, value in fields.items()]
    # Written afterwards: the file lists everything next to it, and must not list itself.
    text = run("apt-ftparchive", *options, "release", suite.relative_to(root), cwd=root)
    release = suite / "Release"
    release.write_text(text)
    key.clear_sign(release, suite / "InRelease")
    key.detach_sign(release, suite / "Release.gpg")
    if archive.key_file:
        (root / archive.key_file).write_bytes(key.armoured)
