"""What an evaluation of all alert rules costs InfluxDB, a rule and a host.

    .venv/bin/python -m benchmarks.alerts --hosts 50 --hours 24

Starts an InfluxDB of its own on loopback, fills it with what the rules read, and asks every rule's queries as Grafana
does once a minute. CPU is InfluxDB's own, user and system, from /proc.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import alerts
from benchmarks.influx import Influx

INTERVAL = 10
ROUNDS = 3
BATCH = 20_000
SERIES = (
    "system,host={h} uptime={n}i,load5=0.5,n_cpus=2i",
    "cpu,host={h},cpu=cpu-total usage_idle={v}",
    "cpu,host={h},cpu=cpu0 usage_idle={v}",
    "cpu,host={h},cpu=cpu1 usage_idle={v}",
    "mem,host={h} used_percent={v}",
    "disk,host={h},path=/,fstype=ext4,mode=rw used_percent={v},free={n}i,total=90000000i",
    "disk,host={h},path=/var,fstype=ext4,mode=rw used_percent={v},free={n}i,total=90000000i",
    "net,host={h},interface=ens5 bytes_recv={n}i",
    "ext4,host={h},device=sda1 errors=0i",
    "internal_agent,host={h} gather_errors=0i",
    "internal_gather,host={h},input=cpu gather_timeouts=0i,errors=0i",
    "internal_gather,host={h},input=disk gather_timeouts=0i,errors=0i",
    "internal_write,host={h},output=influxdb buffer_size=1i,buffer_limit=100i",
)


def lines(hosts: int, hours: float) -> Iterator[str]:
    """All points, oldest first."""
    now = int(time.time())
    for step in range(int(hours * 3600 / INTERVAL), -1, -1):
        at = (now - step * INTERVAL) * 10**9
        for host in range(hosts):
            value = (step * 37 + host * 11) % 9000 / 100
            for series in SERIES:
                yield f"{series.format(h=f'host-{host}', n=10**7 + step, v=value)} {at}"


def fill(influx: Influx, hosts: int, hours: float) -> None:
    """Write them in batches."""
    batch: list[str] = []
    for line in lines(hosts, hours):
        batch.append(line)
        if len(batch) == BATCH:
            influx.write(batch, "ns")
            batch.clear()
    influx.write(batch, "ns")


def asked(rule: alerts.Rule) -> list[str]:
    """A rule's InfluxQL as Grafana sends it now."""
    now = int(time.time() * 1000)
    return [
        str(step.model["query"]).replace("$timeFilter", f"time >= {now - step.span * 1000}ms and time <= {now}ms")
        for step in rule.steps
        if step.datasource_uid == "influxdb"
    ]


def main() -> None:
    """Fill, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", type=int, default=50)
    parser.add_argument("--hours", type=float, default=24)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        influx = Influx(Path(folder))
        try:
            report(influx, given.hosts, given.hours)
        finally:
            influx.stop()


def report(influx: Influx, hosts: int, hours: float) -> None:
    """Fill, and print a line per rule."""
    fill(influx, hosts, hours)
    time.sleep(5)
    facts = alerts.Facts(region="eu-central-1", server="host-0")
    total = 0.0
    print(f"{hosts} hosts, {hours:g} h of data, the mean of {ROUNDS} evaluations")
    for group in alerts.build(facts):
        for rule in group.rules:
            texts = asked(rule)
            before = influx.cpu()
            for text in texts * ROUNDS:
                influx.query(text)
            spent = (influx.cpu() - before) / ROUNDS
            total += spent
            if texts:
                print(f"{1000 * spent:8.1f} ms  {1000 * spent / hosts:6.2f} ms a host  {rule.title}")
    print(f"{1000 * total:8.1f} ms  {1000 * total / hosts:6.2f} ms a host  all rules, once")


if __name__ == "__main__":
    main()
