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
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from benchmarks.queries.anchors import ANCHORS, STEP
from benchmarks.queries.points import Host
from dashboards.registry import LINUX_HOSTS
from sandbox.toolchain import binaries
from sandbox.viewer.queries import TimeRange, panel_queries

INTERVAL = 10
BATCH = 400
"""Intervals of one host in a request."""
AHEAD = 3600
"""Seconds: filled in beyond now, so that the newest points are still new when the last dashboard asks."""
BAR = 0.5
PORT = 18086
RUNS = 3
ROLES = ("web", "db", "cache", "queue")

CONFIGURATION = """
reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
  dir = "{folder}/meta"
[data]
  dir = "{folder}/data"
  wal-dir = "{folder}/wal"
  index-version = "tsi1"
  compact-full-write-cold-duration = "5s"
  cache-snapshot-write-cold-duration = "5s"
[http]
  bind-address = "127.0.0.1:{http}"
  log-enabled = false
[monitor]
  store-enabled = false
"""


@dataclass(frozen=True)
class Cost:
    """What some queries took: CPU seconds of InfluxDB, bytes of its answers, how many there were."""

    cpu: float
    size: int
    queries: int


class Influx:
    """InfluxDB on loopback while the block lasts."""

    def __init__(self, folder: Path) -> None:
        self.url = f"http://127.0.0.1:{PORT}"
        settings = folder / "influxdb.conf"
        settings.write_text(CONFIGURATION.format(folder=folder, http=PORT, rpc=PORT + 1))
        with (folder / "log").open("wb") as log:
            command = [str(binaries() / "influxd"), "-config", str(settings)]
            self._process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        self._session = requests.Session()
        until = time.monotonic() + 60
        while True:
            try:
                self._session.post(f"{self.url}/query", params={"q": "CREATE DATABASE telegraf"}, timeout=5)
                return
            except requests.ConnectionError:
                if time.monotonic() > until or self._process.poll() is not None:
                    self.stop()
                    sys.exit(f"InfluxDB does not answer at {self.url}:\n{(folder / 'log').read_text()[-2000:]}")
                time.sleep(0.2)

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(60)

    def write(self, lines: Sequence[str]) -> None:
        body = "\n".join(lines).encode()
        answer = self._session.post(f"{self.url}/write?db=telegraf&precision=s", data=body, timeout=120)
        if answer.status_code != requests.codes.no_content:
            sys.exit(f"a write was refused: {answer.text[:300]}")

    def ask(self, query: str) -> int:
        """The size of the answer in bytes; an error in it ends the program. Only the list of hosts in
        trouble may be empty."""
        parameters = {"db": "telegraf", "q": query, "epoch": "ms"}
        answer = self._session.post(f"{self.url}/query", data=parameters, timeout=300)
        (result,) = answer.json()["results"]
        if "error" in result or ("series" not in result and ' WHERE "value" >= ' not in query):
            sys.exit(f"no answer: {result.get('error', 'empty')}: {query}")
        return len(answer.content)

    def cpu(self) -> float:
        """Seconds the process has used so far."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def settle(self) -> None:
        """Wait until it has been idle for ten seconds, its compactions done."""
        before = self.cpu()
        time.sleep(10)
        while self.cpu() - before > 0.2:
            before = self.cpu()
            time.sleep(10)


@contextmanager
def filled(hosts: int, hours: float) -> Iterator[Influx]:
    with tempfile.TemporaryDirectory(prefix="queries-") as folder:
        influx = Influx(Path(folder))
        try:
            now = int(time.time()) // INTERVAL * INTERVAL
            moments = range(now - round(hours * 3600), now + AHEAD, INTERVAL)
            for number in range(hosts):
                host = Host(f"host-{number:03}.example", ROLES[number % len(ROLES)])
                for first in range(0, len(moments), BATCH):
                    influx.write([line for at in moments[first : first + BATCH] for line in host.lines(at)])
                print(f"\rfilled {number + 1} of {hosts} hosts", end="", file=sys.stderr, flush=True)
            influx.settle()
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
        size = sum(influx.ask(query) for query in queries)
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
