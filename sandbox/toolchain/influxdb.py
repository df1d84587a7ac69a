"""Builds InfluxDB: the version that AWS gets or, without a Rust compiler, the last one that needs none."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol

MODULE = "github.com/influxdata/influxdb"


class Go(Protocol):
    """Runs `go` with arguments in a folder, with additional environment variables; returns its output."""

    def __call__(self, arguments: list[str], at: Path, environment: Mapping[str, str] = {}, /) -> str: ...


@dataclass(frozen=True)
class Release:
    """A release of InfluxDB. version: upstream's. programs: those in the publisher's package."""

    version: str
    programs: tuple[str, ...]


DEPLOYED = Release("1.12.4", ("influxd", "influx", "influx_inspect"))
"""The release that the default of `influxdbVersion` installs on AWS."""

FALLBACK = Release("1.7.11", ("influxd", "influx"))
"""For machines without a Rust compiler: it lacks the query language Flux, which has been in Rust since 1.8."""

SECOND = "2.7.12"
"""The InfluxDB 2.x for tests with another InfluxDB, of the release line that AWS runs (Timestream for InfluxDB)."""

TAGS = ("-tags", "netgo,osusergo")
"""Use Go's own resolver and user lookup, so that nothing needs this machine's C library."""

RUST_MINIMUM = (1, 72)
"""The version that Flux requires (`rust-toolchain` in github.com/influxdata/flux v0.196.1)."""


@cache
def release() -> Release:
    """The release that this machine can build."""
    return DEPLOYED if _rust() >= RUST_MINIMUM and shutil.which("cc") else FALLBACK


def shortfall() -> str:
    """A sentence about the InfluxDB that runs here instead of the one on AWS; "" if they are the same."""
    if release() is DEPLOYED:
        return ""
    return (
        f"InfluxDB {FALLBACK.version} runs here instead of the {DEPLOYED.version} that AWS gets: building that needs "
        f"cargo, rustc {'.'.join(map(str, RUST_MINIMUM))} or newer, and a C compiler."
    )


def build(source: Path, into: Path, go: Go, chosen: Release) -> None:
    """Build the programs of a release from its module's source folder.

    1.12 links Flux, a Rust library, through a `pkg-config` of InfluxData's own. Linked statically as its publisher does
    (.circleci/config.yml in the module), so that it runs on Debian 13 whatever C library this machine has.
    """
    flags, environment = _with_flux(source, into, go) if chosen is DEPLOYED else ([], {})
    version = f"-X main.version={chosen.version} -X main.branch={chosen.version.rpartition('.')[0]}"
    linked = f"-s -w {version} -X main.commit=v{chosen.version} {' '.join(flags)}"
    for name in chosen.programs:
        command = ["build", "-v", "-trimpath", *TAGS, "-ldflags", linked, "-o", str(into / name), f"./cmd/{name}"]
        go(command, source, environment)


def build_second(source: Path, into: Path, go: Go) -> None:
    """Build `influxd2`: InfluxDB 2.x without its pages (build tag `assets`)."""
    flags, environment = _with_flux(source, into, go)
    linked = f"-s -w -X main.version={SECOND} {' '.join(flags)}"
    command = ["build", "-v", "-trimpath", *TAGS, "-ldflags", linked, "-o", str(into / "influxd2"), "./cmd/influxd"]
    go(command, source, environment)


def _with_flux(source: Path, into: Path, go: Go) -> tuple[list[str], dict[str, str]]:
    """The linker's flags and the environment variables for building with Flux."""
    go(["build", "-o", str(into / "pkg-config"), "github.com/influxdata/pkg-config"], source)
    return ["-linkmode=external", "-extldflags=-static"], {
        "CGO_ENABLED": "1",
        "PKG_CONFIG": str(into / "pkg-config"),
        "RUSTC_WRAPPER": str(_lenient_rustc(into)),
        **_rustup_toolchain(),
    }


def _lenient_rustc(into: Path) -> Path:
    """A rustc that does not treat warnings as errors: Flux denies all of them, and newer compilers have more."""
    wrapper = into / "rustc-wrapper"
    wrapper.write_text('#!/bin/sh\nexec "$@" --cap-lints warn\n')
    wrapper.chmod(0o755)
    return wrapper


def _rustup_toolchain() -> dict[str, str]:
    """Make rustup use the installed toolchain instead of downloading the one that Flux names."""
    if not shutil.which("rustup"):
        return {}
    active = _output("rustup", "show", "active-toolchain").split()
    return {"RUSTUP_TOOLCHAIN": active[0]} if active else {}


def _rust() -> tuple[int, ...]:
    """The version of the Rust compiler; () if it or cargo is missing."""
    if not shutil.which("cargo") or not shutil.which("rustc"):
        return ()
    found = re.match(r"rustc (\d+)\.(\d+)", _output("rustc", "--version"))
    return tuple(int(number) for number in found.groups()) if found else ()


def _output(*command: str) -> str:
    # Not in the current folder, whose files might choose another toolchain.
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=os.sep).stdout
