"""The stack moves from its own InfluxDB to another one and back, step by step (docs/moving.md). After each step, the
points that dashboards would show are counted."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.live import external_influxdb
from tests.live.environment import Environment
from tests.live.external_influxdb import NO_VERSION_2, PASSWORD, ExternalInfluxdb
from tests.live.fleet import TAG, Fleet, fleet_of
from tests.live.panels import panel_results, query_results
from tests.live.points import HOSTS, SERVER, lost, steady
from tests.live.services import Ask, passwords_now
from tests.live.stacks import up_or_fail
from tests.support.waiting import eventually

pytestmark = [pytest.mark.live, pytest.mark.long_fault]

PAST, EVERY = 5 * 86400, 60
"""How far back a host that no longer exists has points, and the interval between them, in seconds. Only the copy can
bring these along."""
UNIT, STATE = "influxdb-moving.service", "/srv/monitoring/influxdb-moving.json"


@pytest.fixture(scope="module")
def external(environment: Environment) -> Iterator[ExternalInfluxdb]:
    yield external_influxdb.start_version_2(environment)
    external_influxdb.stop(environment)


CHOSEN = "chosen"
"""An EC2 instance that gets its agent because of its tag."""


@pytest.fixture(scope="module")
def fleet(environment: Environment) -> Iterator[Fleet]:
    with fleet_of(environment) as made:
        made.launch(CHOSEN, TAG)
        environment.configure(hostsByTag=TAG)
        up_or_fail(environment)
        made.allow("monitoring", environment.outputs["hostsByTagPolicy"])
        environment.aws("ssm").start_associations_once(AssociationIds=[environment.outputs["hostsByTagAssociation"]])
        wait_for_installer(made)
        yield made
        environment.configure(hostsByTag={})


def wait_for_installer(fleet: Fleet) -> None:
    """Wait until the host chosen by its tag has run the installer of the last `up`, which `up` itself does not."""
    association = fleet.environment.outputs["hostsByTagAssociation"]
    ran = eventually(lambda: fleet.status(CHOSEN, association)[0] == "Success", 300)
    assert ran, fleet.status(CHOSEN, association)


def step(fleet: Fleet, **changed: Any) -> None:
    """Do a step of docs/moving.md: change settings and run `up`."""
    fleet.environment.configure(**changed)
    up_or_fail(fleet.environment)
    wait_for_installer(fleet)


def newest_value(environment: Environment, query: str) -> float | None:
    """The newest value of the first field that a query returns through Grafana; None if there is none."""
    asked = {"refId": "A", "datasource": {"uid": "influxdb"}, "query": query, "rawQuery": True}
    answer = query_results(environment, {"queries": [asked], "from": "now-7d", "to": "now"}, query)
    frames = answer["A"].get("frames", [])
    return frames[0]["data"]["values"][1][-1] if frames and frames[0]["data"]["values"][0] else None


def wait_for_copy(environment: Environment) -> None:
    """Wait until a run that began after all agents wrote to both has nothing left to copy and nothing missing."""
    since = int(time.time()) + 95  # MARGIN in userdata/server/moving.py
    where = f"WHERE \"of\" = '' AND time > {since}s"
    queries = [f'SELECT last("{name}") FROM "moving" {where}' for name in ("behind", "missing")]  # noqa: S608

    def done() -> bool:
        try:
            return [newest_value(environment, query) for query in queries] == [0, 0]
        except AssertionError:  # Grafana gave up on a query: a busy machine can be that slow while it copies
            return False

    assert eventually(done, 1200), environment.guest("journalctl", "-u", UNIT, "-n", "20").stdout


def interrupt_next_copy(environment: Environment) -> None:
    """Have the next copy killed (kill -9) as soon as it has noted its first part; what an earlier move noted stays."""
    loop = f"touch /run/before; until [ {STATE} -nt /run/before ]; do sleep 0.02; done; systemctl kill -s KILL {UNIT}"
    started = environment.guest("systemd-run", "--unit", "interrupting", "timeout", "900", "bash", "-c", loop)
    assert started.returncode == 0, started.stderr


def nothing_lost(environment: Environment, past: str, began: float, *but: str) -> None:
    """No host has lost an interval, and the host `past`, which no longer exists, has all its points. but: hosts that
    may have lost some, such as the server while it was replaced."""
    found = lost(environment, began, HOSTS | {CHOSEN})
    assert {host: number for host, number in found.items() if number and host not in but} == {}
    assert CHOSEN in found
    query = f'SELECT count("uptime") FROM "system" WHERE "host" = \'{past}\' AND time > now() - {PAST + 3600}s'  # noqa: S608
    assert newest_value(environment, query) == PAST / EVERY


def moved_and_back(fleet: Fleet, influxdb: Ask, name: str, setting: dict[str, Any], alone: Any) -> None:
    """Every step of docs/moving.md. name: `influxdb` or `database`, and its value after the move. alone: what else has
    to change when the server's own InfluxDB is removed."""
    environment = fleet.environment
    past, kept = f"gone-to-{name}", {key: environment.setting(key) for key in alone}
    before = environment.stack_file.read_text()
    own = environment.outputs["influxdbUrl"]
    steady(environment, HOSTS | {CHOSEN})
    began = time.time()
    end = int(began)
    # Read again: with an external InfluxDB alone there are no users, so an earlier move has created new ones.
    password = passwords_now(environment)["telegraf"]
    for begin in range(end - PAST, end, 86400):
        lines = "\n".join(f"system,host={past} uptime={at}i {at}" for at in range(begin, begin + 86400, EVERY))
        written = influxdb("POST", "/write?db=telegraf&precision=s", "telegraf", password, data=lines)
        assert written.status_code == 204, written.text

    interrupt_next_copy(environment)
    step(fleet, **{name: {**setting, "own": "shown"}})
    assert eventually(lambda: "status=9/KILL" in environment.guest("journalctl", "-u", UNIT).stdout)
    wait_for_copy(environment)
    assert panel_results(environment)[0] == []

    step(fleet, **{name: {**setting, "own": "kept"}})
    assert environment.outputs["influxdbUrl"] != own
    nothing_lost(environment, past, began)

    step(fleet, **{name: setting}, **alone)
    assert environment.guest("dpkg-query", "-W", "influxdb").returncode != 0, "InfluxDB is still installed"
    nothing_lost(environment, past, began, SERVER)

    step(fleet, **{name: {**setting, "own": "kept"}}, **kept)
    wait_for_copy(environment)
    step(fleet, **{name: {**setting, "own": "shown"}})
    nothing_lost(environment, past, began, SERVER)

    environment.stack_file.write_text(before)
    step(fleet)
    nothing_lost(environment, past, began, SERVER)
    for machine in ("web-1", fleet.ids[CHOSEN]):
        telegraf = environment.machine(machine, "grep", "-c", "outputs.influxdb", "/etc/telegraf/telegraf.conf")
        assert telegraf.stdout.strip() == "1", machine
    left = environment.guest("find", "/etc/monitoring", "/etc/systemd/system", "-name", "influxdb-moving*")
    assert left.stdout == ""


def test_a_stack_moves_to_an_external_influxdb_and_back(
    environment: Environment, fleet: Fleet, external: ExternalInfluxdb, influxdb: Ask
) -> None:
    with environment.settings(influxdb=external.setting):
        given = environment.pulumi("config", "set", "--secret", "--path", "monitoring:influxdb.password", PASSWORD)
        assert given.returncode == 0, given.stderr
        setting = environment.setting("influxdb")
    with environment.settings():
        moved_and_back(fleet, influxdb, "influxdb", setting, {"agentCidrs": []})
    assert PASSWORD not in "".join(environment.transcript)


@pytest.mark.skipif(bool(NO_VERSION_2), reason=NO_VERSION_2)
def test_a_stack_moves_to_timestream_and_back(environment: Environment, fleet: Fleet, influxdb: Ask) -> None:
    # Within the VPC, its name resolves to its private address, to which that instance connects from its own.
    with environment.settings(agentCidrs=[*environment.setting("agentCidrs"), str(environment.place.vpc)]):
        moved_and_back(fleet, influxdb, "database", {"kind": "timestream", "public": True}, {})
    assert environment.aws("timestream-influxdb").list_db_instances()["items"] == []
