"""The report of a run."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.load.figures import DAY, FULL, GIB, KINDS, MIB, RETENTION, VOLUME, Cost, kept_days, limits, percentile
from benchmarks.load.history import History
from benchmarks.load.limited import Memory
from benchmarks.load.lines import Pattern
from benchmarks.load.people import EVERY, Asked
from benchmarks.load.senders import Written
from benchmarks.load.watch import Watch

LIMIT = 5.0
"""Seconds that a panel may take: above that, "Query latency" is red in the dashboard "Monitoring server"."""
GRAFANA = 512 * MIB
"""Grafana's memory, from its own requirements: the double's memory proves nothing about it.
https://grafana.com/docs/grafana/latest/setup-grafana/installation/#hardware-recommendations"""
SHOWN = 5
"""Failures and slow panels that are printed."""


@dataclass(frozen=True)
class Outcome:
    """Everything that was counted. stored: how many of the hosts' points the database has at the end."""

    hosts: int
    people: int
    interval: int
    pattern: Pattern
    written: Written
    refreshed: Asked
    series: int
    stored: int
    moments: int
    alone: Watch
    writing: Watch
    loaded: Watch
    history: History
    memory: Memory | None


def described(outcome: Outcome) -> str:
    """The report."""
    parts = [_writes(outcome), _dashboards(outcome.refreshed), _server(outcome)]
    if outcome.history.days:
        parts += [_disk(outcome.history), _extrapolated(outcome)]
    return "\n".join(line for part in parts for line in part)


def _writes(outcome: Outcome) -> Iterator[str]:
    written, pattern = outcome.written, outcome.pattern
    yield f"\nWrites: {outcome.hosts} hosts, one request each every {outcome.interval} s"
    yield _row("series per host", len(pattern.series))
    yield _row("values per host and interval", f"{pattern.values_each_interval:.0f}")
    yield _row("sent", f"{written.sent} ({written.points} lines)")
    yield _row("refused or failed", len(written.failures))
    yield from (f"    {failure}" for failure in written.failures[:SHOWN])
    yield _row("rounds in the database", f"{outcome.stored} of {outcome.hosts * outcome.moments}")
    yield _latencies(written.latencies)
    yield _row("largest delay of a write", f"{written.late * 1000:.0f} ms (caused by this program itself)")


def _dashboards(asked: Asked) -> Iterator[str]:
    yield f"\nDashboards: each person refreshes every {EVERY} s"
    yield _row("panels queried", f"{len(asked.latencies)} ({asked.queries} queries)")
    yield _row("failed", len(asked.failures))
    yield from (f"    {failure}" for failure in asked.failures[:SHOWN])
    over = asked.over(LIMIT)
    yield _row(f"over {LIMIT:g} s", len(over))
    yield from (f"    {each}" for each in over[:SHOWN])
    yield _latencies([seconds for seconds, _ in asked.latencies])
    by_view = defaultdict(list)
    for seconds, view in asked.refreshes:
        by_view[view].append(seconds)
    for view, took in by_view.items():
        yield _row(
            f"{len(took)} refreshes of {view}", f"{statistics.median(took):.1f} s (median), {max(took):.1f} s (maximum)"
        )
    by_panel = defaultdict(list)
    for seconds, panel in asked.latencies:
        by_panel[panel].append(seconds)
    slowest = sorted(by_panel, key=lambda panel: -statistics.median(by_panel[panel]))[:SHOWN]
    yield _row("slowest panels", "; ".join(f"{each} {statistics.median(by_panel[each]):.2f} s" for each in slowest))


def _server(outcome: Outcome) -> Iterator[str]:
    yield "\nServer (cores are this machine's)"
    yield _row("series in the database", outcome.series)
    yield _row("this machine was busy", f"{outcome.loaded.here:.2f} cores, with everything that runs here")
    for service in outcome.loaded.first.cpu:
        phases = {"alone": outcome.alone, "with hosts": outcome.writing, "and people": outcome.loaded}
        cores = "CPU " + ", ".join(f"{name} {watch.cores(service):.3f}" for name, watch in phases.items())
        memory = f"; memory {outcome.loaded.peak[service] / MIB:.0f} MiB at most" if service else ""
        yield _row(service or "the whole machine", cores + memory)
    if outcome.memory:
        peak = f"{outcome.memory.peak / MIB:.0f} MiB at most, caches included"
        yield _row("memory of the machine", f"{peak}; processes killed for lack of it: {outcome.memory.killed}")


def _disk(history: History) -> Iterator[str]:
    yield "\nHistory, compacted"
    yield _row("on disk", f"{history.size / MIB:.1f} MiB for {history.days:.1f} host-days")
    yield _row("per host-day", f"{history.size / history.days / MIB:.2f} MiB")
    yield _row("per value", f"{history.size / history.values:.2f} bytes")
    yield _row("storing a host-day in bulk", f"{history.written / history.written_days:.1f} CPU seconds of InfluxDB")
    # Both parts of the past are compacted.
    yield _row("compacting a host-day", f"{history.compacted / history.written_days:.1f} CPU seconds of InfluxDB")
    yield _row("InfluxDB's memory during that", f"{history.peak / MIB:.0f} MiB at most, mapped files included")


def _extrapolated(outcome: Outcome) -> Iterator[str]:
    alone, loaded, history = outcome.alone, outcome.loaded, outcome.history
    compacting = history.compacted / history.written_days / DAY
    writes = (outcome.writing.cores("influxdb") - alone.cores("influxdb")) / outcome.hosts + compacting
    # From the cost of a refresh, which grows with the hosts: with too few cores, there are fewer refreshes than wanted.
    refresh = _cost_of_refresh(outcome)
    looks = refresh * outcome.people / EVERY / outcome.hosts
    idle = (KINDS[0].cores - alone.cores("influxdb") - alone.cores("telegraf")) / writes
    cost = Cost(
        memory_alone=alone.peak["influxdb"] + alone.peak["telegraf"] + GRAFANA,
        memory=(loaded.peak["influxdb"] - alone.peak["influxdb"]) / outcome.hosts,
        cores_alone=alone.cores("influxdb") + alone.cores("telegraf"),
        cores=writes + looks,
        disk=history.size / history.days,
    )
    kept = f"{RETENTION} days kept, and a year of 5-minute steps"
    yield f"\nExtrapolated: a {KINDS[0].name} with {VOLUME / GIB:.0f} GiB, {kept}"
    yield _row("InfluxDB's CPU per host-day", f"{writes * DAY:.0f} CPU seconds, and {looks * DAY:.0f} for dashboards")
    yield _row("per refresh", f"{refresh:.2f} CPU seconds; without open dashboards: {idle:.0f} hosts by CPU")
    yield _row("its memory per host", f"{cost.memory / MIB:.2f} MiB")
    for limit in limits(KINDS[0], cost):
        yield _row(f"by {limit.resource}", f"{limit.hosts} hosts = {limit.sum}")
    yield "\nOther types, with a volume that is large enough"
    for kind in KINDS[1:]:
        others = [limit for limit in limits(kind, cost) if limit.resource != "disk"]
        yield _row(kind.name, ", ".join(f"by {limit.resource} {limit.hosts} hosts" for limit in others))
    yield _row("volume per host", f"{cost.disk * kept_days(RETENTION) / FULL / GIB:.3f} GiB")


def _cost_of_refresh(outcome: Outcome) -> float:
    """CPU seconds of InfluxDB per refresh of a dashboard, averaged over the views."""
    loaded = outcome.loaded
    more = loaded.cores("influxdb") - outcome.writing.cores("influxdb")
    return more * (loaded.last.moment - loaded.first.moment) / max(1, len(outcome.refreshed.refreshes))


def _latencies(values: list[float]) -> str:
    if not values:
        return _row("latency", "none")
    names = {"median": 50, "p95": 95, "max": 100}
    return _row("latency", ", ".join(f"{name} {percentile(values, at) * 1000:.0f} ms" for name, at in names.items()))


def _row(name: str, value: object) -> str:
    return f"  {name:<32} {value}"
