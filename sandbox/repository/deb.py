"""Builds Debian packages from a folder of files, with dpkg-deb."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox.machines.system import run

BUILD_TIME = "1750000000"
"""The time of all files in the packages (seconds since 1970), so that the same input gives the same bytes."""


@dataclass(frozen=True)
class Control:
    """A package's description, as in its `control` file.

    version: upstream version and revision. architecture: Debian's name, such as amd64.
    description: a short line; further lines, if any, start with a space.
    depends, recommends: relations in Debian's syntax, empty for none.
    """

    name: str
    version: str
    architecture: str
    maintainer: str
    description: str
    section: str = "default"
    priority: str = "optional"
    depends: str = ""
    recommends: str = ""
    homepage: str = ""
    vendor: str = ""
    license: str = ""

    def render(self, installed_kib: int) -> str:
        """The `control` file's text. installed_kib: the size of the files, in KiB."""
        fields = {
            "Package": self.name,
            "Version": self.version,
            "License": self.license,
            "Vendor": self.vendor,
            "Architecture": self.architecture,
            "Maintainer": self.maintainer,
            "Installed-Size": str(installed_kib),
            "Depends": self.depends,
            "Recommends": self.recommends,
            "Section": self.section,
            "Priority": self.priority,
            "Homepage": self.homepage,
            "Description": self.description,
        }
        return "".join(f"{name}: {value}\n" for name, value in fields.items() if value)


def build_deb(tree: Path, control: Control, scripts: Mapping[str, str], conffiles: Sequence[str], out: Path) -> Path:
    """Build a package of the files below `tree`, which gets a `DEBIAN` folder; returns the .deb in `out`.

    scripts: maintainer scripts by name, such as `postinst`. conffiles: absolute paths of configuration files, which
    dpkg keeps if the user has changed them. All files belong to root. Raises SandboxError with dpkg-deb's error.
    """
    files = sorted(path for path in tree.rglob("*") if path.is_file() and not path.is_symlink())
    meta = tree / "DEBIAN"
    meta.mkdir(mode=0o755)
    size = sum(path.stat().st_size for path in files)
    _write(meta / "control", control.render(-(-size // 1024)))
    _write(meta / "md5sums", "".join(f"{_md5(path)}  {path.relative_to(tree)}\n" for path in files))
    if conffiles:
        _write(meta / "conffiles", "".join(f"{path}\n" for path in conffiles))
    for name, text in scripts.items():
        _write(meta / name, text, mode=0o755)
    for path in (tree, *tree.rglob("*")):
        os.utime(path, (int(BUILD_TIME), int(BUILD_TIME)), follow_symlinks=False)
    tree.chmod(0o755)
    out.mkdir(parents=True, exist_ok=True)
    target = out / f"{control.name}_{control.version}_{control.architecture}.deb"
    # gzip, as used by fpm, which builds the real packages; xz would take minutes for these programs.
    options = ("--root-owner-group", "-Zgzip", "-z6", "--build")
    run("env", f"SOURCE_DATE_EPOCH={BUILD_TIME}", "dpkg-deb", *options, tree, target)
    return target


def _write(path: Path, text: str, mode: int = 0o644) -> None:
    path.write_text(text)
    path.chmod(mode)


def _md5(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
