"""Builds the page's bundle, once per machine: the npm packages of the lock file, then the app's own sources.

CACHE/viewer/<hash of the lock>/node_modules
CACHE/viewer/<hash of the lock>/<hash of the sources>/{src,…,www}
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

from sandbox import sums
from sandbox.errors import SandboxError
from sandbox.locks import locked
from sandbox.place import cache_folder
from sandbox.progress import Progress

APP = Path(__file__).resolve().parent / "app"
PACKAGES = ("package.json", "package-lock.json", ".npmrc")
SOURCES = ("src", "schema", "index.html", "build.mjs", "browser.mjs", "vector.mjs", "tsconfig.json")


def packages_folder() -> Path:
    """The folder for the npm packages of this lock file."""
    return cache_folder() / "viewer" / _digest([APP / name for name in PACKAGES])


def app_folder() -> Path:
    """The folder in which these sources are built: below the packages' folder, so that node finds the packages."""
    files = sorted(file for name in SOURCES for file in [APP / name, *(APP / name).rglob("*")] if file.is_file())
    return packages_folder() / _digest(files)


def ensure(progress: Progress = lambda _: None) -> Path:
    """Install and build what is missing; returns the folder with index.html.

    Takes a minute the first time, and two seconds after a change of the sources. Safe to interrupt and to call
    concurrently. Raises SandboxError with the end of npm's output when it fails.
    """
    folder = app_folder()
    if (folder / "www").is_dir() and not sums.damaged(folder / "www"):
        return folder / "www"
    packages = packages_folder()
    packages.mkdir(parents=True, exist_ok=True)
    with locked(packages.parent / "lock"):
        installed = (packages / ".installed").exists()
        if not installed:
            _install(packages, progress)
        if not (folder / "www").is_dir() or sums.damaged(folder / "www"):
            progress("bundling")
            try:
                _build(folder)
            except SandboxError:
                if not installed:
                    raise
                # The packages were installed earlier, and may have been damaged since.
                _install(packages, progress)
                _build(folder)
    return folder / "www"


def _install(packages: Path, progress: Progress) -> None:
    progress("installing Grafana's components (once per machine)")
    (packages / ".installed").unlink(missing_ok=True)
    for name in PACKAGES:
        shutil.copy(APP / name, packages / name)
    _run(["npm", "ci", "--loglevel=error"], packages)
    (packages / ".installed").touch()


def _build(folder: Path) -> None:
    building = folder.with_suffix(".building")
    shutil.rmtree(building, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)
    building.mkdir()
    for name in SOURCES:
        source = APP / name
        if source.is_dir():
            shutil.copytree(source, building / name)
        else:
            shutil.copy(source, building / name)
    _run(["node", "build.mjs", "www"], building)
    sums.record(building / "www")
    building.rename(folder)


def _run(command: list[str], folder: Path) -> None:
    process = subprocess.run(
        command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=900
    )
    if process.returncode != 0:
        words = "\n".join((process.stdout + process.stderr).strip().splitlines()[-8:])
        raise SandboxError(f"The dashboard viewer could not be built ({' '.join(command[:2])} failed):\n{words}")


def _digest(files: list[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.relative_to(APP)}\n".encode() + file.read_bytes())
    return digest.hexdigest()[:12]
