"""The installer prints nothing secret, whatever fails: all it prints is in the state, and in the error, in plain text.

It runs for real, in a mount namespace of its own, with programs in front of the machine's that show what they were
called with, and one of which fails.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from settings import Inputs
from tests.userdata.test_render import AGENT
from userdata.agents import agent_installer

INPUTS = Inputs.model_validate(
    {"postgresql": {"password": "secret-of-postgresql"}, "redis": {"password": "secret-of-redis"}}
)
SCRIPT = agent_installer(replace(AGENT, host="db-1", password="secret-of-influxdb", inputs=INPUTS))
PROGRAMS = (
    *(
        "apt-get",
        "awk",
        "cat",
        "chgrp",
        "chmod",
        "cmp",
        "curl",
        "dnf",
        "dpkg-query",
        "getent",
        "gpg",
        "grep",
        "hostname",
    ),
    *(
        "id",
        "install",
        "journalctl",
        "mkdir",
        "mktemp",
        "mv",
        "printf",
        "rm",
        "rpm",
        "sed",
        "sleep",
        "sync",
        "systemctl",
        "touch",
        "userdel",
    ),
)
SHOWN = """#!/bin/bash
name=${0##*/}
{ echo "$name: cannot do: $*"; env; } >&2
[ "$name" != "$FAILS" ] || exit 1
case $name in
  dnf | chgrp | sleep | sync | userdel) ;;
  apt-get) case ${@: -1} in telegraf=*) echo "${@: -1}" >/run/telegraf ;; esac ;;
  systemctl)
    case $* in
      *ExecStart*) echo /usr/bin/telegraf -config /etc/telegraf/telegraf.conf ;;
      *SubState*) echo "${STATE:-running}" ;;
    esac ;;
  journalctl) echo "2026-01-01T00:00:00Z E! the password secret-of-influxdb is wrong" ;;
  dpkg-query) [ -e /run/telegraf ] && sed s/telegraf=/installed\\ / /run/telegraf ;;
  rpm) exit 1 ;;
  curl) echo key >"${@: -2:1}" ;;
  gpg) [ "$1" != --show-keys ] || printf 'pub:\\nfpr:::::::::%s:\\n' "$FINGERPRINT" ;;
  *) PATH=$REAL_PATH; exec "$name" "${@/#telegraf/root}" ;;
esac
"""
STAGE = """
set -e
alternatives=$(mktemp -d)
mount --bind /etc/alternatives "$alternatives"
for folder in /etc /run /var/lib /var/log /var/tmp; do mount -t tmpfs none $folder; done
echo "ID=$SYSTEM" >/etc/os-release
cp -a "$alternatives" /etc/alternatives
umount "$alternatives"
rmdir "$alternatives"
echo root:x:0:0:root:/root:/bin/sh >/etc/passwd
echo root:x:0: >/etc/group
mkdir -p /run/systemd/system /etc/systemd/system /etc/default /etc/apt/sources.list.d /etc/apt/preferences.d
exec env PATH="$WORK/bin:$PATH" bash -s "$@"
"""


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("installer")
    (folder / "bin").mkdir()
    for name in PROGRAMS:
        (folder / "bin" / name).write_text(SHOWN)
        (folder / "bin" / name).chmod(0o755)
    return folder


def install(
    work: Path, script: str, fails: str = "", *arguments: str, system: str = "debian"
) -> subprocess.CompletedProcess[str]:
    path = os.environ["PATH"]
    environment = {
        "PATH": path,
        "REAL_PATH": path,
        "WORK": str(work),
        "FAILS": fails,
        "SYSTEM": system,
        "FINGERPRINT": AGENT.repository.key_fingerprint,
    }
    command = ["unshare", "--map-root-user", "--mount", "bash", "-c", STAGE, "stage", *arguments]
    return subprocess.run(
        command, input=script, env=environment, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize(("system", "manager"), [("debian", "apt-get"), ("fedora", "dnf")])
def test_it_comes_to_its_end(work: Path, system: str, manager: str) -> None:
    done = install(work, SCRIPT, system=system)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "Telegraf" in done.stdout
    assert "reports as db-1" in done.stdout
    assert "secret-of" not in done.stdout + done.stderr
    assert {"curl", "gpg", "mv", "systemctl"} <= {line.partition(":")[0] for line in done.stderr.splitlines()}
    assert "cannot read the repository" in install(work, SCRIPT, manager, system=system).stderr


def test_telegraf_does_not_start_and_says_the_password(work: Path) -> None:
    done = install(work, SCRIPT.replace("main() {", "export STATE=failed\nmain() {", 1))
    assert done.returncode != 0
    assert "Telegraf does not start: the password *** is wrong" in done.stderr
    assert "secret-of" not in done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("program", PROGRAMS)
def test_whatever_program_fails(work: Path, program: str) -> None:
    systems = ("debian", "fedora") if program in ("curl", "dnf", "rpm", "systemctl") else ("debian",)
    for system, arguments in product(systems, ((), ("remove",))):
        done = install(work, SCRIPT, program, *arguments, system=system)
        assert "secret-of" not in done.stdout + done.stderr, (system, arguments)


@pytest.mark.slow
def test_a_full_disk(work: Path) -> None:
    fill = "mount -t tmpfs -o size=8k none /etc/default; head -c 9999 /dev/zero >/etc/default/x || :"
    done = install(work, SCRIPT.replace("configure_telegraf() {", f"configure_telegraf() {{\n{fill}", 1))
    assert done.returncode != 0
    assert "No space left on device" in done.stderr.partition("head:")[2].partition("\n")[2]
    assert "secret-of" not in done.stdout + done.stderr


@pytest.mark.slow
def test_what_arrives_in_part(work: Path) -> None:
    for length in range(100, len(SCRIPT), 197):
        done = install(work, SCRIPT[:length])
        assert "secret-of" not in done.stdout + done.stderr, length
