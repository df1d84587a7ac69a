"""Grafana's database is damaged: Grafana still starts, with the copy of the last backup or empty, and logs that.

Which files count as damaged is tested in tests/userdata/test_grafana_database.py.
"""

from __future__ import annotations

import time

import pytest

from tests.live.environment import Environment
from tests.live.faults.cases import one_of
from tests.live.faults.test_grafana import content, state
from tests.live.points import NONE, lost, steady
from tests.live.server import journal
from tests.live.services import grafana_answers
from tests.live.stacks import refresh_or_fail, up_or_fail
from tests.support.waiting import eventually

pytestmark = pytest.mark.live

DATABASE, COPY = "/var/lib/grafana/grafana.db", "/srv/monitoring/grafana.db.copy"
DAMAGES = {
    "begins with zeros": "dd if=/dev/zero of=$f bs=4096 count=1 conv=notrunc status=none",
    "half": "truncate -s $((s / 2)) $f",
    "zeros in its middle": "dd if=/dev/zero of=$f bs=4096 seek=4 count=$((s / 4096 - 6)) conv=notrunc status=none",
}


def dashboards(environment: Environment) -> set[str]:
    """Their uids; empty while Grafana does not answer."""
    try:
        found = environment.grafana.get("/api/search?type=dash-db")
    except OSError:
        return set()
    return {each["uid"] for each in found.json()} if found.status_code == 200 else set()


@pytest.mark.parametrize("name", one_of(DAMAGES, "zeros in its middle"))
def test_grafana_starts_with_the_database_of_the_last_backup(
    environment: Environment, quiet_server: None, name: str
) -> None:
    steady(environment)
    backup = environment.guest("systemctl", "start", "monitoring-backup")
    assert backup.returncode == 0, environment.guest("journalctl", "-u", "monitoring-backup", "-n", "5").stdout
    assert environment.guest("stat", "-c", "%a %U", COPY).stdout == "600 root\n"
    before, began = dashboards(environment), time.time()
    assert before
    script = f"f={DATABASE}; systemctl stop grafana-server; s=$(stat -c %s $f); {DAMAGES[name]}; "
    damaged = environment.guest("bash", "-ec", script + "systemctl start --no-block grafana-server")
    assert damaged.returncode == 0, damaged.stderr
    assert eventually(lambda: dashboards(environment) == before), "Grafana never starts, or has lost dashboards"
    print(f"grafana.db, {name}: all dashboards are back after {time.time() - began:.0f} s")
    assert environment.guest("test", "-e", f"{DATABASE}.bad").returncode == 0
    said = journal(environment, "grafana-server", began)
    assert "Grafana's database is damaged" in said
    assert lost(environment, began) == NONE
    environment.guest("sh", "-c", f"rm -f {DATABASE}.bad*")


@pytest.mark.long_fault
def test_without_a_backup_grafana_starts_empty_and_pulumi_fills_it(environment: Environment) -> None:
    steady(environment)
    before, began = (state(environment), content(environment)), time.time()
    script = f"f={DATABASE}; rm -f {COPY}; systemctl stop grafana-server; s=$(stat -c %s $f); {DAMAGES['half']}; "
    damaged = environment.guest("bash", "-ec", script + "systemctl start --no-block grafana-server")
    assert damaged.returncode == 0, damaged.stderr
    # Pulumi's own user is back after the server's next check.
    assert eventually(lambda: grafana_answers(environment), 90), "Grafana never starts"
    assert eventually(lambda: "pulumi-" in environment.grafana.get("/api/users").text, 120)
    print(f"Grafana is up with its users after {time.time() - began:.0f} s")
    assert environment.grafana.get("/api/org").status_code == 200
    said = journal(environment, "grafana-server", began)
    assert "Grafana begins with an empty one. Run: pulumi refresh && pulumi up" in said
    refresh_or_fail(environment)
    up_or_fail(environment)
    assert (state(environment), content(environment)) == before
    assert lost(environment, began) == NONE
    environment.guest("sh", "-c", f"rm -f {DATABASE}.bad*")
