"""When the probe restarts InfluxDB because writes or queries fail: the script, with fake commands."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from userdata.templates import FOLDER

COMMANDS = {
    "systemctl": 'case "$*" in *is-active*) exit "${STOPPED-0}" ;; *show*) echo "@$STARTED" ;;'
    ' *) echo "$*" >>"$DONE" ;; esac',
    "df": 'printf "Use%% IUse%%\\n %s%%  %s%%\\n" "${USED-60}" "${FILES-1}"',
    "cut": "echo secret",
    # InfluxDB's last line, its lines about logs, and its line about a shard that it could not open.
    "journalctl": 'case "$*" in *-n\\ 1*) echo "$LAST" ;; *File*) echo "$LOGS" ;; *series*) echo "$SHARD" ;; esac',
    # The status and exit code of a write; the result of a query.
    "curl": 'cat >/dev/null; case "$*" in */write*) printf %s "$STATUS"; exit "${CURL-0}" ;; *) echo "$FOUND" ;; esac',
}
VALUES = '{"results":[{"series":[{"name":"influxdb_probe","values":[["t",1]]}]}]}'
FAILS = {"STATUS": "500"}


@dataclass
class Server:
    """A folder with the script, the files it reads, and what it did."""

    folder: Path

    def __post_init__(self) -> None:
        script = (FOLDER / "server/probe.sh").read_text()
        for path, ours in {
            "/etc/monitoring": "etc",
            "/run/influxdb-probe": "run",
            "/var/lib/influxdb": "influxdb",
        }.items():
            assert path in script
            script = script.replace(path, str(self.folder / ours))
        (self.folder / "probe").write_text(script)
        for name in ("etc", "run", "influxdb/data/telegraf/autogen/3", "bin", "influxdb/meta"):
            (self.folder / name).mkdir(parents=True)
        (self.folder / "influxdb/meta/meta.db").write_text("databases")
        (self.folder / "etc/boot.conf").touch()
        (self.folder / "etc/server.conf").write_text(
            "TARGET=https://localhost:8086 TARGET_CA= DATABASE=telegraf MACHINE=m\n"
            + (FOLDER / "server/curl.sh").read_text()
        )
        for name, content in COMMANDS.items():
            (self.folder / "bin" / name).write_text(f"#!/bin/sh\n{content}\n")
            (self.folder / "bin" / name).chmod(0o755)

    def run(self, *arguments: str, **environment: str) -> str:
        """What a run prints. Writes and queries succeed unless the environment says otherwise."""
        usual = {
            "PATH": f"{self.folder}/bin:/usr/bin:/bin",
            "DONE": str(self.folder / "done"),
            "STARTED": str(int(time.time()) - 100),
            "STATUS": "204",
            "FOUND": VALUES,
            "LAST": "",
            "LOGS": "",
            "SHARD": "",
        }
        done = subprocess.run(
            ["bash", self.folder / "probe", *arguments],
            env=usual | environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=20,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    @property
    def restarts(self) -> int:
        done = self.folder / "done"
        return done.read_text().count("restart influxdb\n") if done.exists() else 0

    def set_aside(self, name: str) -> None:
        """Write a file that InfluxDB has just set aside."""
        (self.folder / "influxdb/data/telegraf/autogen/3" / name).write_text("12345")


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path)


@pytest.mark.parametrize(
    "failure",
    [
        pytest.param(FAILS, id="a closed shard refuses"),
        pytest.param({"STATUS": "000", "CURL": "28"}, id="no answer in ten seconds"),
        pytest.param({"STATUS": "000", "CURL": "52"}, id="an empty answer"),
        pytest.param({"FOUND": '{"results":[{"statement_id":0}]}'}, id="what was written is not found"),
    ],
)
def test_four_failures_in_a_row_restart_influxdb(server: Server, failure: dict[str, str]) -> None:
    for _ in range(3):
        server.run(**failure)
    assert server.restarts == 0
    server.run()
    for _ in range(3):
        assert server.run(**failure) == ""
    assert server.restarts == 0, "it was well in between"
    assert "4 times" in server.run(**failure)
    assert server.restarts == 1


@pytest.mark.parametrize(
    "state",
    [
        pytest.param({"STATUS": "000", "CURL": "7"}, id="it does not listen yet, however long opening takes"),
        pytest.param({"STATUS": "000", "CURL": "60"}, id="its certificate is not valid yet: the clock is behind"),
        pytest.param({"STATUS": "401"}, id="a refused login is an answer"),
        pytest.param({"STATUS": "400"}, id="a refused point is an answer"),
        pytest.param({**FAILS, "USED": "100"}, id="a restart does not help a full volume"),
        pytest.param({**FAILS, "STOPPED": "3"}, id="stopped on purpose"),
    ],
)
def test_influxdb_is_not_restarted_if_that_does_not_help(server: Server, state: dict[str, str]) -> None:
    for _ in range(5):  # one more than what restarts it otherwise
        server.run(**state)
    assert server.restarts == 0


@pytest.mark.slow
def test_restarts_become_less_frequent(server: Server) -> None:
    """After 4, 8, 16, 32 failures, and then every 64: half an hour."""
    at = []
    for number in range(1, 4 + 8 + 16 + 32 + 64 + 1):
        before = server.restarts
        server.run(**FAILS)
        if server.restarts > before:
            at.append(number)
    assert at == [4, 12, 28, 60, 124]
    for _ in range(20):
        server.run()
    for _ in range(4):
        server.run(**FAILS)
    assert server.restarts == 6, "after ten good minutes it counts from the start"


def test_a_file_set_aside_by_this_run_restarts_influxdb_at_once(server: Server) -> None:
    server.set_aside("000000002-000000002.tsm.bad")
    assert "telegraf/autogen/3/000000002-000000002.tsm.bad" in server.run()
    assert server.restarts == 1
    server.run(STARTED=str(int(time.time()) + 5))
    assert server.restarts == 1, "only once: the next run opened the shard without it"
    for _ in range(4):
        server.run(STARTED=str(int(time.time()) + 5), **FAILS)
    assert server.restarts == 2, "and it did not delay the next one"


def test_a_file_that_seems_newer_than_every_start_restarts_influxdb_only_once(server: Server) -> None:
    """It was set aside when the clock was hours ahead, which it no longer is."""
    for name in ("000000002-000000002.tsm.bad", "000000003-000000001.tsm.bad"):
        server.set_aside(name)
        assert name in server.run()
        for _ in range(3):
            assert server.run() == ""
    assert server.restarts == 2


def test_the_status_lists_the_files_that_were_set_aside(server: Server) -> None:
    assert server.run("status") == "", "before its first run"
    server.run()
    assert server.run("status") == ""
    server.set_aside("000000002-000000002.tsm.bad")
    later = str(int(time.time()) + 5)
    server.run(STARTED=later)
    line = "influxdb_bad_file,file=data/telegraf/autogen/3/000000002-000000002.tsm.bad bytes=5i\n"
    assert server.run("status") == line
    (server.folder / "influxdb/data/my own, a=b").mkdir()
    (server.folder / "influxdb/data/my own, a=b/x.bad").write_text("")
    server.run(STARTED=later)
    assert "influxdb_bad_file,file=data/my\\ own\\,\\ a\\=b/x.bad bytes=0i\n" in server.run("status")
    assert server.run("status", STOPPED="3").count("\n") == 2


CORRUPT = "run: create server: proto: cannot parse invalid wire-format data"
"""The last message of influxd 1.12.4 if meta.db is truncated, garbage or zeros. If it is empty, the message is that a
field is not set."""


@pytest.mark.parametrize("last", [CORRUPT, "run: create server: proto: required field meta.Data.Term not set"])
def test_a_damaged_meta_db_is_replaced_by_the_copy_of_the_last_good_run(server: Server, last: str) -> None:
    meta = server.folder / "influxdb/meta/meta.db"
    server.run()
    meta.write_text("more databases")
    server.run()
    meta.write_text("x")
    server.run(**FAILS)
    assert "copy is in its place" in server.run(LAST=last, STOPPED="3")
    assert meta.read_text() == "more databases"
    assert (meta.parent / "meta.db.bad").read_text() == "x"
    assert server.restarts == 1
    server.run()
    assert "meta/meta.db.bad bytes=1i" in server.run("status")


def test_without_a_copy_of_meta_db_the_message_says_what_to_do_and_nothing_changes(server: Server) -> None:
    assert "restore a backup" in server.run(LAST=CORRUPT, STOPPED="3")
    assert not (server.folder / "influxdb/meta/meta.db.bad").exists()
    assert server.restarts == 0


CLOSED = (
    'lvl=warn msg="Write failed creating shard" service=write shard=1 error="not attempting to open shard 1; '
    'opening shard previously failed with: error loading series file for database \\"telegraf\\": {}"'
)


@pytest.mark.parametrize("why", ["EOF", "invalid series segment", "invalid series segment version"])
def test_a_damaged_series_file_is_rebuilt(server: Server, why: str) -> None:
    series = server.folder / "influxdb/data/telegraf/_series"
    series.mkdir()
    assert "series file of telegraf" in server.run(**FAILS, SHARD=CLOSED.format(why))
    assert not series.exists()
    assert (server.folder / "influxdb/data/telegraf/autogen/3").exists()
    assert server.restarts == 1


@pytest.mark.parametrize("why", ["open /x: permission denied", "input/output error", "open /x: too many open files"])
def test_a_series_file_that_only_cannot_be_opened_is_left_alone(server: Server, why: str) -> None:
    series = server.folder / "influxdb/data/telegraf/_series"
    series.mkdir()
    server.run(**FAILS, SHARD=CLOSED.format(why))
    assert series.exists()
    assert server.restarts == 0


LOGS = """
lvl=info msg="Reading file" service=cacheloader path=/wal/1/_00001.wal size=11945
lvl=info msg="File corrupt" service=cacheloader error="snappy: corrupt input" path=/wal/1/_00001.wal pos=5691
lvl=info msg="Reading file" service=cacheloader path=/wal/1/_00002.wal size=100
"""


def test_what_was_lost_of_a_damaged_log_is_reported_once(server: Server) -> None:
    started = str(int(time.time()) - 100)
    assert server.run(LOGS=LOGS, STARTED=started) == (
        "monitoring: InfluxDB gave up the last 6254 of 11945 bytes of the damaged log /wal/1/_00001.wal\n"
    )
    assert server.run(LOGS=LOGS, STARTED=started) == ""
    assert server.run(LOGS=LOGS, STARTED=str(int(started) + 50)) != ""
