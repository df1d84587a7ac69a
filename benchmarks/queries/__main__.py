"""What viewing "Linux hosts" costs InfluxDB, as ratios to two published dashboards on the same data.

    .venv/bin/python -m benchmarks.queries [--hosts 100] [--hours 24] [--days 30] [--folder DIR]

Starts a separate InfluxDB on loopback, fills it, lets it compact, and sends it the queries of each dashboard when
someone opens it: panels in collapsed rows are not queried (a second figure says what they would add). CPU seconds are
InfluxDB's own, bytes those of its answers before compression. --folder is kept, and used again if it is new enough.

There is raw data only for --hours. The cost of the published dashboards for --days is extrapolated from that, with the
step of that many days: they read every raw value of the time shown.

Limits, relative to the cheaper published one: all hosts, for one hour and for 24 hours, 0.5; for 30 days 0.1; one host
1. Down-sampled data may have a fifth of the size of raw data. Exits with status 1 if a limit is exceeded.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.influx import Influx
from benchmarks.queries.anchors import ANCHORS, STEP
from benchmarks.queries.data import DAY, filled, names
from dashboards.page import BY_TIME
from dashboards.registry import LINUX_HOSTS
from sandbox.viewer.queries import AsIs, TimeRange, panel_queries, variable_queries
from tools.command import run

DISK_BAR = 0.2


@dataclass(frozen=True)
class Cost:
    """The cost of some queries: CPU seconds of InfluxDB, bytes of its answers, and their number."""

    cpu: float
    size: int
    queries: int

    def times(self, factor: float) -> Cost:
        return Cost(self.cpu * factor, round(self.size * factor), self.queries)


@dataclass(frozen=True)
class Look:
    """A view of hosts. seconds: the time shown. bar: the limit, relative to the cheaper published dashboard."""

    hosts: Sequence[str]
    seconds: int
    bar: float

    @property
    def title(self) -> str:
        long = self.seconds > DAY
        return f"{len(self.hosts)} hosts, {self.seconds / (DAY if long else 3600):g} {'d' if long else 'h'}"


def size_of_answer(influx: Influx, query: str) -> int:
    """The size in bytes. An empty answer ends the program, except for queries of what is beyond a limit."""
    answer = influx.query(query)
    if "series" not in answer.json()["results"][0] and not re.search('" >= [0-9]', query):
        sys.exit(f"the answer is empty: {query}")
    return len(answer.content)


def ours(influx: Influx, look: Look, *, opened: bool) -> list[str]:
    """The queries of "Linux hosts". opened: whether all rows are expanded."""
    dashboard = json.loads(LINUX_HOSTS.build())
    if not opened:
        for panel in dashboard["panels"]:
            panel.pop("panels", None)
    shown = TimeRange.last(look.seconds)
    values: dict[str, str | list[str]] = {"host": list(look.hosts), **hidden(influx, dashboard, shown)}
    return [query.influxql() for query in panel_queries(dashboard, values, shown)]


def hidden(influx: Influx, dashboard: dict[str, Any], shown: TimeRange) -> dict[str, str]:
    """The values of the hidden variables, queried as Grafana does."""
    values: dict[str, str] = {}
    for variable in variable_queries(dashboard):
        if variable["name"] in BY_TIME:
            text = variable["query"].replace("${__from}", str(shown.start)).replace("${__to}", str(shown.end))
            found = influx.query(text).json()["results"][0].get("series")
            values[variable["name"]] = AsIs(found[0]["values"][0][1] if found else "")
    return values


def theirs(influx: Influx, texts: Sequence[str], look: Look, raw: int, runs: int) -> Cost:
    """The cost of a published dashboard. raw: seconds for which there is raw data."""
    seconds = min(look.seconds, raw)
    step = max(STEP, look.seconds // 1000)
    panel = {"id": 1, "title": "", "interval": f"{step}s", "targets": [{"query": text} for text in texts]}
    dashboard = {"panels": [{"type": "timeseries", **panel}], "templating": {"list": []}}
    asked = panel_queries(dashboard, {"host": list(look.hosts)}, TimeRange.last(seconds))
    return cost(influx, [query.influxql() for query in asked], runs).times(look.seconds / seconds)


def cost(influx: Influx, queries: Sequence[str], runs: int) -> Cost:
    """The cheapest of some runs: other load on the machine only adds."""
    found = []
    for _ in range(runs):
        before = influx.cpu()
        size = sum(size_of_answer(influx, query) for query in queries)
        found.append(Cost(influx.cpu() - before, size, len(queries)))
    return min(found, key=lambda run: run.cpu)


def compared(influx: Influx, look: Look, raw: int, runs: int, *, each: bool) -> bool:
    """Print the cost of one view. Returns whether it is within its limit."""
    looked = {name: theirs(influx, texts, look, raw, runs) for name, texts in ANCHORS.items()}
    cheapest = min(looked.values(), key=lambda one: one.cpu)
    looked["ours"] = cost(influx, ours(influx, look, opened=False), runs)
    looked["ours expanded"] = cost(influx, ours(influx, look, opened=True), runs)
    print(f"\n{look.title} (ratio to the cheaper of the published ones; limit {look.bar:g})")
    for name, one in looked.items():
        ratios = f"CPU {one.cpu / cheapest.cpu:6.3f}  bytes {one.size / cheapest.size:5.2f}"
        print(f"  {name:<14} {ratios}   ({one.queries} queries, {one.cpu:.2f} s, {one.size / 1e6:.1f} MB)", flush=True)
    if each:
        for text in ours(influx, look, opened=True):
            short = re.sub(r"/\^.*?\$/", "/…/", text)
            print(f"    {cost(influx, [text], 1).cpu:6.2f} s  {short[:260]}", flush=True)
    return looked["ours"].cpu <= look.bar * cheapest.cpu


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.queries", description="What viewing dashboards costs InfluxDB.")
    parser.add_argument("--hosts", type=int, default=100)
    parser.add_argument("--hours", type=float, default=24)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--folder", type=Path, help="keep the data here")
    parser.add_argument("--runs", type=int, default=3, help="runs of each view; the cheapest counts")
    parser.add_argument("--each", action="store_true", help="print the cost of each of our queries")
    chosen = parser.parse_args(arguments)
    every, raw = names(chosen.hosts), round(chosen.hours * 3600)
    looks = (
        *(Look(every, 3600, 0.5), Look(every, raw, 0.5), Look(every, chosen.days * DAY, 0.1)),
        Look(every[:1], raw, 1),
    )
    with filled(chosen.hosts, chosen.hours, chosen.days, chosen.folder) as (influx, sizes):
        print(
            f"a host-day on disk: raw {sizes.raw / chosen.hosts / 1e6:.2f} MB, down-sampled"
            f" {sizes.rolled / chosen.hosts / 1e6:.2f} MB, ratio {sizes.rolled / sizes.raw:.3f} (limit {DISK_BAR});"
            f" down-sampling it took {sizes.cpu / chosen.hosts:.2f} CPU seconds"
        )
        kept = [sizes.rolled <= DISK_BAR * sizes.raw]
        kept += [compared(influx, look, raw, chosen.runs, each=chosen.each) for look in looks]
    return 0 if all(kept) else 1


if __name__ == "__main__":
    run(main)
