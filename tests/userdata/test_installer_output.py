"""The installer prints no secret, whatever fails: what it prints is in Pulumi's state and errors in plain text.

It really runs, in its own mount namespace, with wrappers around the machine's programs that print their arguments. One
of them fails.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from settings import Inputs
from tests.userdata.examples import AGENT
from userdata.agents import ACTION, ByTag, agent_installer

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
{ echo "$name: cannot do: $*"; export -p; } >&2
[ "$name" != "$FAILS" ] || exit 1
case $name in
  dnf | chgrp | sleep | sync | userdel) ;;
  apt-get) case ${@: -1} in telegraf=*) echo "${@: -1}" >/run/telegraf ;; esac ;;
  systemctl)
    case $* in
      *ExecStart*) echo /usr/bin/telegraf -config /etc/telegraf/telegraf.conf ;;
      *SubState*) echo "${STATE:-running}" ;;
      # As Telegraf's packages (scripts/telegraf.service, -config-directory).
      *start\\ telegraf) [ -d /etc/telegraf/telegraf.d ] || exit 1 ;;
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
def test_the_installer_finishes_without_printing_a_secret(work: Path, system: str, manager: str) -> None:
    done = install(work, SCRIPT, system=system)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "Telegraf" in done.stdout
    assert "reports as db-1" in done.stdout
    assert "secret-of" not in done.stdout + done.stderr
    assert {"curl", "gpg", "mv", "systemctl"} <= {line.partition(":")[0] for line in done.stderr.splitlines()}
    assert "cannot read the repository" in install(work, SCRIPT, manager, system=system).stderr


def test_a_password_in_telegraf_s_log_is_masked(work: Path) -> None:
    done = install(work, SCRIPT.replace("main() {", "export STATE=failed\nmain() {", 1))
    assert done.returncode != 0
    assert "Telegraf does not start: the password *** is wrong" in done.stderr
    assert "secret-of" not in done.stdout + done.stderr


BY_TAG = agent_installer(replace(AGENT, password="", by_tag=ByTag("eu-central-1", "/monitoring/dev/password")))
PYTHON = """#!/bin/bash
STORE="eu-central-1 https://ssm.eu-central-1.amazonaws.com/"
cat >/dev/null
echo "a warning" >&2
case $2 in
  $FAILS) echo "AWS says no" >&2; exit 1 ;;
  identity) printf 'shop-1\\nephemeral\\n' ;;
  parameter)
    case "$3 $4 $5" in
      "$STORE /monitoring/dev/password") echo secret-of-aws ;;
      "$STORE /monitoring/dev/other") echo 'secret-of-"others" $(id) \\' ;;
      *) exit 1 ;;
    esac ;;
esac
"""


@pytest.mark.parametrize("action", ["install", "remove"])
def test_on_an_instance_chosen_by_tag_it_gets_the_password_from_aws(work: Path, action: str) -> None:
    (work / "bin" / "python3").write_text(PYTHON)
    (work / "bin" / "python3").chmod(0o755)
    shown = (
        "\ncat /etc/default/telegraf /etc/telegraf/telegraf.d/ec2.conf; grep ^hostname /etc/telegraf/telegraf.conf\n"
    )
    script = BY_TAG.replace(ACTION, action).replace(
        "instance() {", "instance() {\n  echo i-0123456789abcdef0; return", 1
    )
    done = install(work, script + (shown if action == "install" else ""))
    assert done.returncode == 0, done.stderr[-2000:]
    if action == "remove":
        assert "monitoring: Telegraf is removed" in done.stdout
        return
    report, _, files = done.stdout.partition("INFLUX_PASSWORD=")
    assert "reports as shop-1" in report
    assert files.startswith("'secret-of-aws'\n")
    assert '[global_tags]\ninstance_id = "i-0123456789abcdef0"\nephemeral = "true"\n' in files
    assert 'hostname = "shop-1"' in files
    assert "secret-of" not in done.stderr + report


@pytest.mark.parametrize(
    ("other", "kept"), [("/monitoring/dev/other", """'secret-of-"others" $(id) \\'"""), ("", "'secret-of-aws'")]
)
def test_while_the_stack_moves_it_keeps_a_password_for_each_influxdb(work: Path, other: str, kept: str) -> None:
    """The password of an external InfluxDB can contain any character but a single quote."""
    (work / "bin" / "python3").write_text(PYTHON)
    (work / "bin" / "python3").chmod(0o755)
    by_tag = ByTag("eu-central-1", "/monitoring/dev/password", other)
    values = replace(AGENT, password="", second=replace(AGENT.target, url="https://a.b"), by_tag=by_tag)
    script = agent_installer(values).replace(ACTION, "install")
    done = install(work, f"{script}\ncat /etc/default/telegraf\n")
    assert done.returncode == 0, done.stderr[-2000:]
    report, _, files = done.stdout.partition("INFLUX_PASSWORD=")
    assert files == f"'secret-of-aws'\nINFLUX_PASSWORD_OTHER={kept}\n"
    assert "secret-of" not in done.stderr + report


@pytest.mark.parametrize("step", ["identity", "parameter"])
def test_a_refusal_of_aws_is_reported_and_changes_nothing(work: Path, step: str) -> None:
    (work / "bin" / "python3").write_text(PYTHON)
    (work / "bin" / "python3").chmod(0o755)
    done = install(work, BY_TAG.replace(ACTION, "install"), step)
    assert done.returncode != 0
    assert "monitoring: AWS says no" in done.stderr
    assert "apt-get" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("program", PROGRAMS)
def test_no_secret_is_printed_whichever_program_fails(work: Path, program: str) -> None:
    systems = ("debian", "fedora") if program in ("curl", "dnf", "rpm", "systemctl") else ("debian",)
    for system, arguments in product(systems, ((), ("remove",))):
        done = install(work, SCRIPT, program, *arguments, system=system)
        assert "secret-of" not in done.stdout + done.stderr, (system, arguments)


@pytest.mark.slow
def test_no_secret_is_printed_when_the_disk_is_full(work: Path) -> None:
    fill = "mount -t tmpfs -o size=8k none /etc/default; head -c 9999 /dev/zero >/etc/default/x || :"
    done = install(work, SCRIPT.replace("configure_telegraf() {", f"configure_telegraf() {{\n{fill}", 1))
    assert done.returncode != 0
    assert "No space left on device" in done.stderr.partition("head:")[2].partition("\n")[2]
    assert "secret-of" not in done.stdout + done.stderr


def test_the_folder_that_telegraf_s_unit_names_is_created(work: Path) -> None:
    """Telegraf would not start on a host where it was removed."""
    done = install(work, agent_installer(replace(AGENT, host="db-1")))
    assert "monitoring: Telegraf " in done.stdout, done.stderr[-500:]
    assert done.returncode == 0


def test_a_part_of_the_installer_does_nothing() -> None:
    """And bash does not print a line with a secret when it complains that the script is incomplete."""
    script = SCRIPT.replace("[ -d /run/systemd/system ]", "echo it-ran; exit 1")

    def run(part: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["bash"], input=part, capture_output=True, text=True, check=False)

    for length in (*range(100, len(script), 199), *range(len(script) - 18, len(script) - 2)):
        done = run(script[:length])
        assert "it-ran" not in done.stdout, length
        assert "secret-of" not in done.stdout + done.stderr, length
    assert "it-ran" in run(script).stdout
