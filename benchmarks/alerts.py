"""What an evaluation of all alert rules costs InfluxDB, per rule and host.

    .venv/bin/python -m benchmarks.alerts --hosts 100 --days 1 [--before COMMIT]

Starts a separate InfluxDB on loopback, and fills it with what the rules read of a plain host: an hour per day with a
point every ten minutes, and for the newest day a point every ten seconds. It has one shard per day, as on a server.
Then it lets InfluxDB write its cache to disk, adds the newest five minutes, and runs every rule's queries as Grafana
does. With --before, also those of an older commit, on the same data in the same run. CPU is InfluxDB's own, user and
system, from /proc.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.influx import Influx
from tools.command import run

PROJECT = Path(__file__).resolve().parent.parent
INTERVAL, SELDOM = 10, 600
"""Seconds between two points: in the newest day, and before it."""
DAY = 86400
NEWEST = 300
"""Seconds whose points are still in InfluxDB's cache."""
COLD = 30
"""Seconds without a write after which the cache is written to disk."""
ROUNDS = 5
BATCH = 20_000
INPUTS = ("cpu", "mem", "swap", "disk", "diskio", "exec", "net", "system", "processes", "kernel", "internal")
SERIES = (
    "system,host={h} uptime={n}i,load5=0.5,n_cpus=2i",
    "cpu,host={h},cpu=cpu-total usage_idle={v}",
    "mem,host={h} used_percent={v}",
    "disk,host={h},path=/,fstype=ext4,mode=rw used_percent={v},free={n}i,total=90000000i",
    "disk,host={h},path=/var,fstype=ext4,mode=rw used_percent={v},free={n}i,total=90000000i",
    "net,host={h},interface=ens5 bytes_recv={n}i",
    "ext4,host={h},device=sda1 errors=0i",
    "internal_agent,host={h} gather_errors=0i",
    *(f"internal_gather,host={{h}},input={name} gather_timeouts=0i,errors=0i" for name in INPUTS),
    "internal_write,host={h},output=influxdb buffer_size=1i,buffer_limit=100i",
)
LIST = """
import json, alerts
facts = alerts.Facts(region="eu-central-1", server="host-0")
print(json.dumps([
    [rule.title, group.interval, [[str(step.model["query"]), step.span] for step in rule.steps
                                  if step.datasource_uid == facts.influxdb_uid]]
    for group in alerts.build(facts) for rule in group.rules
]))
"""


@dataclass(frozen=True)
class Asked:
    """A rule's InfluxQL queries, each with the seconds that it looks back. interval: seconds between evaluations."""

    title: str
    interval: int
    queries: Sequence[tuple[str, int]]


def rules(project: Path) -> list[Asked]:
    """The rules of a checkout."""
    done = subprocess.run([sys.executable, "-c", LIST], cwd=project, capture_output=True, text=True, check=True)
    return [
        Asked(title, interval, [(q, s) for q, s in queries]) for title, interval, queries in json.loads(done.stdout)
    ]


def rules_of(commit: str) -> list[Asked]:
    """The rules of a commit."""
    with tempfile.TemporaryDirectory() as folder:
        parts = ("alerts", "dashboards", "settings")
        archive = subprocess.run(
            ["git", "archive", commit, *parts], cwd=PROJECT, stdout=subprocess.PIPE, check=True
        ).stdout
        subprocess.run(["tar", "-x", "-C", folder], input=archive, check=True)
        return rules(Path(folder))


def lines(hosts: int, moments: Iterator[int]) -> Iterator[str]:
    """All points, oldest first."""
    for at in moments:
        for host in range(hosts):
            value = (at // INTERVAL * 37 + host * 11) % 9000 / 100
            for series in SERIES:
                yield f"{series.format(h=f'host-{host}', n=at % 10**7, v=value)} {at}"


def write(influx: Influx, points: Iterator[str]) -> None:
    """Write them in batches."""
    batch: list[str] = []
    for line in points:
        batch.append(line)
        if len(batch) == BATCH:
            influx.write(batch)
            batch.clear()
    if batch:
        influx.write(batch)


def fill(influx: Influx, hosts: int, days: int) -> None:
    """Write everything but the newest minutes, which InfluxDB then writes to disk; then those."""
    influx.query('ALTER RETENTION POLICY "autogen" ON "telegraf" DURATION 30d SHARD DURATION 1d DEFAULT')
    now = int(time.time())
    for day in range(days, 1, -1):
        begin = now - day * DAY
        write(influx, lines(hosts, iter(range(begin, begin + 3600, SELDOM))))
    write(influx, lines(hosts, iter(range(now - DAY, now - NEWEST, INTERVAL))))
    time.sleep(COLD + 15)
    now = int(time.time())
    write(influx, lines(hosts, iter(range(now - NEWEST, now, INTERVAL))))


def cost(influx: Influx, asked: Asked) -> float:
    """Seconds of CPU for one evaluation."""
    now = int(time.time() * 1000)
    texts = [
        text.replace("$timeFilter", f"time >= {now - span * 1000}ms and time <= {now}ms")
        for text, span in asked.queries
    ]
    for text in texts:
        influx.query(text)
    before = influx.cpu()
    for text in texts * ROUNDS:
        influx.query(text)
    return (influx.cpu() - before) / ROUNDS


def report(influx: Influx, hosts: int, what: str, asked: Sequence[Asked]) -> None:
    """Print a line per rule, and the sums."""
    print(f"\n{what}: CPU milliseconds of InfluxDB per host, for one evaluation")
    all_once = a_minute = 0.0
    for rule in asked:
        if rule.queries:
            spent = 1000 * cost(influx, rule) / hosts
            all_once += spent
            a_minute += spent * 60 / rule.interval
            print(f"{spent:6.2f}  every {rule.interval:3} s  {rule.title}")
    print(f"{all_once:6.2f}  all rules, once\n{a_minute:6.2f}  all rules, per minute", flush=True)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", type=int, default=100)
    parser.add_argument("--days", type=int, default=1)
    parser.add_argument("--before", help="an older commit")
    given = parser.parse_args(arguments)
    compared = {f"before ({given.before})": rules_of(given.before)} if given.before else {}
    compared["now"] = rules(PROJECT)
    with tempfile.TemporaryDirectory() as folder:
        influx = Influx(Path(folder), f'cache-snapshot-write-cold-duration = "{COLD}s"')
        try:
            fill(influx, given.hosts, given.days)
            print(f"{given.hosts} hosts, {given.days} days of data, the mean of {ROUNDS} evaluations")
            for what, asked in compared.items():
                report(influx, given.hosts, what, asked)
        finally:
            influx.stop()
    return 0


if __name__ == "__main__":
    run(main)
