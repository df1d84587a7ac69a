"""Agents on existing machines are installed, updated in place and removed, or are out of reach."""

from __future__ import annotations

import re
from collections.abc import Iterator
from statistics import fmean
from typing import Any

import pytest

from sandbox import screen
from tests.live.agents import changed_hosts, configured
from tests.live.environment import Environment
from tests.live.server import main_pid
from tests.live.services import influxql
from tests.live.stacks import diagnosed_errors, up_or_fail
from tests.support.waiting import eventually

pytestmark = [pytest.mark.live, pytest.mark.changes]

NAMES = {"db-1", "web-1"}
INTERVAL = 10
"""Seconds: the default of collectionInterval."""


def values(environment: Environment, query: str) -> list[list[Any]]:
    """Times and values of the first series of an InfluxQL query, through Grafana; empty if there is none."""
    frames = influxql(environment, query)
    return list(frames[0]["data"]["values"]) if frames else []


def agent_process(environment: Environment, host: str) -> str:
    """The PID of a host's Telegraf; "" when it is not running."""
    return main_pid(environment, host, "telegraf")


# --- After `make up`


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


def test_measurements_include_the_tags_and_inputs_of_each_host(environment: Environment) -> None:
    queries = [
        "SELECT last(uptime) FROM system WHERE host = 'db-1' AND role = 'database'",
        "SELECT last(uptime) FROM system WHERE host = 'web-1' AND role = 'web'",
        "SELECT last(active_code) FROM systemd_units WHERE host = 'db-1'",
        "SELECT last(used_percent) FROM disk WHERE host = 'db-1' AND path = '/'",
        "SELECT last(metrics_gathered) FROM internal_agent WHERE host = 'db-1'",
    ]

    def missing() -> list[str]:
        return [query for query in queries if not values(environment, query)]

    # `up` has waited for the first points, which may not be those of slow inputs.
    assert eventually(lambda: not missing()), missing()


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


@pytest.mark.ups_first
def test_renaming_a_machine_keeps_its_agent(environment: Environment) -> None:
    """The agent under the new name is installed before the one under the old name is removed, which must not remove
    both."""
    other = agent_process(environment, "db-1")
    with changed_hosts(environment, web_1={"name": "web-2"}):
        up_or_fail(environment)
        assert agent_process(environment, "db-1") == other
        assert 'hostname = "web-2"' in environment.machine("web-1", "cat", "/etc/telegraf/telegraf.conf").stdout
        assert agent_process(environment, "web-1")
        assert eventually(lambda: "web-2" in screen.newest_points(environment.grafana))


SITE = 'Bad Ö, "quoted" 100%'


@pytest.mark.ups_first
def test_one_host_is_removed_without_a_trace_and_another_gets_a_tag_in_place(environment: Environment) -> None:
    before = agent_process(environment, "db-1")
    with changed_hosts(environment, web_1=None, db_1={"tags": {"role": "database", "site": SITE}}):
        # web-2 has three resources: the agent, its command, and the command that asks whether SSH answers. A tag that
        # no other host has is one more filter on the dashboards.
        changes = {operation: sorted(names) for operation, names in environment.preview().items()}
        assert changes == {"delete": ["web-2"] * 3, "update": ["db-1", "linux-hosts", "monitoring-server"]}
        up_or_fail(environment)
        left = "ls -d /etc/telegraf /etc/default/telegraf /etc/apt/sources.list.d/influxdata.list"
        left += " /etc/apt/keyrings/influxdata.gpg /etc/apt/preferences.d/monitoring /usr/bin/telegraf"
        left += " /etc/systemd/system/telegraf.service.d /etc/systemd/system/*monitoring*"
        left += " /lib/systemd/system/telegraf.service 2>/dev/null"
        assert environment.machine("web-1", "true").returncode == 0, "nothing is listed because web-1 is off"
        assert environment.machine("web-1", "sh", "-c", left).stdout == ""
        assert environment.machine("web-1", "dpkg-query", "-W", "telegraf").stdout == ""
        assert environment.machine("web-1", "getent", "passwd", "telegraf").stdout == ""
        assert environment.machine("web-1", "pgrep", "-x", "telegraf").stdout == ""
        assert environment.machine("web-1", "systemctl", "is-failed", "telegraf").stdout.strip() != "failed"
        query = f"SELECT last(uptime) FROM system WHERE host = 'db-1' AND site = '{SITE}'"  # noqa: S608
        assert eventually(lambda: values(environment, query))
        assert agent_process(environment, "db-1") not in ("", before)


@pytest.mark.ups_first
def test_a_wrong_host_key_is_refused_and_a_removed_host_can_be_added_again(environment: Environment) -> None:
    stranger = next(host for host in configured(environment) if host["name"] == "db-1")["hostKey"]
    with changed_hosts(environment, web_1={"hostKey": stranger}):
        failed = environment.pulumi("up", "--yes", "--skip-preview")
    assert failed.returncode != 0
    assert "host key mismatch" in failed.stdout
    assert not agent_process(environment, "web-1")
    up_or_fail(environment)
    assert agent_process(environment, "web-1")
    assert "quoted" not in environment.machine("db-1", "cat", "/etc/telegraf/telegraf.conf").stdout


# --- Out of reach


@pytest.fixture
def unplugged(environment: Environment) -> Iterator[None]:
    """web-1's network cable is unplugged."""
    assert environment.machine_command("cut-network", "web-1").returncode == 0
    yield
    assert environment.machine_command("restore-network", "web-1").returncode == 0


def test_an_unreachable_host_is_one_error_that_names_it(environment: Environment, unplugged: None) -> None:
    """The setting that helps is tested in tests/live/test_down.py."""
    changed = {"tags": {"role": "changed"}}
    with changed_hosts(environment, web_1=changed, db_1=changed):
        failed = environment.pulumi("up", "--yes", "--skip-preview", "--continue-on-error")
        assert failed.returncode != 0
        assert "Traceback" not in failed.stdout
        diagnostics = failed.stdout.partition("Diagnostics:")[2]
        (error,) = diagnosed_errors(failed.stdout)
        assert "command:remote:Command (web-1)" in diagnostics
        assert "dial tcp" in error
        # The other host is updated.
        assert 'role = "changed"' in environment.machine("db-1", "cat", "/etc/telegraf/telegraf.conf").stdout


@pytest.mark.ups_first
def test_a_host_that_is_back_gets_its_configuration(environment: Environment) -> None:
    up_or_fail(environment)
    assert eventually(lambda: agent_process(environment, "web-1"))
    assert 'role = "web"' in environment.machine("web-1", "cat", "/etc/telegraf/telegraf.conf").stdout
    assert environment.preview() == {}


# --- The buffer (an outage of a minute: tests/live/faults/test_slow_influxdb.py)


def test_the_metrics_of_a_plain_host_leave_room_in_the_buffer(environment: Environment) -> None:
    """Ten minutes are 60 intervals; the buffer holds several times what this host produces in them."""
    query = "SELECT derivative(max(metrics_gathered), 10s) FROM internal_agent WHERE host = 'db-1' AND $timeFilter"
    found = eventually(lambda: values(environment, f"{query} GROUP BY time(10s)"))
    assert found
    # Intervals and windows do not begin at the same time, so that single windows count part of their neighbours.
    an_interval = fmean(rate for rate in found[1] if rate is not None and rate > 0)
    config = environment.machine("db-1", "cat", "/etc/telegraf/telegraf.conf").stdout
    limit = int(re.search(r"metric_buffer_limit = (\d+)", config).group(1))  # type: ignore[union-attr]
    print(f"{an_interval:.0f} metrics per interval")
    assert 20 < an_interval < 80
    assert limit >= 5 * an_interval * 600 / INTERVAL
