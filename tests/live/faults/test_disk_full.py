"""The data volume fills up: an alert fires before it is full, nothing that agents measured is lost, and InfluxDB
recovers by itself once there is room."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.live.alert_rules import rules
from tests.live.bursts import Burst, forget
from tests.live.environment import Environment
from tests.live.points import NONE, lost, steady
from tests.live.server import kill, main_pid
from tests.live.services import Ask
from tests.live.stacks import up_or_fail
from tests.support.waiting import eventually
from userdata.templates import FOLDER

pytestmark = [pytest.mark.live, pytest.mark.long_fault]

VOLUME = "/srv/monitoring"
FILLER = f"{VOLUME}/filler"
RESTARTED = "InfluxDB is started again"
"""What the probe logs when it restarts InfluxDB."""
NEARLY, FULL = 90, 60
"""The percentage at which the alert fires, and the seconds for which the volume stays full."""


@pytest.fixture
def quick(environment: Environment) -> Iterator[None]:
    """Rules are evaluated often, with the usual `silentAfter`."""
    with environment.settings(alertThresholds={"interval": "10s"}):
        up_or_fail(environment)
        yield
    up_or_fail(environment)


def fill_to(environment: Environment, percent: int) -> None:
    sizes = environment.guest("df", "--block-size=1", "--output=used,avail", VOLUME).stdout.split()
    in_use, left = map(int, sizes[-2:])
    missing = (in_use + left) * percent // 100 - in_use
    done = environment.guest("fallocate", "--length", str(missing), FILLER)
    assert done.returncode == 0, done.stderr


def fill_up(environment: Environment) -> None:
    """Fill it until not even root can write another block."""
    zeros = f"dd if=/dev/zero of={FILLER} bs=1M oflag=append conv=notrunc; dd if=/dev/zero of={FILLER}.end bs=512; sync"
    environment.guest("sh", "-c", zeros)
    refused = environment.guest("dd", "if=/dev/zero", f"of={FILLER}.more", "bs=4096", "count=1", "conv=fsync")
    assert "No space left on device" in refused.stderr, refused.stderr


@pytest.fixture
def filler(environment: Environment) -> Iterator[None]:
    """Deletes whatever fills the volume, even if the test fails."""
    yield
    environment.guest("sh", "-c", f"rm -f {FILLER}*")


def test_an_alert_fires_before_the_data_volume_is_full(
    environment: Environment, influxdb: Ask, passwords: dict[str, str], quick: None, filler: None
) -> None:
    began = time.time()
    fill_to(environment, NEARLY)
    alerting = lambda: rules(environment)["server-data-volume"]["state"] == "firing"  # noqa: E731
    assert eventually(alerting, 480), rules(environment)["server-data-volume"]
    print(f"reported after {time.time() - began:.0f} s at {NEARLY} %")
    with Burst(environment, passwords) as burst:
        assert eventually(lambda: len(burst.acknowledged) > 10, 30), burst.refused
    assert not burst.refused, "the alert came too late"
    forget(influxdb)


def test_a_data_volume_out_of_inodes_loses_nothing_and_influxdb_recovers(
    environment: Environment, influxdb: Ask, filler: None
) -> None:
    """InfluxDB keeps writing until it needs a new file or is restarted; then its shards stay closed. If the probe took
    that for a failure of InfluxDB, it would wait longer and longer."""
    steady(environment)
    began, server = time.time(), environment.instance_id
    script = f"mkdir -p {FILLER}s && cd {FILLER}s && python3 -c 'import os\nfor n in range(10**7): os.mknod(str(n))'"
    assert "No space left on device" in environment.guest("sh", "-c", script).stderr
    kill(environment, server, "influxdb")
    time.sleep(150)
    said = environment.guest("journalctl", "-q", "-o", "cat", "-u", "influxdb-probe", "-u", "influxdb-room", "-n", "99")
    assert RESTARTED in (FOLDER / "server/probe.sh").read_text()
    assert RESTARTED not in said.stdout, "a restart does not help"
    used = influxdb("POST", "/write?db=telegraf", "admin", data="inode_test value=1")
    assert used.status_code == 500, "it stores without inodes"
    assert environment.guest("rm", "-rf", f"{FILLER}s").returncode == 0
    freed = time.time()

    def stores() -> bool:
        try:
            return bool(influxdb("POST", "/write?db=telegraf", "admin", data="inode_test value=1").status_code == 204)
        except OSError:  # requests': it is being restarted
            return False

    assert eventually(stores, 120), "it does not recover by itself"
    print(f"takes writes {time.time() - freed:.0f} s after there were inodes")
    assert lost(environment, began) == NONE


@pytest.mark.parametrize("started", [False, True], ids=["running", "started without room"])
def test_a_full_data_volume_loses_nothing_and_influxdb_recovers(
    environment: Environment, influxdb: Ask, passwords: dict[str, str], filler: None, started: bool
) -> None:
    steady(environment)
    began, server = time.time(), environment.instance_id
    with Burst(environment, passwords) as burst:
        assert eventually(lambda: len(burst.acknowledged) > 100, 60), burst.refused
        fill_up(environment)
        full = time.time()
        assert eventually(lambda: len(burst.refused) > 20, 60), "a full volume still accepts writes"
        before = main_pid(environment, server, "influxdb")
        if started:
            kill(environment, server, "influxdb")
        time.sleep(FULL)
        answers = environment.grafana.get("/api/health").status_code
        length = time.time() - full
        environment.guest("sh", "-c", f"rm {FILLER}*")
        so_far = len(burst.acknowledged)
        assert eventually(lambda: len(burst.acknowledged) > so_far + 100, 120), "it does not recover by itself"
        recovered = time.time() - full - length
    said = sorted({" ".join(text.split()[:12]) for text in burst.refused.values()})
    print(f"full for {length:.0f} s, takes writes {recovered:.0f} s later; refused: {len(burst.refused)}: {said}")
    print(f"acknowledged writes: {len(burst.acknowledged)}, lost of them: {len(burst.lost(influxdb))}")
    assert answers == 200
    assert lost(environment, began) == NONE
    assert main_pid(environment, server, "influxdb") not in ("", before)
    # What has been acknowledged since then does not follow a gap in the log, but is still there after a restart.
    kill(environment, server, "influxdb")
    assert lost(environment, began) == NONE
    assert burst.lost(influxdb) == set()
    forget(influxdb)
