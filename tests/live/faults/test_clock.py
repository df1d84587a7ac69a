"""The clock of a host is wrong. As all machines here have this machine's clock, this test's hosts are what the real
Telegraf of web-1 measures, sent from there with its agent's own login, under other names and with other times."""

from __future__ import annotations

import re
import time

import pytest

from tests.live.alert_rules import rules, state_of
from tests.live.environment import CHECKOUT, Environment
from tests.live.points import HOSTS, NONE, lost, steady
from tests.live.services import Ask
from tests.support.waiting import eventually

pytestmark = [pytest.mark.live, pytest.mark.long_fault]

BEHIND, AHEAD, ENDING = "clock-behind", "clock-ahead", "clock-ahead-then-silent"
HOURS_BEHIND, HOURS_AHEAD = "clock-hours-behind", "clock-hours-ahead"
WRONG = {BEHIND: -600, AHEAD: 600, ENDING: 150, HOURS_BEHIND: -5 * 3600, HOURS_AHEAD: 5 * 3600}
"""Seconds by which each clock is wrong. Hosts that are hours behind are also what a server sees whose own clock is
hours ahead."""
SEND = r"""
. /etc/default/telegraf
user=$(sed -n 's/^username = "\(.*\)"$/\1/p' /etc/telegraf/telegraf.conf)
url=$(sed -n 's/^urls = \["\(.*\)"\]$/\1/p' /etc/telegraf/telegraf.conf | head -n 1)
curl -sS --cacert /etc/telegraf/ca.pem -K <(printf 'user = "%s:%s"' "$user" "$INFLUX_PASSWORD") \
  -o /dev/null -w '%{http_code}' --data-binary @- "$url/write?db=telegraf"
"""


def delete_future_points(environment: Environment, host: str) -> None:
    """Delete a host's points in the future with the command in docs/alerts.md."""
    found = re.search(r"```sh\n([^`]*DELETE FROM[^`]*)```", (CHECKOUT / "docs/alerts.md").read_text())
    assert found
    assert found[1].count("'web-1'") == 1, found[1]
    command = found[1].replace("sudo ", "").replace("'web-1'", f"'{host}'")
    deleted = environment.guest("bash", "-ec", command)
    assert deleted.returncode == 0, deleted.stderr
    assert '"error"' not in deleted.stdout, deleted.stdout


def measure(environment: Environment) -> None:
    """Every host measures once."""
    done = environment.machine("web-1", "telegraf", "--test", "--input-filter", "system:mem:cpu")
    assert done.returncode == 0, done.stderr
    lines = [line.removeprefix("> ") for line in done.stdout.splitlines() if line.startswith("> ")]
    assert any(line.startswith("system,") for line in lines), done.stdout
    # InfluxDB 1.x has no unsigned integers; Telegraf's output for it writes signed ones.
    lines = [re.sub(r"(=\d+)u\b", r"\1i", line) for line in lines]

    def as_of(host: str, seconds: int) -> list[str]:
        shifted = [re.sub(r"\d+$", lambda found: str(int(found[0]) + seconds * 10**9), line) for line in lines]
        return [re.sub(r"\bhost=web-1\b", f"host={host}", line) for line in shifted]

    text = "\n".join(line for host, seconds in WRONG.items() for line in as_of(host, seconds))
    sent = environment.machine("web-1", "bash", "-c", SEND, stdin=text)
    assert sent.stdout == "204", sent.stdout + sent.stderr


def moments(influxdb: Ask, host: str) -> list[int]:
    """The times of a host's points, in seconds since 1970."""
    query = f'SELECT "uptime" FROM "system" WHERE "host" = \'{host}\''  # noqa: S608
    answer = influxdb("POST", "/query", "admin", data={"db": "telegraf", "q": query, "epoch": "s"}).json()
    return [row[0] for row in answer["results"][0].get("series", [{"values": []}])[0]["values"]]


def test_a_wrong_clock_is_reported_and_does_not_affect_other_hosts(
    environment: Environment, influxdb: Ask, quick: None
) -> None:
    steady(environment)
    began = time.time()
    try:

        def reported() -> bool:
            measure(environment)
            ahead = {state_of(environment, "host-clock", host) for host in (AHEAD, ENDING, HOURS_AHEAD)}
            behind = {state_of(environment, "host-silent", host) for host in (BEHIND, HOURS_BEHIND)}
            return ahead | behind == {"Alerting"}

        assert eventually(reported, 240), rules(environment)["host-clock"]
        ended = time.time()
        print(f"reported after {ended - began:.0f} s")
        # Points have the time of their host's clock.
        for host, seconds in WRONG.items():
            stored = moments(influxdb, host)
            assert stored, host
            assert began + seconds - 1 <= min(stored) <= max(stored) <= ended + seconds + 1, host
        for host in HOSTS:
            assert state_of(environment, "host-clock", host) == ""
            assert state_of(environment, "host-silent", host) in ("Normal", "Recovering")
        assert lost(environment, began) == NONE

        # A host that has stopped sending does not count as alive because of its points in the future; once they are
        # in the past, it is reported as silent.
        seen: list[tuple[str, str]] = []

        def silent() -> bool:
            seen.append((state_of(environment, "host-clock", ENDING), state_of(environment, "host-silent", ENDING)))
            return seen[-1][1] == "Alerting"

        assert eventually(silent, WRONG[ENDING] + 180), seen[-1]
        without = sum(clock != "Alerting" for clock, _ in seen) - 1
        print(
            f"silence reported {time.time() - ended:.0f} s after its last point;"
            f" {without} of {len(seen)} looks saw no alert"
        )
        assert seen[0][0] == "Alerting"

        # Once the clock is right, the command of docs/alerts.md ends the alert.
        assert state_of(environment, "host-clock", AHEAD) == "Alerting"
        delete_future_points(environment, AHEAD)
        assert max(moments(influxdb, AHEAD), default=0) <= time.time()
        assert eventually(lambda: state_of(environment, "host-clock", AHEAD) != "Alerting", 60)
    finally:
        for host in WRONG:
            query = f"DROP SERIES WHERE \"host\" = '{host}'"
            influxdb("POST", "/query", "admin", data={"db": "telegraf", "q": query})
