"""Agents on machines that were there before: installed, updated in place, removed, and out of reach."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from statistics import fmean
from typing import Any

import pytest

from sandbox import hosts, screen
from sandbox.machines import on_premise
from sandbox.machines.guest import ON_PREMISE_USER
from tests.live.agents import changed_hosts, configured
from tests.live.environment import Environment, sandbox
from tests.live.second import raised_up

pytestmark = [pytest.mark.live, pytest.mark.changes]

NAMES = {"db-1", "web-1"}
FRESH = "fresh-1"
INTERVAL = 10
"""Seconds: the default of collectionInterval."""


def until(true: Callable[[], Any], seconds: float = 240) -> Any:
    """Wait for something to become true, and return it."""
    deadline = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(1)
    return found


def values(environment: Environment, query: str, minutes: int = 15) -> list[list[Any]]:
    """Times and values of an InfluxQL query's first series, through Grafana."""
    answer = environment.grafana.query(
        {
            "datasource": {"uid": "influxdb", "type": "influxdb"},
            "rawQuery": True,
            "resultFormat": "time_series",
            "query": query,
        },
        minutes,
    )
    frames = answer["results"]["A"].get("frames", [])
    return list(frames[0]["data"]["values"]) if frames else []


def agent_process(environment: Environment, host: str) -> str:
    """Identifies the run of Telegraf; empty when it does not run."""
    shown = environment.machine(host, "systemctl", "show", "-p", "MainPID", "--value", "telegraf").stdout.strip()
    return shown if shown != "0" else ""


# --- What `make up` leaves


def test_up_ends_with_every_host_and_the_server(environment: Environment) -> None:
    table = environment.printed.partition("Newest data")[2]
    for host in (*NAMES, "monitoring-sandbox"):
        assert re.search(rf"{host}\s+\d+ s ago", table), table
    assert set(screen.newest_points(environment.grafana)) >= NAMES | {"monitoring-sandbox"}


@pytest.mark.parametrize("host", sorted(NAMES))
def test_the_agent_is_a_service_from_the_signed_repository(environment: Environment, host: str) -> None:
    assert environment.machine(host, "systemctl", "is-enabled", "telegraf").stdout.strip() == "enabled"
    policy = environment.machine(host, "apt-cache", "policy", "telegraf").stdout
    assert "packages.sandbox.internal" in policy
    source = environment.machine(host, "cat", "/etc/apt/sources.list.d/influxdata.list").stdout
    assert "signed-by=/etc/apt/keyrings/influxdata.gpg" in source
    user = environment.machine(host, "ps", "-o", "user=", "-p", agent_process(environment, host)).stdout.strip()
    assert user == "telegraf"
    mode = environment.machine(host, "stat", "-c", "%a %U:%G", "/etc/default/telegraf").stdout.strip()
    assert mode == "640 root:telegraf"


def test_measurements_have_the_host_s_tags_and_its_further_inputs(environment: Environment) -> None:
    for host, role in (("db-1", "database"), ("web-1", "web")):
        condition = f"WHERE host = '{host}' AND role = '{role}'"
        assert values(environment, f"SELECT last(uptime) FROM system {condition}"), host  # noqa: S608
    assert values(environment, "SELECT last(active_code) FROM systemd_units WHERE host = 'db-1'")
    assert values(environment, "SELECT last(used_percent) FROM disk WHERE host = 'db-1' AND path = '/'")
    assert values(environment, "SELECT last(metrics_gathered) FROM internal_agent WHERE host = 'db-1'")


def test_the_writing_user_cannot_read(environment: Environment) -> None:
    command = (
        ". /etc/default/telegraf; "
        'printf \'user = "telegraf:%s"\\ndata-urlencode = "q=SHOW MEASUREMENTS"\\n\' "$INFLUX_PASSWORD" | '
        f"curl -sS -G --cacert /etc/telegraf/ca.pem -K - '{environment.outputs['influxdbUrl']}/query?db=telegraf'"
    )
    answer = environment.machine("db-1", "sh", "-c", command).stdout
    assert "error" in answer, answer
    assert "not authorized" in answer, answer


# --- Changes


def test_a_changed_tag_updates_that_host_in_place(environment: Environment) -> None:
    before, other = agent_process(environment, "db-1"), agent_process(environment, "web-1")
    with changed_hosts(environment, db_1={"tags": {"role": "database", "site": 'Bad Ö, "quoted" 100%'}}):
        # A tag that no other host has is one more filter on the dashboards.
        (updated,) = environment.preview().values()
        assert set(updated) == {"db-1", "linux-hosts", "monitoring-server"}
        raised_up(environment)
        query = "SELECT last(uptime) FROM system WHERE host = 'db-1' AND site = 'Bad Ö, \"quoted\" 100%'"
        assert until(lambda: values(environment, query))
        assert agent_process(environment, "db-1") not in ("", before)
        assert agent_process(environment, "web-1") == other

    def back() -> None:
        assert "quoted" not in environment.machine("db-1", "cat", "/etc/telegraf/telegraf.conf").stdout

    environment.afterwards(back)


@pytest.mark.ups_first
def test_another_name_for_the_same_machine_keeps_its_agent(environment: Environment) -> None:
    """The new name's agent is installed before the old name's is removed: it must not take the new one along."""
    with changed_hosts(environment, web_1={"name": "web-2"}):
        raised_up(environment)
        assert 'hostname = "web-2"' in environment.machine("web-1", "cat", "/etc/telegraf/telegraf.conf").stdout
        assert agent_process(environment, "web-1")
        assert until(lambda: "web-2" in screen.newest_points(environment.grafana))
    raised_up(environment)
    assert 'hostname = "web-1"' in environment.machine("web-1", "cat", "/etc/telegraf/telegraf.conf").stdout


def test_a_host_taken_out_is_uninstalled_without_a_trace(environment: Environment) -> None:
    with changed_hosts(environment, web_1=None):
        assert environment.preview() == {"delete": ["web-1"] * 3}, (
            "the agent, its command and the one that asks whether SSH answers"
        )
        raised_up(environment)
        left = "ls -d /etc/telegraf /etc/default/telegraf /etc/apt/sources.list.d/influxdata.list"
        left += " /etc/apt/keyrings/influxdata.gpg /etc/apt/preferences.d/monitoring /usr/bin/telegraf"
        left += " /etc/systemd/system/telegraf.service.d /lib/systemd/system/telegraf.service 2>/dev/null"
        assert environment.machine("web-1", "sh", "-c", left).stdout == ""
        assert environment.machine("web-1", "dpkg-query", "-W", "telegraf").stdout == ""
        assert environment.machine("web-1", "getent", "passwd", "telegraf").stdout == ""
        assert environment.machine("web-1", "pgrep", "-x", "telegraf").stdout == ""
        assert environment.machine("web-1", "systemctl", "is-failed", "telegraf").stdout.strip() != "failed"


@pytest.mark.ups_first
def test_another_host_key_is_refused_and_a_host_that_was_taken_out_is_installed_again(environment: Environment) -> None:
    stranger = next(host for host in configured(environment) if host["name"] == "db-1")["hostKey"]
    with changed_hosts(environment, web_1={"hostKey": stranger}):
        failed = environment.pulumi("up", "--yes", "--skip-preview")
    assert failed.returncode != 0
    assert "host key mismatch" in failed.stdout
    assert not agent_process(environment, "web-1")
    raised_up(environment)
    assert agent_process(environment, "web-1")


# --- Out of reach


def machines(environment: Environment, command: str, machine: str) -> None:
    process = environment.handle(command, machine)
    assert process.returncode == 0, process.stderr


@pytest.fixture
def web_is_dead(environment: Environment) -> Iterator[None]:
    """web-1's network cable is out."""
    machines(environment, "cut-network", "web-1")
    yield
    machines(environment, "restore-network", "web-1")


def test_a_dead_host_is_one_error_that_names_it_and_the_value_that_helps_works(
    environment: Environment, web_is_dead: None
) -> None:
    changed = {"tags": {"role": "changed"}}
    with changed_hosts(environment, web_1=changed, db_1=changed):
        failed = environment.pulumi("up", "--yes", "--skip-preview", "--continue-on-error")
        assert failed.returncode != 0
        assert "Traceback" not in failed.stdout
        diagnostics = failed.stdout.partition("Diagnostics:")[2]
        errors = [line for line in diagnostics.splitlines() if "error:" in line and "update failed" not in line]
        assert len(errors) == 1, diagnostics
        assert "command:remote:Command (web-1)" in diagnostics
        assert "dial tcp" in errors[0]
        # The other host is done.
        assert 'role = "changed"' in environment.machine("db-1", "cat", "/etc/telegraf/telegraf.conf").stdout
    # With the one value nothing connects to it any more, neither to change it nor to take it out.
    with changed_hosts(environment, web_1=changed | {"unreachable": True}):
        raised_up(environment)
    with changed_hosts(environment, web_1=None):
        raised_up(environment)  # its cable is still out: who connected would fail
        assert not [each for each in environment.resources() if each["urn"].endswith("::web-1")]


@pytest.mark.ups_first
def test_a_host_that_is_back_is_installed_again(environment: Environment) -> None:
    raised_up(environment)
    assert until(lambda: agent_process(environment, "web-1"))
    assert 'role = "web"' in environment.machine("web-1", "cat", "/etc/telegraf/telegraf.conf").stdout
    assert environment.preview() == {}


# --- Machines Pulumi cannot reach


def test_the_installer_works_on_a_machine_that_pulumi_does_not_know(environment: Environment) -> None:
    place = environment.place
    address = place.on_premise_addresses[len(hosts.HOSTS)]
    declared = on_premise.declared(place)
    on_premise.declare(place, [*declared, on_premise.Host(FRESH, address)])
    folder = place.state / "machines" / FRESH
    try:
        until(lambda: (folder / "host_key.pub").exists() and (folder / "user_key").exists())
        known = place.state / "test-known-hosts"
        known.write_text(f"{address} {(folder / 'host_key.pub').read_text()}")
        options = ["-i", str(folder / "user_key"), "-o", f"UserKnownHostsFile={known}", "-o", "BatchMode=yes"]
        ssh = ["ssh", *options, "-o", "StrictHostKeyChecking=yes", f"{ON_PREMISE_USER}@{address}"]
        until(lambda: subprocess.run([*ssh, "true"], capture_output=True, check=False).returncode == 0)

        def piped(*command: str) -> subprocess.CompletedProcess[str]:
            script = environment.outputs["agentInstallScript"]
            return subprocess.run([*ssh, *command], input=script, capture_output=True, text=True, check=False)

        first = piped("sudo", "bash")
        assert first.returncode == 0, first.stderr
        assert f"reports as {FRESH} to {environment.outputs['influxdbUrl']}" in first.stdout
        assert until(lambda: FRESH in screen.newest_points(environment.grafana))
        process = agent_process(environment, FRESH)
        assert piped("sudo", "bash").returncode == 0
        assert agent_process(environment, FRESH) == process, "a second run changes nothing"
        removed = piped("sudo", "bash", "-s", "remove")
        assert removed.returncode == 0, removed.stderr
        assert environment.machine(FRESH, "pgrep", "-x", "telegraf").stdout == ""
    finally:
        on_premise.declare(place, declared)
        until(lambda: not folder.exists())


# --- Nothing is lost


def test_a_plain_host_s_metrics_leave_room_in_the_buffer(environment: Environment) -> None:
    """Ten minutes are 60 intervals; the buffer takes several times what this host makes in them."""
    query = "SELECT derivative(max(metrics_gathered), 10s) FROM internal_agent WHERE host = 'db-1' AND $timeFilter"
    found = until(lambda: values(environment, f"{query} GROUP BY time(10s)"))[1]
    # Intervals and windows do not begin together, so that single ones count a part of their neighbours.
    an_interval = fmean(rate for rate in found if rate is not None and rate > 0)
    config = environment.machine("db-1", "cat", "/etc/telegraf/telegraf.conf").stdout
    limit = int(re.search(r"metric_buffer_limit = (\d+)", config).group(1))  # type: ignore[union-attr]
    print(f"{an_interval:.0f} metrics an interval")
    assert 20 < an_interval < 80
    assert limit >= 5 * an_interval * 600 / INTERVAL


def test_an_outage_loses_no_point(environment: Environment) -> None:
    until(lambda: "db-1" in screen.newest_points(environment.grafana))
    begin = time.time()
    environment.guest("systemctl", "stop", "influxdb")
    time.sleep(60)
    environment.guest("systemctl", "start", "influxdb")
    end = time.time()
    query = "SELECT uptime FROM system WHERE host = 'db-1' AND $timeFilter"

    def caught_up() -> bool:
        times = values(environment, query, 5)
        return bool(times) and max(times[0]) / 1000 > end + INTERVAL

    until(caught_up)
    times = [moment / 1000 for moment in values(environment, query, 5)[0] if begin - 15 < moment / 1000 < end + 15]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert len(times) >= (end - begin + 15) // INTERVAL
    assert max(gaps) <= INTERVAL + 1, gaps


# --- Secrets (tests/live/test_secrets.py looks at the server and at what Pulumi printed)


def test_make_up_again_changes_nothing(environment: Environment) -> None:
    again = sandbox("up")
    assert again.returncode == 0, again.stdout[-3000:] + again.stderr[-2000:]
    assert environment.preview() == {}
