"""A small archive of one tiny package, served on loopback, and an apt with its own folders."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox.grafana.package import architecture
from sandbox.repository.archive import Archive, publish
from sandbox.repository.deb import Control, build_deb
from sandbox.repository.keys import SigningKey, ensure_key
from sandbox.repository.server import open_server
from tests.support.serving import serving

ARCHIVE = Archive("notes", "stable", "Notes", "gpg.key")


@dataclass
class Apt:
    """apt-get on the host with a private root: real downloads and signature checks, nothing installed."""

    root: Path

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        options = [f"-oDir={self.root}", "-oAPT::Sandbox::User=root", "-oAcquire::Languages=none"]
        options += ["-oDir::State::status=/dev/null", f"-oAPT::Architecture={architecture()}"]
        return subprocess.run(
            ["apt-get", *options, *arguments], cwd=self.root, capture_output=True, text=True, check=False
        )

    def trust(self, url: str, key: SigningKey) -> None:
        """Write the source as installers do: signed by this one key."""
        keyring = self.root / "trusted.gpg"
        keyring.write_bytes(key.binary)
        sources = self.root / "etc/apt/sources.list"
        sources.write_text(f"deb [signed-by={keyring}] {url} {ARCHIVE.suite} {ARCHIVE.component}\n")


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, SigningKey]:
    folder = tmp_path_factory.mktemp("keys")
    return {
        "right": ensure_key(folder / "right", "Right <right@sandbox.invalid>"),
        "wrong": ensure_key(folder / "wrong", "Wrong <wrong@sandbox.invalid>", subkey=True),
    }


@pytest.fixture
def apt(tmp_path: Path) -> Apt:
    root = tmp_path / "apt"
    for folder in ("etc/apt/apt.conf.d", "etc/apt/preferences.d", "etc/apt/trusted.gpg.d"):
        (root / folder).mkdir(parents=True)
    for folder in ("var/lib/apt/lists/partial", "var/cache/apt/archives/partial"):
        (root / folder).mkdir(parents=True)
    return Apt(root)


@pytest.fixture
def deb(tmp_path: Path) -> Path:
    tree = tmp_path / "tree"
    (tree / "etc").mkdir(parents=True)
    (tree / "etc/notes.conf").write_text("paper = blue\n")
    control = Control("notes", "1.0-1", architecture(), "Somebody <some@sandbox.invalid>", "Takes notes")
    return build_deb(tree, control, {"postinst": "#!/bin/sh\nexit 0\n"}, ["/etc/notes.conf"], tmp_path / "debs")


@pytest.fixture
def www(tmp_path: Path, deb: Path, keys: dict[str, SigningKey]) -> Path:
    root = tmp_path / "www" / ARCHIVE.name
    publish(ARCHIVE, [deb], architecture(), keys["right"], root)
    return root.parent


@pytest.fixture
def url(www: Path) -> Iterator[str]:
    with serving(open_server("127.0.0.1", 0, www)) as server:
        yield f"http://127.0.0.1:{server.server_port}/{ARCHIVE.name}"
