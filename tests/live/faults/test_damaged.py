"""Files of InfluxDB that a disk damaged, and an InfluxDB that hangs: it goes on by itself, an alert says so, and what
is lost is counted."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from tests.live.alert_rules import rules
from tests.live.environment import Environment
from tests.live.points import HOSTS, INTERVAL, SERVER, eventually, lost, steady
from tests.live.server import run_of
from tests.live.services import Ask, query

pytestmark = pytest.mark.live

NONE = dict.fromkeys(HOSTS, 0)
SHARDS = "/var/lib/influxdb/data/telegraf/autogen"
LOGS = "/var/lib/influxdb/wal/telegraf/autogen"


def stored(influxdb: Ask) -> int:
    """Points of all hosts' uptimes."""
    found = json.loads(query(influxdb, "admin", 'SELECT count("uptime") FROM "system"'))
    return int(found["results"][0]["series"][0]["values"][0][1])


def works(influxdb: Ask) -> bool:
    """A point can be written and is found."""
    try:
        written = influxdb("POST", "/write?db=telegraf", "admin", data="damage_test value=1")
        found = query(influxdb, "admin", 'SELECT last("value") FROM "damage_test" WHERE time > now() - 20s')
    except OSError:  # of requests: not there
        return False
    return bool(written.status_code == 204) and '"values"' in found


def damage(environment: Environment, find: str, change: str) -> str:
    """Change a file (`$f`, `$s` its size) while InfluxDB is off; returns its path."""
    script = f'f=$({find}); [ -n "$f" ]; systemctl stop influxdb; s=$(stat -c %s $f); {change}; echo $f'
    done = environment.guest("bash", "-ec", script)
    assert done.returncode == 0, done.stderr
    # As at a boot: started, and left to itself.
    assert environment.guest("systemctl", "start", "--no-block", "influxdb").returncode == 0
    return done.stdout.strip()


def lost_since(environment: Environment, moment: float) -> dict[str, int]:
    """Of what was measured since. `lost` also looks at intervals before, and those a damaged file held."""
    time.sleep(max(0.0, moment + 8 * INTERVAL - time.time()))
    return lost(environment, moment + 3 * INTERVAL)


@pytest.fixture
def a_tsm_file(environment: Environment) -> Iterator[None]:
    """A backup has InfluxDB write the measurements so far into a file. None that was set aside stays."""
    steady(environment)
    backup = "cd $(mktemp -d) && influxd backup -portable -db telegraf ./b"
    assert environment.guest("sh", "-c", backup).returncode == 0
    yield
    environment.guest("find", "/var/lib/influxdb/data", "-name", "*.bad", "-delete")


def test_a_tsm_file_cut_in_half_costs_what_was_in_it(environment: Environment, influxdb: Ask, a_tsm_file: None) -> None:
    """shared/cases/server/tsm.sh."""
    before = stored(influxdb)
    newest = f"ls -t {SHARDS}/*/*.tsm | head -n 1"
    file = damage(environment, newest, "truncate -s $((s / 2)) $f")
    cut = time.time()
    assert eventually(lambda: works(influxdb), 120), "it never stores again by itself"
    print(f"stores and finds {time.time() - cut:.0f} s after its start with half a file; {before} points before")
    assert environment.guest("test", "-e", f"{file}.bad").returncode == 0
    assert "has set aside" in environment.guest("journalctl", "-u", "influxdb-probe", "-o", "cat", "-n", "20").stdout
    assert lost_since(environment, cut) == NONE
    print(f"{stored(influxdb)} points afterwards")
    name = f"{file.removeprefix('/var/lib/influxdb/data/')}.bad"

    def reported() -> bool:
        alerts = rules(environment)["server-bad-file"]["alerts"]
        return [one["labels"].get("file") for one in alerts if one["state"] == "Alerting"] == [name]

    assert eventually(reported, 240), rules(environment)["server-bad-file"]


def test_a_log_damaged_in_its_middle_costs_the_rest_of_it(environment: Environment, influxdb: Ask) -> None:
    steady(environment)
    before, began = stored(influxdb), time.time()
    largest = f"ls -S {LOGS}/*/*.wal | head -n 1"
    zeros = "dd if=/dev/zero of=$f bs=1 seek=$((s / 2)) count=4096 conv=notrunc status=none"
    damage(environment, largest, zeros)
    assert eventually(lambda: works(influxdb), 120), "it never stores again by itself"
    print(f"{before} points before, {stored(influxdb)} after half a log and {time.time() - began:.0f} s more")
    assert lost_since(environment, began) == NONE


@pytest.mark.long_fault
def test_an_influxdb_that_hangs_is_started_again_and_costs_nothing(environment: Environment, influxdb: Ask) -> None:
    steady(environment)
    before, began = run_of(environment, environment.instance_id, "influxdb"), time.time()
    stopped = environment.guest("systemctl", "kill", "--signal=STOP", "--kill-whom=main", "influxdb")
    assert stopped.returncode == 0, stopped.stderr
    assert environment.guest("systemctl", "is-active", "influxdb").stdout.strip() == "active"
    assert eventually(lambda: works(influxdb), 360), "nobody starts it again"
    print(f"stores and finds {time.time() - began:.0f} s after it hung")
    assert run_of(environment, environment.instance_id, "influxdb") not in ("", "0", before)
    found = lost(environment, began)
    assert found["db-1"] == found["web-1"] == found[SERVER] == 0
