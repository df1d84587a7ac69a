"""The package server's daemon: serves on port 80 of the place's gateway until SIGTERM."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from sandbox import daemons
from sandbox.errors import SandboxError
from sandbox.place import Place
from sandbox.repository.packages import DEBIAN, ensure_packages, signing_key
from sandbox.repository.server import open_server

PORT = 80


def www_folder(place: Place) -> Path:
    """The folder that the place's daemon serves."""
    return place.state / "repository" / "www"


def prepare(place: Place, build: Path) -> Path:
    """Give the place its own copy of the archives, with which tests can tamper; returns its folder.

    Also writes the Debian archive's public key, which guests get before their first boot.
    """
    www = www_folder(place)
    folder, copying = www.parent, www.with_name(".www")
    folder.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(copying, ignore_errors=True)
    shutil.copytree(build, copying)
    shutil.rmtree(www, ignore_errors=True)
    copying.rename(www)
    (folder / "debian.gpg").write_bytes(signing_key(DEBIAN).binary)
    return www


def daemon(place: Place) -> None:
    """Serve until SIGTERM or SIGINT. Raises SandboxError if it cannot."""
    # Bind first: a second daemon must not touch what the first one serves.
    with open_server(str(place.gateway), PORT, www_folder(place)) as server:
        prepare(place, ensure_packages(print))
        daemons.serve(place, "repository", server)


if __name__ == "__main__":
    try:
        daemon(Place.here())
    except SandboxError as error:
        sys.exit(str(error))
