"""The archives' signing keys: created once per machine, kept in the cache, and readable only by their owner."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sandbox.errors import SandboxError


@dataclass(frozen=True)
class SigningKey:
    """An OpenPGP key in its own GnuPG home. folder: that home."""

    folder: Path

    @property
    def fingerprint(self) -> str:
        """The primary key's fingerprint: 40 hexadecimal digits without spaces."""
        return (self.folder / "fingerprint").read_text().strip()

    @property
    def armoured(self) -> bytes:
        """The public key as text, as vendors publish it."""
        return (self.folder / "public.asc").read_bytes()

    @property
    def binary(self) -> bytes:
        """The public key as apt's `Signed-By` takes it (*.gpg)."""
        return (self.folder / "public.gpg").read_bytes()

    def clear_sign(self, text: Path, target: Path) -> None:
        """Write `text` with an inline signature, like InRelease."""
        with _home(self.folder) as home:
            _gpg(home, "--clearsign", "--output", str(target), str(text))

    def detach_sign(self, text: Path, target: Path) -> None:
        """Write the armoured signature of `text`, like Release.gpg."""
        with _home(self.folder) as home:
            _gpg(home, "--armor", "--detach-sign", "--output", str(target), str(text))


def ensure_key(folder: Path, owner: str, *, subkey: bool = False) -> SigningKey:
    """The key in `folder`, which is created if missing.

    owner: its user id. subkey: let a subkey sign, as InfluxData does; the fingerprint is still the primary key's.
    Raises SandboxError with gpg's error.
    """
    if folder.is_dir():
        return SigningKey(folder)
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    building = folder.with_name(f".{folder.name}.building")
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(mode=0o700)
    with _home(building) as home:
        _gpg(home, "--quick-generate-key", owner, "rsa3072", "cert" if subkey else "cert,sign", "never")
        listing = _gpg(home, "--list-keys", "--with-colons").decode()
        fingerprint = next(line for line in listing.splitlines() if line.startswith("fpr:")).split(":")[9]
        if subkey:
            _gpg(home, "--quick-add-key", fingerprint, "rsa3072", "sign", "never")
        (building / "fingerprint").write_text(f"{fingerprint}\n")
        (building / "public.asc").write_bytes(_gpg(home, "--armor", "--export", fingerprint))
        (building / "public.gpg").write_bytes(_gpg(home, "--export", fingerprint))
    building.rename(folder)
    return SigningKey(folder)


@contextmanager
def _home(folder: Path) -> Iterator[Path]:
    """A short path to the folder: it contains GnuPG's sockets, whose paths can have at most 107 characters."""
    with tempfile.TemporaryDirectory(prefix="gpg-") as short:
        home = Path(short) / "home"
        home.symlink_to(folder)
        try:
            yield home
        finally:
            subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=False)


def _gpg(home: Path, *arguments: str) -> bytes:
    command = ["gpg", "--homedir", str(home), "--batch", "--yes", "--no-tty", "--quiet"]
    command += ["--pinentry-mode", "loopback", "--passphrase", "", "--digest-algo", "SHA512", *arguments]
    environment = {name: value for name, value in os.environ.items() if name != "GNUPGHOME"}
    process = subprocess.run(command, capture_output=True, env=environment, check=False)
    if process.returncode != 0:
        words = process.stderr.decode(errors="replace").strip().splitlines()
        raise SandboxError(f"gpg could not sign for the package server: {words[-1] if words else 'no reason given'}")
    return process.stdout
