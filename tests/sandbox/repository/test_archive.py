"""A real apt-get with a real archive: what it accepts and what it must refuse."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import requests

from sandbox.errors import SandboxError
from sandbox.repository.keys import SigningKey
from sandbox.repository.server import open_server
from tests.sandbox.repository.conftest import Apt


@pytest.mark.slow
def test_apt_accepts_an_archive_signed_by_the_right_key(
    apt: Apt, url: str, keys: dict[str, SigningKey], deb: Path
) -> None:
    apt.trust(url, keys["right"])
    update = apt("update")
    assert update.returncode == 0, update.stderr
    download = apt("download", "notes=1.0-1")
    assert download.returncode == 0, download.stderr
    assert next(apt.root.glob("notes_*.deb")).read_bytes() == deb.read_bytes()


@pytest.mark.slow
def test_apt_refuses_another_key(apt: Apt, url: str, keys: dict[str, SigningKey]) -> None:
    apt.trust(url, keys["wrong"])
    update = apt("update")
    assert update.returncode != 0
    assert "is not signed" in update.stderr
    assert apt("download", "notes").returncode != 0


@pytest.mark.slow
def test_apt_refuses_a_changed_index(apt: Apt, url: str, keys: dict[str, SigningKey], www: Path) -> None:
    for release in (www / "notes/dists/stable").glob("*Release"):
        release.write_text(release.read_text().replace("Origin: Notes", "Origin: Forged"))
    apt.trust(url, keys["right"])
    assert apt("update").returncode != 0


@pytest.mark.slow
def test_apt_refuses_a_changed_package(apt: Apt, url: str, keys: dict[str, SigningKey], www: Path) -> None:
    apt.trust(url, keys["right"])
    assert apt("update").returncode == 0
    package = next((www / "notes/pool/main").glob("*.deb"))
    content = bytearray(package.read_bytes())
    content[-1] ^= 1
    package.write_bytes(content)
    download = apt("download", "notes")
    assert download.returncode != 0
    assert "Hash Sum mismatch" in download.stderr


def test_the_detached_signature_is_valid(www: Path, keys: dict[str, SigningKey], tmp_path: Path) -> None:
    keyring = tmp_path / "right.gpg"
    keyring.write_bytes(keys["right"].binary)
    suite = www / "notes/dists/stable"
    command = ["gpgv", "--keyring", str(keyring), str(suite / "Release.gpg"), str(suite / "Release")]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("name", ["right", "wrong"])
def test_the_published_key_has_the_fingerprint(keys: dict[str, SigningKey], name: str) -> None:
    shown = subprocess.run(
        ["gpg", "--show-keys", "--with-colons"], input=keys[name].armoured, capture_output=True, check=True
    )
    fingerprints = [line.split(":")[9] for line in shown.stdout.decode().splitlines() if line.startswith("fpr")]
    assert fingerprints[0] == keys[name].fingerprint
    assert len(fingerprints) == (2 if name == "wrong" else 1), "the wrong key has a subkey"


def test_only_the_owner_can_read_private_keys(keys: dict[str, SigningKey]) -> None:
    for key in keys.values():
        assert key.folder.stat().st_mode & 0o077 == 0
        private = list((key.folder / "private-keys-v1.d").iterdir())
        assert private
        assert all(path.stat().st_mode & 0o777 == 0o600 for path in private)


def test_the_package_has_the_control_fields(deb: Path) -> None:
    def ask(*options: str) -> str:
        return subprocess.run(["dpkg-deb", *options], capture_output=True, text=True, check=True).stdout.strip()

    assert ask("--field", str(deb), "Package") == "notes"
    assert ask("--field", str(deb), "Installed-Size") == "1"
    assert ask("--info", str(deb), "conffiles") == "/etc/notes.conf"
    assert "root/root" in ask("--contents", str(deb))


def test_the_server_lists_no_folders(url: str) -> None:
    assert requests.get(f"{url}/gpg.key", timeout=5).text.startswith("-----BEGIN PGP PUBLIC KEY BLOCK-----")
    assert requests.get(f"{url}/pool/", timeout=5).status_code == 404
    assert requests.get(f"{url}/../../debs/", timeout=5).status_code == 404


@pytest.mark.slow
def test_the_server_reports_a_missing_address(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match=r"cannot listen on 198\.18\.0\.77:80"):
        open_server("198.18.0.77", 80, tmp_path)
