"""What agents lose while InfluxDB is down, counted interval by interval in a running local environment.

    make up
    sudo .venv/bin/python -m benchmarks.outage --minutes 10

Stops InfluxDB on the server, waits, starts it, waits until the agents have delivered what they kept, and counts:
each host should have each of `MEASUREMENTS` in each interval, from a minute before the outage to a minute after
it. Exits with status 1 when something is missing.
"""

from __future__ import annotations

import argparse
import re
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from sandbox import stack
from sandbox.commands import require_up
from sandbox.errors import SandboxError
from sandbox.machines.register import find
from sandbox.place import Place
from sandbox.screen import Grafana
from tools.command import run

STACK = "sandbox"
MEASUREMENTS = {
    "cpu": "usage_idle",
    "mem": "used_percent",
    "net": "bytes_recv",
    "processes": "total",
    "system": "uptime",
}
"""What every host sends at every interval: measurement → one of its fields."""
MARGIN = 60
"""Seconds before and after the outage that are counted, too."""
PATIENCE = 300
"""Seconds that the agents have to deliver what they kept."""
Counts = dict[str, dict[str, int]]
"""Host → measurement → intervals that have a point."""


def counted(grafana: Grafana, start: int, end: int, interval: int) -> Counts:
    """In how many of the intervals from `start` to `end` (seconds since 1970) each host has each measurement."""
    counts: Counts = defaultdict(dict)
    for measurement, field in MEASUREMENTS.items():
        query = (
            f'SELECT count("{field}") FROM "{measurement}" WHERE time >= {start}s AND time < {end}s'  # noqa: S608
            f' GROUP BY time({interval}s), "host" fill(0)'
        )
        minutes = int(time.time() - start) // 60 + 1
        source = {"datasource": {"uid": "influxdb", "type": "influxdb"}, "rawQuery": True}
        answer = grafana.query(source | {"resultFormat": "time_series", "query": query}, minutes)
        for frame in answer["results"]["A"]["frames"]:
            host = frame["schema"]["fields"][-1]["labels"]["host"]
            counts[host][measurement] = sum(points > 0 for points in frame["data"]["values"][-1])
    return counts


def wait(what: str, until: float) -> None:
    """Wait until a time of the monotonic clock, and print the time left each minute."""
    while (left := until - time.monotonic()) > 0:
        print(f"{what}: {left / 60:.1f} minutes left", flush=True)
        time.sleep(min(60, left))


def settled(count: Callable[[], Counts], each: int) -> Counts:
    """The counts once nothing was added for three intervals, or when the agents' time is up."""
    until = time.monotonic() + PATIENCE
    before, counts = None, count()
    while counts != before and time.monotonic() < until:
        time.sleep(3 * each)
        before, counts = counts, count()
    return counts


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--minutes", type=float, default=10, help="how long InfluxDB is down")
    minutes: float = parser.parse_args(arguments).minutes
    place = Place.here()
    require_up(place)
    outputs = stack.complete_outputs(place, STACK)
    server = find(place, outputs["instanceId"])
    config = server.run(["cat", "/etc/telegraf/telegraf.conf"]).stdout
    interval = int(re.findall(r'^interval = "(\d+)s"', config, re.MULTILINE)[0])
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as authority:
        authority.write(outputs["caCertificate"])
        authority.flush()
        grafana = Grafana(
            outputs["grafanaUrl"], outputs["grafanaAdminUser"], outputs["grafanaAdminPassword"], Path(authority.name)
        )
        now = int(time.time())
        hosts = set(counted(grafana, now - MARGIN, now, interval))
        wait("before the outage", time.monotonic() + MARGIN + interval)
        stopped = time.time()
        server.run(["systemctl", "stop", "influxdb"])
        try:
            wait("InfluxDB is down", time.monotonic() + 60 * minutes)
        finally:
            server.run(["systemctl", "start", "influxdb"])
        started = time.time()
        wait("after the outage", time.monotonic() + MARGIN + 3 * interval)
        first = int(stopped - MARGIN) // interval * interval
        last = int(started + MARGIN) // interval * interval
        counts = settled(lambda: counted(grafana, first, last, interval), interval)
    return report(hosts, counts, (last - first) // interval, started - stopped, interval)


def report(hosts: set[str], counts: Counts, intervals: int, away: float, interval: int) -> int:
    """Print one line per host. Returns 1 if one of them lost something."""
    expected = intervals * len(MEASUREMENTS)
    print(f"InfluxDB was down for {away / 60:.1f} minutes; {intervals} intervals of {interval} s were checked.")
    print(f"{'host':<24}{'expected':>10}{'stored':>10}{'lost':>10}")
    stored = {host: sum(counts.get(host, {}).values()) for host in sorted(hosts)}
    for host, points in stored.items():
        print(f"{host:<24}{expected:>10}{points:>10}{expected - points:>10}")
    return 0 if hosts and all(points == expected for points in stored.values()) else 1


if __name__ == "__main__":
    run(main, SandboxError)
