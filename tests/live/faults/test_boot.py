"""Something that a first boot needs is missing or wrong: the failure is clear, and the server retries by itself.

A second stack's server is replaced for each fault, and keeps its data volume.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from sandbox import daemons
from sandbox.machines import network
from sandbox.repository.keys import SigningKey, ensure_key
from tests.live.environment import PLACE, Environment
from tests.live.stacks import console, failures, instance, stack_named, tail, up, up_or_fail
from tests.support.waiting import eventually

pytestmark = [pytest.mark.live, pytest.mark.long_fault]

WWW = PLACE.state / "repository" / "www"
BOOT_TIMEOUT = "6m"


@pytest.fixture(scope="module")
def booting(environment: Environment) -> Iterator[Environment]:
    """A second stack, whose servers face the faults."""
    with stack_named("boots", bootTimeout=BOOT_TIMEOUT) as made:
        yield made


@pytest.fixture(scope="module")
def stranger() -> Iterator[SigningKey]:
    """An unknown signing key."""
    with tempfile.TemporaryDirectory() as folder:
        yield ensure_key(Path(folder) / "key", "Somebody else <else@sandbox.invalid>")


# --- Faults


@contextmanager
def stopped_repository() -> Iterator[None]:
    """The package server refuses connections."""
    daemons.stop(PLACE, "repository")
    try:
        yield
    finally:
        daemons.start(PLACE, "repository")


@contextmanager
def silent(port: int, shortest: int = 0) -> Iterator[None]:
    """Drop what machines send to a port of this machine (80: packages, 443: AWS) without an answer. Packets shorter
    than `shortest` pass, so that connections are established but nothing gets through."""
    table = f"{PLACE.bridge}_silent"
    rule = f"iifgroup {network.interface_group(PLACE)} tcp dport {port} meta length >= {shortest} drop"
    chain = f"chain input {{\ntype filter hook input priority -10; policy accept;\n{rule}\n}}"
    subprocess.run(["nft", "-f", "-"], input=f"table inet {table} {{\n{chain}\n}}\n", text=True, check=True)
    try:
        yield
    finally:
        subprocess.run(["nft", "delete", "table", "inet", table], check=True)


@contextmanager
def other_content(file: Path, content: bytes) -> Iterator[None]:
    """The package server serves other content for a file."""
    before = file.read_bytes()
    file.write_bytes(content)
    try:
        yield
    finally:
        file.write_bytes(before)


@contextmanager
def missing(file: Path) -> Iterator[None]:
    """The package server does not have a file or folder."""
    away = WWW.parent / "away"
    file.rename(away)
    try:
        yield
    finally:
        away.rename(file)


def signed_by(key: SigningKey, archive: str) -> AbstractContextManager[None]:
    """The archive's index is signed with another key."""
    folder = next((WWW / archive / "dists").iterdir())
    with tempfile.TemporaryDirectory() as work:
        release, signed = Path(work) / "Release", Path(work) / "InRelease"
        shutil.copyfile(folder / "Release", release)
        key.clear_sign(release, signed)
        return other_content(folder / "InRelease", signed.read_bytes())


Fault = Callable[[SigningKey], AbstractContextManager[None]]
FAULTS: dict[str, tuple[Fault, str]] = {
    "the repositories refuse": (
        lambda _: stopped_repository(),
        r"Failed to fetch http://packages\.sandbox\.internal/\S+  Unable to connect",
    ),
    "the repositories are silent": (
        lambda _: silent(80),
        r"Failed to fetch http://packages\.sandbox\.internal/\S+  Unable to connect",
    ),
    "a key that is not there": (
        lambda _: missing(WWW / "grafana" / "gpg.key"),
        r"http://packages\.sandbox\.internal/grafana/gpg\.key: curl: \(22\) .*404",
    ),
    "another key": (
        lambda key: other_content(WWW / "grafana" / "gpg.key", key.armoured),
        r"http://packages\.sandbox\.internal/grafana/gpg\.key holds [0-9A-F]{40}, not [0-9A-F]{40}: "
        r"see its publisher's news, then set keyFingerprint",
    ),
    "an index signed with another key": (
        lambda key: signed_by(key, "influxdata"),
        r"packages\.sandbox\.internal/influxdata.*(signature|NO_PUBKEY|not signed|Missing key)",
    ),
    "a repository without its index": (
        lambda _: missing(next((WWW / "influxdata" / "dists").iterdir())),
        r"packages\.sandbox\.internal/influxdata.* (404|does not have a Release file)",
    ),
    "AWS is out of reach": (lambda _: silent(443), r"read_parameters: curl: \(28\) .*timed out"),
    "AWS takes connections and says nothing": (
        lambda _: silent(443, 100),
        r"read_parameters: curl: \(28\) .*timed out",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_boot_says_what_is_wrong_and_continues_once_it_is_fixed(
    booting: Environment, stranger: SigningKey, name: str
) -> None:
    fault, words = FAULTS[name]
    # A server that has booted before already has its packages, so it is replaced.
    again = [each["urn"] for each in booting.resources() if each["type"] == "aws:ec2/instance:Instance"]
    before = instance(booting) if again else ""
    with fault(stranger):
        began = time.monotonic()
        failed = up(booting, *(argument for urn in again for argument in ("--replace", urn)))
        took = time.monotonic() - began
        assert failed.returncode != 0
        assert instance(booting) != before
        found = re.search(r"The server is not ready: the server's (boot failed at line \d+ of \S+ .*)", failed.stdout)
        assert found, tail(failed)
        print(f"{name}: after {took:.0f} s: {found.group(1)}")
        assert re.search(words, found.group(1)), found.group(1)
        assert "Traceback" not in failed.stdout
        assert took < 300, "the failure came late"
        seen = len(failures(booting))
    # The server retries by itself.
    fixed = time.monotonic()
    assert eventually(lambda: "boot finished" in console(booting), 240), console(booting)[-2000:]
    print(f"{name}: boot finished {time.monotonic() - fixed:.0f} s after the fix, {len(failures(booting))} failures")
    assert len(failures(booting)) <= seen + 1
    up_or_fail(booting)
    assert booting.grafana.get("/api/health").status_code == 200
