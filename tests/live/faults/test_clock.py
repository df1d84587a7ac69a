"""The clock of a host is wrong. All machines here have this machine's clock, so the hosts of this test are what the
real Telegraf of web-1 measures, under other names and with other times, sent from there with its agent's own login."""

from __future__ import annotations

import re
import time

import pytest

from tests.live.alert_rules import rules
from tests.live.environment import Environment
from tests.live.points import HOSTS, NONE, lost, steady
from tests.live.services import Ask
from tests.support.waiting import eventually

pytestmark = [pytest.mark.live, pytest.mark.long_fault]

BEHIND, AHEAD, ENDING = "clock-behind", "clock-ahead", "clock-ahead-then-silent"
HOURS_BEHIND, HOURS_AHEAD = "clock-hours-behind", "clock-hours-ahead"
WRONG = {BEHIND: -600, AHEAD: 600, ENDING: 150, HOURS_BEHIND: -5 * 3600, HOURS_AHEAD: 5 * 3600}
"""Seconds by which each clock is wrong. To a server whose own clock is hours ahead, all hosts are hours behind."""
SEND = r"""
. /etc/default/telegraf
user=$(sed -n 's/^username = "\(.*\)"$/\1/p' /etc/telegraf/telegraf.conf)
url=$(sed -n 's/^urls = \["\(.*\)"\]$/\1/p' /etc/telegraf/telegraf.conf | head -n 1)
curl -sS --cacert /etc/telegraf/ca.pem -K <(printf 'user = "%s:%s"' "$user" "$INFLUX_PASSWORD") \
  -o /dev/null -w '%{http_code}' --data-binary @- "$url/write?db=telegraf"
"""
DELETE = r"""
secret=$(cut -d ' ' -f 2 /etc/monitoring/influxdb-administrator)
curl -sS --cacert /etc/monitoring/ca.pem -K - "https://localhost:8086/query?db=telegraf" --data-urlencode \
  "q=DELETE FROM /.*/ WHERE \"host\" = '$0' AND time > now()" <<<"user = \"admin:$secret\""
"""
"""As docs/alerts.md has it."""


def measure(environment: Environment) -> None:
    """Every host measures once."""
    done = environment.machine("web-1", "telegraf", "--test", "--input-filter", "system:mem:cpu")
    assert done.returncode == 0, done.stderr
    lines = [line.removeprefix("> ") for line in done.stdout.splitlines() if line.startswith("> ")]
    assert any(line.startswith("system,") for line in lines), done.stdout
    # InfluxDB 1.x has no unsigned numbers; Telegraf's output for it writes them so.
    lines = [re.sub(r"(=\d+)u\b", r"\1i", line) for line in lines]

    def as_of(host: str, seconds: int) -> list[str]:
        shifted = [re.sub(r"\d+$", lambda found: str(int(found[0]) + seconds * 10**9), line) for line in lines]
        return [re.sub(r"\bhost=web-1\b", f"host={host}", line) for line in shifted]

    text = "\n".join(line for host, seconds in WRONG.items() for line in as_of(host, seconds))
    sent = environment.machine("web-1", "bash", "-c", SEND, stdin=text)
    assert sent.stdout == "204", sent.stdout + sent.stderr


def state(environment: Environment, uid: str, host: str) -> str:
    """The state of one host in a rule; "" while the rule does not see it."""
    alerts = rules(environment)[uid]["alerts"]
    return next((str(alert["state"]) for alert in alerts if alert["labels"].get("host") == host), "")


def moments(influxdb: Ask, host: str) -> list[int]:
    """Seconds of the points of a host."""
    query = f'SELECT "uptime" FROM "system" WHERE "host" = \'{host}\''  # noqa: S608
    answer = influxdb("POST", "/query", "admin", data={"db": "telegraf", "q": query, "epoch": "s"}).json()
    return [row[0] for row in answer["results"][0].get("series", [{"values": []}])[0]["values"]]


def test_a_wrong_clock_is_reported_and_harms_nobody_else(environment: Environment, influxdb: Ask, quick: None) -> None:
    steady(environment)
    began = time.time()
    try:

        def reported() -> bool:
            measure(environment)
            ahead = {state(environment, "host-clock", host) for host in (AHEAD, ENDING, HOURS_AHEAD)}
            return ahead | {state(environment, "host-silent", host) for host in (BEHIND, HOURS_BEHIND)} == {"Alerting"}

        assert eventually(reported, 240), rules(environment)["host-clock"]
        ended = time.time()
        print(f"reported after {ended - began:.0f} s")
        # Each under the time of its own clock.
        for host, seconds in WRONG.items():
            stored = moments(influxdb, host)
            assert stored, host
            assert began + seconds - 1 <= min(stored) <= max(stored) <= ended + seconds + 1, host
        for host in HOSTS:
            assert state(environment, "host-clock", host) == ""
            assert state(environment, "host-silent", host) in ("Normal", "Recovering")
        assert lost(environment, began) == NONE

        # It has stopped sending; its points in the future do not make it alive, and once those are past it is silent.
        seen: list[tuple[str, str]] = []

        def silent() -> bool:
            seen.append((state(environment, "host-clock", ENDING), state(environment, "host-silent", ENDING)))
            return seen[-1][1] == "Alerting"

        assert eventually(silent, WRONG[ENDING] + 180), seen[-1]
        told_of = [clock == "Alerting" for clock, _ in seen]
        nobody = told_of.count(False) - 1
        print(
            f"silence reported {time.time() - ended:.0f} s after its last point, {nobody} of {len(seen)} looks without"
        )
        assert told_of[0]

        # The clock was set right; the command of docs/alerts.md ends the alert.
        assert state(environment, "host-clock", AHEAD) == "Alerting"
        deleted = environment.guest("bash", "-c", DELETE, AHEAD)
        assert '"error"' not in deleted.stdout, deleted.stdout
        assert max(moments(influxdb, AHEAD), default=0) <= time.time()
        assert eventually(lambda: state(environment, "host-clock", AHEAD) != "Alerting", 60)
    finally:
        for host in WRONG:
            query = f"DROP SERIES WHERE \"host\" = '{host}'"
            influxdb("POST", "/query", "admin", data={"db": "telegraf", "q": query})
