"""Fills in hours of the past, and has InfluxDB compact them: what a day takes on disk."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from benchmarks.load.agent import Agent
from benchmarks.load.figures import DAY
from benchmarks.load.lines import Host
from benchmarks.load.senders import Connection
from benchmarks.load.server import Server

BATCH = 1000
"""Lines per request: Telegraf's own number when it has a backlog."""
AT_ONCE = 2


@dataclass(frozen=True)
class History:
    """The cost of the past. days: host-days. size: bytes on disk. values: numbers stored.

    written, compacted: CPU seconds that InfluxDB took to store `written_days`, and to compact them. peak: the most
    bytes of memory that InfluxDB had while it stored them.
    """

    days: float = 0.0
    size: int = 0
    values: float = 0.0
    written: float = 0.0
    written_days: float = 0.0
    peak: int = 0
    compacted: float = 0.0


def fill(server: Server, agent: Agent, names: list[str], hours: float, say: Callable[[str], None]) -> History:
    """Write the last hours, which dashboards show, and as many of the day before yesterday, which are then compacted
    and measured: that day's shard must be empty and within the retention.

    Raises ValueError when a write is refused or the day already has data.
    """
    now = int(time.time())
    begin = (now // DAY - 2) * DAY
    if begin in server.shards().values():
        raise ValueError("the day before yesterday already has measurements: history can only be filled in once")
    moments = range(begin, begin + round(hours * 3600), agent.interval)
    recent = range((now - round(hours * 3600)) // agent.interval * agent.interval, now, agent.interval)
    say(f"filling in twice {hours:g} hours of {len(names)} hosts")
    before = server.use()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for failure in pool.map(lambda name: _write(agent, name, [*moments, *recent]), names):
            if failure:
                raise ValueError(f"a write was refused: {failure}")
    after, peak = server.use(), server.peak("influxdb")
    (shard,) = [shard for shard, start in server.shards().items() if start == begin]
    say("having InfluxDB compact them")
    with server.compacting():
        restarted = server.use()
        server.settled(shard)
        compacted = server.use().cpu["influxdb"] - restarted.cpu["influxdb"]
    days = len(names) * hours / 24
    return History(
        days=days,
        size=server.bytes_of(shard),
        values=len(names) * len(moments) * agent.pattern.values_each_interval,
        written=after.cpu["influxdb"] - before.cpu["influxdb"],
        written_days=2 * days,
        compacted=compacted,
        peak=peak,
    )


def _write(agent: Agent, name: str, moments: Sequence[int]) -> str:
    """Write one host's past, the oldest first. Returns InfluxDB's answer if a write was refused."""
    host, connection, lines = Host(name, agent.pattern), Connection(agent), list[str]()
    for moment in moments:
        lines += host.lines(moment, agent.interval)
        if len(lines) >= BATCH or moment == moments[-1]:
            if failure := connection.write(lines):
                return failure
            lines = []
    connection.close()
    return ""
