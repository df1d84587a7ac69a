"""The programs that read rendered files on machines accept whatever the settings accept, as far as they are installed.

tests/userdata/test_round_trips.py reads the same values back with Python; here the parsers are the real ones. systemd's
parser of environment files is tried on a machine: tests/live/test_parsers.py.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from benchmarks.influx import Influx
from sandbox import toolchain
from settings import Host, Settings
from settings import values as v
from settings.ssh_keys import host_key
from settings.versions import Version
from tests.support.configuration import HOST
from tests.userdata.examples import AGENT, SERVER, TARGET, agent_config
from tests.userdata.test_round_trips import RETENTIONS, VERSIONS, accepted, hosts, server_values, servers
from userdata.server_files import server_files, shard_duration

pytestmark = pytest.mark.slow

SOME = settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.function_scoped_fixture],
)


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed here")
    return found


def telegraf() -> Path:
    found = toolchain.binaries() / "telegraf"
    if not found.exists():
        pytest.skip("the toolchain is not built")
    return found


def output_of(*command: str | Path, stdin: str = "", **environment: str) -> str:
    """The output of a program, which must succeed."""
    done = subprocess.run(
        command,
        input=stdin,
        env={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL": "C.UTF-8"} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


# --- Telegraf


@SOME
@given(hosts())
def test_telegraf_accepts_the_configuration_of_every_host(tmp_path: Path, host: Host) -> None:
    """`config check` creates all plugins but starts none."""
    values = replace(
        AGENT, target=replace(AGENT.target, private_ca=False), host=host.name, tags=host.tags, inputs=host.inputs
    )
    file = tmp_path / "telegraf.conf"
    file.write_text(agent_config(values))
    words = output_of(telegraf(), "config", "check", "--config", file, INFLUX_PASSWORD="a", **host.inputs.secrets)
    assert " E! " not in words
    assert "deprecated" not in words, words


@SOME
@given(servers(), st.booleans())
def test_telegraf_accepts_the_configuration_of_every_server(tmp_path: Path, stack: Settings, own: bool) -> None:
    values = replace(server_values(stack), own_influxdb=own, target=replace(TARGET, private_ca=False))
    file = tmp_path / "telegraf.conf"
    file.write_text(server_files(values)["telegraf.conf"])
    words = output_of(telegraf(), "config", "check", "--config", file, INFLUX_PASSWORD="a", INFLUX_ADMIN="b")
    assert " E! " not in words
    assert "deprecated" not in words, words


# --- apt and dpkg


@SOME
@given(VERSIONS)
def test_dpkg_accepts_every_version(version: str) -> None:
    try:
        TypeAdapter(Version).validate_python(version)
    except ValidationError:
        assume(False)
    output_of(program("dpkg"), "--validate-version", version)


@SOME
@given(servers())
def test_apt_reads_every_repository_and_pin(tmp_path: Path, stack: Settings) -> None:
    """The files are as boot.sh writes them."""
    (tmp_path / "lists" / "partial").mkdir(parents=True, exist_ok=True)
    sources, preferences = tmp_path / "sources.list", tmp_path / "preferences"
    repositories = (stack.grafana_repository, stack.influxdata_repository)
    lines = [f"deb [signed-by=/etc/apt/keyrings/a.gpg] {one.url} {one.suite} {one.component}" for one in repositories]
    sources.write_text("\n".join(dict.fromkeys(lines)) + "\n")
    preferences.write_text(f"Package: grafana\nPin: version {stack.grafana_version}\nPin-Priority: 1001\n")
    folders = {"Etc::sourcelist": sources, "Etc::sourceparts": "/dev/null", "Etc::preferences": preferences}
    folders |= {"Etc::preferencesparts": "/dev/null", "State": tmp_path, "Cache": tmp_path}
    options = [word for name, path in folders.items() for word in ("-o", f"Dir::{name}={path}")]
    asked = output_of(program("apt-get"), *options, "update", "--print-uris")
    for one in repositories:
        assert f"'{one.url}/dists/{one.suite}/InRelease'" in asked
    assert not re.search(r"^[EW]: ", asked + output_of(program("apt-cache"), *options, "policy", "apt"), re.MULTILINE)


# --- systemd


def test_systemd_accepts_every_time_of_a_backup() -> None:
    times = [f"{hour:02}:{minute:02}" for hour in range(24) for minute in (0, 7, 59)]
    calendars = []
    for time in times:
        assert accepted(backups={"schedule": time}).backups.schedule == time
        timer = server_files(replace(SERVER, backup_schedule=time))["monitoring-backup.timer"]
        calendars += re.findall(r"^OnCalendar=(.*)$", timer, re.MULTILINE)
    assert len(calendars) == len(times)
    printed = output_of(program("systemd-analyze"), "calendar", *calendars)
    assert printed.count("Next elapse: ") == len(times)


# --- OpenSSH


def test_openssh_reads_every_host_key(tmp_path: Path) -> None:
    for kind, bits in (("ed25519", 256), ("ecdsa", 256), ("ecdsa", 384), ("ecdsa", 521)):
        file = tmp_path / f"{kind}-{bits}"
        output_of(program("ssh-keygen"), "-q", "-t", kind, "-b", str(bits), "-N", "", "-C", "a comment", "-f", file)
        key = host_key(file.with_suffix(".pub").read_text())
        (host,) = accepted(hosts=[HOST | {"hostKey": key}]).hosts
        known = tmp_path / "known_hosts"
        known.write_text(f"{host.address} {host.host_key}\n")
        assert f"# Host {host.address} found" in output_of(program("ssh-keygen"), "-F", host.address, "-f", known)
        assert output_of(program("ssh-keygen"), "-l", "-f", known).split()[0] == str(bits)


# --- InfluxDB


@pytest.fixture(scope="module")
def influx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Influx]:
    if not (toolchain.binaries() / "influxd").exists():
        pytest.skip("the toolchain is not built")
    server = Influx(tmp_path_factory.mktemp("influx"))
    yield server
    server.stop()


@SOME
@given(RETENTIONS)
def test_influxdb_keeps_measurements_as_long_as_the_setting_says(influx: Influx, retention: str) -> None:
    """The statement is as in influxdb.sh."""
    taken = accepted(retention=retention).retention
    shard = shard_duration(taken)
    influx.query(f'ALTER RETENTION POLICY "autogen" ON "telegraf" DURATION {taken} SHARD DURATION {shard} DEFAULT')
    answer = influx.query('SHOW RETENTION POLICIES ON "telegraf"').json()["results"][0]["series"][0]
    (policy,) = [dict(zip(answer["columns"], row, strict=True)) for row in answer["values"]]
    # InfluxDB writes durations as Go does, such as 720h0m0s; 0s is forever.
    assert v.seconds(policy["duration"]) == (0 if taken == "INF" else v.seconds(taken))
