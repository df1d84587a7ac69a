"""SSH keys in settings: keys that the provider or OpenSSH would refuse later are refused in the preview."""

from __future__ import annotations

import subprocess
from base64 import b64decode, b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from settings import load
from tests.support.certificates import dsa_key, ec_key, key_text
from tests.support.configuration import HOST, HOSTS_SECRET, mistakes, raw


def keygen(folder: Path, *options: str) -> Path:
    """A key pair made by ssh-keygen."""
    file = folder / "key"
    subprocess.run(["ssh-keygen", "-q", "-N", "", "-f", file, *options], check=True)
    return file


@pytest.mark.parametrize(
    "options", [("-t", "ed25519"), *(("-t", "ecdsa", "-b", bits) for bits in ("256", "384", "521"))]
)
def test_host_keys_that_both_the_provider_and_openssh_use_are_accepted(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    line = keygen(tmp_path, *options).with_suffix(".pub").read_text()
    (host,) = load(raw(hosts=[HOST | {"hostKey": line}])).hosts
    assert host.host_key == " ".join(line.split()[:2])


def test_an_rsa_host_key_is_refused_and_the_message_says_which_to_use(tmp_path: Path) -> None:
    whole = keygen(tmp_path, "-t", "rsa", "-b", "2048").with_suffix(".pub").read_text()
    for line in (whole, whole[:300], "ssh-rsa AAAAB3NzaC1yc2E…"):
        (reported,) = mistakes(raw(hosts=[HOST | {"hostKey": line}]))
        assert reported.startswith("monitoring:hosts[0].hostKey")
        assert "the command provider offers only the signature algorithm ssh-rsa" in reported
        assert "ssh-keyscan -t ed25519 HOST" in reported


ED25519 = HOST["hostKey"].split()[1]


def off_the_curve() -> str:
    """An ECDSA host key whose point is not on its curve."""
    public = ec_key().public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    kind, base64 = public.decode().split()
    blob = bytearray(b64decode(base64))
    blob[-1] ^= 1
    return f"{kind} {b64encode(blob).decode()}"


@pytest.mark.parametrize(
    ("line", "reported"),
    [
        ("ssh-dss AAAAB3NzaC1kc3MAAACBAO", "is a DSA key"),
        ("rsa-sha2-512 AAAAB3NzaC1yc2EAAA", "names a signature algorithm"),
        ("sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29t", "is a security key"),
        ("sk-ecdsa-sha2-nistp256@openssh.com AAAA", "is a security key"),
        ("ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29t", "is a certificate"),
        ("ssh-ed448 AAAAB3NzaC1lZDQ0OA==", "is not an SSH host's public key"),
        ("ssh-ed25519", "is not an SSH host's public key"),
        (f"ssh-ed25519 {ED25519[:-4]}", "is incomplete, or not of the type it names"),
        (f"ssh-ed25519 {ED25519}AAAA", "is incomplete, or not of the type it names"),
        (f"ssh-ed25519 {ED25519[:-2]}!!", "is not an SSH host's public key"),
        (f"ssh-ed25519 {ED25519[:20]}\n{ED25519[20:]}", "several lines"),
        (f"ecdsa-sha2-nistp256 {ED25519}", "is incomplete, or not of the type it names"),
        (f"ssh-rsa {ED25519}", "is incomplete, or not of the type it names"),
        (f"web-1,198.51.100.7 ssh-ed25519 {ED25519}", "remove what precedes the key's type"),
        (f"@cert-authority * ssh-ed25519 {ED25519}", "is not an SSH host's public key"),
        (off_the_curve(), "is incomplete, or not of the type it names"),
    ],
)
def test_a_wrong_host_key_is_reported(line: str, reported: str) -> None:
    (one,) = mistakes(raw(hosts=[HOST | {"hostKey": line}]))
    assert one.startswith("monitoring:hosts[0].hostKey")
    assert reported in one
    assert "ed25519" in one or "leave out" in one


@pytest.mark.parametrize(
    "options", [("-t", "ed25519"), ("-t", "rsa", "-b", "2048"), ("-t", "rsa", "-b", "2048", "-m", "PEM")]
)
def test_a_private_key_is_kept_as_it_was_written(tmp_path: Path, options: tuple[str, ...]) -> None:
    text = keygen(tmp_path, *options).read_text()
    (host,) = load(raw(hosts=[HOST | {"privateKey": f"a comment\n{text}\nmore"}]), HOSTS_SECRET).hosts
    assert host.private_key is not None
    assert host.private_key.get_secret_value() == text


@pytest.mark.parametrize("key_of", [dsa_key, lambda: ec.generate_private_key(ec.SECP256K1())], ids=["DSA", "SECP256K1"])
def test_types_of_private_keys_that_openssh_refuses_are_refused(key_of: Callable[[], Any]) -> None:
    (line,) = mistakes(raw(hosts=[HOST | {"privateKey": key_text(key_of())}]), HOSTS_SECRET)
    assert "current OpenSSH does not accept" in line
