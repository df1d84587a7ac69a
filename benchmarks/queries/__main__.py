"""What a look at "Linux hosts" costs InfluxDB, as ratios to two published dashboards on the same data.

    .venv/bin/python -m benchmarks.queries [--hosts 100] [--hours 24]

Starts an InfluxDB of its own on loopback, fills it, has it compact, and asks it what each dashboard asks when somebody
opens it: the panels below collapsed rows are not asked (a second figure says what they would add). CPU seconds are
InfluxDB's own, bytes those of its answers before compression.

Bars: all hosts, over one hour and over 24 hours, half of the cheaper published one at most. Ends with 1 if missed.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.influx import Influx
from benchmarks.queries.anchors import ANCHORS, STEP
from benchmarks.queries.points import Host
from dashboards.registry import LINUX_HOSTS
from sandbox.viewer.queries import TimeRange, panel_queries

INTERVAL = 10
BATCH = 400
"""Intervals of one host in a request."""
AHEAD = 3600
"""Seconds: filled in beyond now, so that the newest points are still new when the last dashboard asks."""
BAR = 0.5
RUNS = 3
ROLES = ("web", "db", "cache", "queue")

DATA = (
    'index-version = "tsi1"',
    'compact-full-write-cold-duration = "5s"',
    'cache-snapshot-write-cold-duration = "5s"',
)
"""Of InfluxDB's configuration: it is soon done with compacting."""


@dataclass(frozen=True)
class Cost:
    """What some queries took: CPU seconds of InfluxDB, bytes of its answers, how many there were."""

    cpu: float
    size: int
    queries: int


def size_of_answer(influx: Influx, query: str) -> int:
    """In bytes. An empty one ends the program: only the list of hosts in trouble may be."""
    answer = influx.query(query)
    if "series" not in answer.json()["results"][0] and ' WHERE "value" >= ' not in query:
        sys.exit(f"no answer: empty: {query}")
    return len(answer.content)


def settle(influx: Influx) -> None:
    """Wait until it has been idle for ten seconds, its compactions done."""
    before = influx.cpu()
    time.sleep(10)
    while influx.cpu() - before > 0.2:
        before = influx.cpu()
        time.sleep(10)


@contextmanager
def filled(hosts: int, hours: float) -> Iterator[Influx]:
    with tempfile.TemporaryDirectory(prefix="queries-") as folder:
        influx = Influx(Path(folder), *DATA)
        try:
            now = int(time.time()) // INTERVAL * INTERVAL
            moments = range(now - round(hours * 3600), now + AHEAD, INTERVAL)
            for number in range(hosts):
                host = Host(f"host-{number:03}.example", ROLES[number % len(ROLES)])
                for first in range(0, len(moments), BATCH):
                    influx.write([line for at in moments[first : first + BATCH] for line in host.lines(at)])
                print(f"\rfilled {number + 1} of {hosts} hosts", end="", file=sys.stderr, flush=True)
            settle(influx)
            print(file=sys.stderr)
            yield influx
        finally:
            influx.stop()


def ours(chosen: list[str], shown: TimeRange, *, opened: bool) -> list[str]:
    """What "Linux hosts" asks; opened: with all of its rows unfolded."""
    dashboard = json.loads(LINUX_HOSTS.build())
    if not opened:
        for panel in dashboard["panels"]:
            panel.pop("panels", None)
    return [query.influxql() for query in panel_queries(dashboard, {"host": chosen}, shown)]


def theirs(texts: Sequence[str], chosen: list[str], shown: TimeRange) -> list[str]:
    """What a published dashboard asks."""
    panel = {"id": 1, "title": "", "interval": f"{STEP}s", "targets": [{"query": text} for text in texts]}
    dashboard = {"panels": [{"type": "timeseries", **panel}], "templating": {"list": []}}
    return [query.influxql() for query in panel_queries(dashboard, {"host": chosen}, shown)]


def cost(influx: Influx, queries: Sequence[str]) -> Cost:
    """The cheapest of some runs: what else the machine does only adds."""
    runs = []
    for _ in range(RUNS):
        before = influx.cpu()
        size = sum(size_of_answer(influx, query) for query in queries)
        runs.append(Cost(influx.cpu() - before, size, len(queries)))
    return min(runs, key=lambda run: run.cpu)


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.queries", description="What looking costs InfluxDB.")
    parser.add_argument("--hosts", type=int, default=100)
    parser.add_argument("--hours", type=float, default=24)
    parser.add_argument("--each", action="store_true", help="print what each of our queries takes")
    chosen = parser.parse_args()
    missed = False
    names = [f"host-{number:03}.example" for number in range(chosen.hosts)]
    with filled(chosen.hosts, chosen.hours) as influx:
        for hosts, hours in ((names, 1), (names, chosen.hours), (names[:1], chosen.hours)):
            shown = TimeRange.last(round(hours * 3600))
            looked = {name: cost(influx, theirs(texts, hosts, shown)) for name, texts in ANCHORS.items()}
            looked["ours"] = cost(influx, ours(hosts, shown, opened=False))
            looked["ours unfolded"] = cost(influx, ours(hosts, shown, opened=True))
            cheapest = min((looked[name] for name in ANCHORS), key=lambda each: each.cpu)
            print(f"\n{len(hosts)} hosts, {hours:g} h (ratio to the cheaper of the published ones)")
            for name, each in looked.items():
                ratios = f"CPU {each.cpu / cheapest.cpu:5.2f}  bytes {each.size / cheapest.size:5.2f}"
                print(f"  {name:<14} {ratios}   ({each.queries} queries, {each.cpu:.2f} s, {each.size / 1e6:.1f} MB)")
            if chosen.each:
                for text in ours(hosts, shown, opened=True):
                    short = re.sub(r"/\^.*?\$/", "/…/", text)
                    print(f"    {cost(influx, [text]).cpu:6.2f} s  {short[:260]}")
            bar = BAR if len(hosts) > 1 else 1.0
            missed |= looked["ours"].cpu > bar * cheapest.cpu
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
