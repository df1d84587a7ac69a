"""Every script and file that is rendered for the server: size, syntax, and that no script shows a login."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace

import pytest

from components.parameters import STANDARD_LIMIT
from settings import PublicCertificate
from tests.support.configuration import DIRECTORY
from tests.userdata.examples import SERVER, TARGET, boot_files, shellcheck
from userdata.boot import BOOT_SCRIPT
from userdata.server_files import MANAGED_FILES, MOVING_FILES, PUBLIC_FILES, server_files

SERVERS = {
    "usual": SERVER,
    "public certificate": replace(
        SERVER, host="m.example.com", public_certificate=PublicCertificate(directory=DIRECTORY)
    ),
    "database of AWS": replace(SERVER, own_influxdb=False, managed_influxdb=True, influxdb_secret="arn"),
    "moving": replace(SERVER, second=replace(TARGET, url="https://influx.example.com:8086"), second_reader="both"),
}
FILES = {name: server_files(values) for name, values in SERVERS.items()}
SCRIPTS = {BOOT_SCRIPT: boot_files()[BOOT_SCRIPT]} | {
    name: text
    for files in FILES.values()
    for name, text in files.items()
    if name.endswith(".sh") or text.startswith("#!/bin/bash")
}


def test_these_servers_have_every_file() -> None:
    optional = {*MANAGED_FILES, *MOVING_FILES, *PUBLIC_FILES}
    assert optional <= {name for files in FILES.values() for name in files}
    assert not optional & set(FILES["usual"])
    assert len(SCRIPTS) > 15


LARGE = {"influxdb-moving", "moving_engine.py"}
"""Files that take an advanced parameter of 8 KiB, which costs money. Only a stack that moves has them."""


@pytest.mark.parametrize("server", SERVERS)
def test_every_file_fits_its_parameter(server: str) -> None:
    sizes = {name: len(text.encode()) for name, text in FILES[server].items()}
    assert {name for name, size in sizes.items() if size > STANDARD_LIMIT} == LARGE & set(sizes)
    assert max(sizes.values()) <= 8192


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_script_is_valid_bash_and_passes_shellcheck(name: str) -> None:
    parsed = subprocess.run(["bash", "-n"], input=SCRIPTS[name], capture_output=True, text=True, check=False)
    assert (parsed.returncode, parsed.stderr) == (0, "")
    shellcheck(SCRIPTS[name])


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_script_traces_itself_or_shows_a_login(name: str) -> None:
    assert not re.search(r"set -\w*x|bash -\w*x", SCRIPTS[name])
    assert not re.search(r"curl [^|\n]*(-v\b|--verbose|-k\b|--insecure|-u )", SCRIPTS[name])
    assert not re.search(r"certbot [^|\n]*(-v\b|--verbose|--debug)", SCRIPTS[name])
