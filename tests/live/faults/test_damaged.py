"""Files of InfluxDB are damaged by a disk, or InfluxDB hangs: it recovers by itself, an alert reports a file that was
set aside, and losses are counted."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator

import pytest

from tests.live.alert_rules import rules
from tests.live.environment import Environment
from tests.live.faults.cases import one_of
from tests.live.points import INTERVAL, NONE, SERVER, lost, steady
from tests.live.server import journal, main_pid
from tests.live.services import Ask, query
from tests.support.waiting import eventually

pytestmark = pytest.mark.live

SHARDS = "/var/lib/influxdb/data/telegraf/autogen"
LOGS = "/var/lib/influxdb/wal/telegraf/autogen"


def stored(influxdb: Ask) -> int:
    """The number of points that all hosts have of "uptime"."""
    found = json.loads(query(influxdb, "admin", 'SELECT count("uptime") FROM "system"'))
    return int(found["results"][0]["series"][0]["values"][0][1])


def works(influxdb: Ask) -> bool:
    """Whether a point can be written and read."""
    try:
        written = influxdb("POST", "/write?db=telegraf", "admin", data="damage_test value=1")
        found = query(influxdb, "admin", 'SELECT last("value") FROM "damage_test" WHERE time > now() - 20s')
    except OSError:  # requests': InfluxDB is not up
        return False
    return bool(written.status_code == 204) and '"values"' in found


def damage(environment: Environment, find: str, change: str) -> str:
    """Change a file (`$f`, with its size in `$s`) while InfluxDB is stopped; returns its path."""
    script = f'f=$({find}); [ -n "$f" ]; systemctl stop influxdb; s=$(stat -c %s $f); {change}; echo $f'
    done = environment.guest("bash", "-ec", script)
    assert done.returncode == 0, done.stderr
    # As at a boot, nobody waits for it.
    assert environment.guest("systemctl", "start", "--no-block", "influxdb").returncode == 0
    return done.stdout.strip()


def lost_since(environment: Environment, moment: float) -> dict[str, int]:
    """What was lost of later measurements. `lost` also looks at earlier intervals, which were in the damaged file."""
    time.sleep(max(0.0, moment + 5 * INTERVAL - time.time()))
    return lost(environment, moment + 3 * INTERVAL)


@pytest.fixture
def a_tsm_file(environment: Environment) -> Iterator[None]:
    """A TSM file with the measurements so far, which InfluxDB writes for a backup. Files that were set aside are
    deleted afterwards."""
    steady(environment)
    backup = "cd $(mktemp -d) && influxd backup -portable -db telegraf ./b"
    assert environment.guest("sh", "-c", backup).returncode == 0
    yield
    environment.guest("find", "/var/lib/influxdb/data", "-name", "*.bad", "-delete")


def test_a_tsm_file_cut_in_half_loses_only_its_content(
    environment: Environment, influxdb: Ask, a_tsm_file: None
) -> None:
    before = stored(influxdb)
    newest = f"ls -t {SHARDS}/*/*.tsm | head -n 1"
    file = damage(environment, newest, "truncate -s $((s / 2)) $f")
    cut = time.time()
    assert eventually(lambda: works(influxdb)), "it does not recover by itself"
    print(f"works {time.time() - cut:.0f} s after its start with half a file; {before} points before")
    assert environment.guest("test", "-e", f"{file}.bad").returncode == 0
    assert "has set aside" in environment.guest("journalctl", "-u", "influxdb-probe", "-o", "cat", "-n", "20").stdout
    name = f"{file.removeprefix('/var/lib/influxdb/')}.bad"

    def reported() -> bool:
        alerts = rules(environment)["server-bad-file"]["alerts"]
        return [one["labels"].get("file") for one in alerts if one["state"] == "Alerting"] == [name]

    assert eventually(reported, 400), rules(environment)["server-bad-file"]
    assert lost_since(environment, cut) == NONE
    print(f"{stored(influxdb)} points afterwards")


def test_a_log_damaged_in_the_middle_loses_only_the_rest_of_it(environment: Environment, influxdb: Ask) -> None:
    steady(environment)
    before, began = stored(influxdb), time.time()
    largest = f"ls -S {LOGS}/*/*.wal | head -n 1"
    zeros = "dd if=/dev/zero of=$f bs=1 seek=$((s / 2)) count=4096 conv=notrunc status=none"
    file = damage(environment, largest, zeros)
    # What InfluxDB still took before it was stopped is in the rest of the log, too.
    damaged = time.time()
    assert eventually(lambda: works(influxdb)), "it does not recover by itself"
    print(f"{before} points before, {stored(influxdb)} after half a log and {time.time() - began:.0f} s more")
    assert lost_since(environment, damaged) == NONE
    words = r"InfluxDB gave up the last (\d+) of (\d+) bytes of the damaged log (\S+)"
    found = eventually(lambda: re.search(words, journal(environment, "influxdb-probe", began)))
    assert found, f"nobody is notified: {journal(environment, 'influxdb-probe', began)}"
    assert found[3] == file
    assert int(found[2]) / 2 <= int(found[1]) < int(found[2])


META = "/var/lib/influxdb/meta/meta.db"


@pytest.fixture
def nothing_set_aside(environment: Environment, quiet_server: None) -> Iterator[None]:
    """The test begins when no host has a gap; the meta.db that was set aside is deleted afterwards. The boot script,
    which runs again after such a damage, would start InfluxDB while the next test stops it."""
    steady(environment)
    yield
    environment.guest("rm", "-f", f"{META}.bad")


CHANGES = {
    "empty": "truncate -s 0 $f",
    "half": "truncate -s $((s / 2)) $f",
    "zeros": "dd if=/dev/zero of=$f bs=$s count=1 conv=notrunc status=none",
    "gone": "rm $f",
}
"""What InfluxDB then says and what the probe does about it is tested in tests/userdata/test_probe.py."""


@pytest.mark.parametrize("change", one_of(CHANGES, "half", "gone"))
def test_a_damaged_meta_db_loses_nothing(
    environment: Environment, influxdb: Ask, nothing_set_aside: None, change: str
) -> None:
    """InfluxDB does not start with an unreadable meta.db, and without one it starts empty."""
    before, began = stored(influxdb), time.time()
    damage(environment, f"ls {META}", CHANGES[change])
    assert eventually(lambda: works(influxdb)), "InfluxDB never starts, or has lost its users"
    print(f"meta.db: works {time.time() - began:.0f} s after it was damaged")
    assert stored(influxdb) >= before
    assert lost(environment, began) == NONE
    if change != "gone":
        assert "meta.db was damaged" in journal(environment, "influxdb-probe", began)
        assert environment.guest("test", "-e", f"{META}.bad").returncode == 0
        # The copy may be older than passwords or the retention: the boot script's next run sets them again.
        assert environment.guest("test", "-e", "/run/monitoring/applied").returncode != 0


def test_a_damaged_series_file_loses_nothing(environment: Environment, influxdb: Ask, nothing_set_aside: None) -> None:
    """It is the only part of a database's index on disk; the rest is in memory (`index-version` is inmem)."""
    before, began = stored(influxdb), time.time()
    first = "ls /var/lib/influxdb/data/telegraf/_series/00/0000"
    damage(environment, first, "truncate -s 0 $f")
    assert eventually(lambda: works(influxdb)), "it refuses all writes for good"
    print(f"series file: works {time.time() - began:.0f} s after it was damaged")
    assert "is made again" in journal(environment, "influxdb-probe", began)
    assert stored(influxdb) >= before
    assert lost(environment, began) == NONE


@pytest.mark.long_fault
def test_an_influxdb_that_hangs_is_restarted_and_loses_nothing(environment: Environment, influxdb: Ask) -> None:
    steady(environment)
    before, began = main_pid(environment, environment.instance_id, "influxdb"), time.time()
    stopped = environment.guest("systemctl", "kill", "--signal=STOP", "--kill-whom=main", "influxdb")
    assert stopped.returncode == 0, stopped.stderr
    assert environment.guest("systemctl", "is-active", "influxdb").stdout.strip() == "active"
    assert eventually(lambda: works(influxdb), 360), "nothing restarts it"
    print(f"works {time.time() - began:.0f} s after it hung")
    assert main_pid(environment, environment.instance_id, "influxdb") not in ("", before)
    found = lost(environment, began)
    assert found["db-1"] == found["web-1"] == found[SERVER] == 0
