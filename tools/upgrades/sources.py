"""Where to look for newer versions: apt repositories, and the Python and Go registries this machine is set up for."""

from __future__ import annotations

import gzip
import json
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Iterator
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from settings import Repository

SECONDS = 20
ARCHITECTURES = ("arm64", "amd64")
"""Graviton is the default; a mirror may have only amd64."""
ENGINE = "github.com/pulumi/pulumi/pkg/v3"
LARGEST = 64 * 2**20


class UnreachableError(Exception):
    """Newer versions cannot be looked up; the message is one sentence that says why."""


def packages(repository: Repository, name: str) -> list[str]:
    """The versions of a package in an apt repository (wiki.debian.org/DebianRepository/Format). Signatures are not
    checked, because nothing is installed here. Raises UnreachableError."""
    failure = ""
    for architecture in ARCHITECTURES:
        folder = f"{repository.url}/dists/{repository.suite}/{repository.component}/binary-{architecture}"
        for file in ("Packages.gz", "Packages"):
            try:
                found = list(_versions(_fetch(f"{folder}/{file}"), name))
            except HTTPError as error:
                failure = f"{folder} answered {error.code}"
            except (URLError, OSError, EOFError, zlib.error) as error:
                raise UnreachableError(f"{repository.url} cannot be reached ({_reason(error)}).") from None
            else:
                if not found:
                    raise UnreachableError(f"{folder} has no package {name}.")
                return found
    raise UnreachableError(f"{failure}.")


def _fetch(address: str) -> str:
    with urlopen(address, timeout=SECONDS) as answer:  # noqa: S310 - settings accept only http and https
        data: bytes = answer.read(LARGEST)
    return (gzip.decompress(data) if address.endswith(".gz") else data).decode("utf-8", "replace")


def _versions(text: str, name: str) -> Iterator[str]:
    for stanza in text.split("\n\n"):
        if re.search(rf"^Package: {re.escape(name)}$", stanza, re.MULTILINE):
            yield from re.findall(r"^Version: (\S+)$", stanza, re.MULTILINE)


def _reason(error: Exception) -> str:
    return str(getattr(error, "reason", "") or error or type(error).__name__)


def python(name: str) -> list[str]:
    """The versions of a Python package in the index that pip is set up for. Raises UnreachableError."""
    said = _run(name, sys.executable, "-m", "pip", "index", "versions", "--disable-pip-version-check", name)
    found = re.search(r"^Available versions: (.*)$", said, re.MULTILINE)
    if not found:
        raise UnreachableError(f"{name}: pip does not list versions; is it older than 21.2?")
    return found[1].split(", ")


def engine() -> list[str]:
    """The engine's newest version in the Go module proxy, from which the local environment builds it. Raises
    UnreachableError."""
    if not shutil.which("go"):
        raise UnreachableError("pulumi (engine): the Go module proxy was not queried, because `go` is not installed.")
    with tempfile.TemporaryDirectory() as folder:
        said = _run("pulumi (engine)", "go", "list", "-m", "-json", f"{ENGINE}@latest", folder=folder)
    return [str(json.loads(said)["Version"]).removeprefix("v")]


def _run(name: str, *command: str, folder: str | None = None) -> str:
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=3 * SECONDS,
            stdin=subprocess.DEVNULL,
        )
    except OSError as error:
        raise UnreachableError(f"{name}: `{shlex.join(command)}` cannot be run ({error.strerror}).") from None
    except subprocess.TimeoutExpired:
        raise UnreachableError(f"{name}: `{shlex.join(command)}` did not end within {3 * SECONDS} s.") from None
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or "no reason given").splitlines()[-1]
        raise UnreachableError(f"{name}: {last}")
    return done.stdout
