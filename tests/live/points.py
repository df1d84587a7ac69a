"""Counts, interval by interval, which measurements InfluxDB is missing in the end."""

from __future__ import annotations

import time
from collections.abc import Set

from sandbox import screen
from tests.live.environment import Environment
from tests.live.services import influxql
from tests.support.waiting import eventually

INTERVAL = 10
"""Seconds between two points of a host, the default of `collectionInterval`."""

SERVER = "monitoring-sandbox"
HOSTS = {"db-1", "web-1", SERVER}
NONE = dict.fromkeys(HOSTS, 0)
"""No point of any host was lost."""


def counts(environment: Environment, since: float, until: float) -> dict[str, list[int]]:
    """Points per interval by host, from the interval that contains `since` to the last one that has ended at `until`. A
    host without a single point in that time is not listed."""
    first, last = (int(moment // INTERVAL) * INTERVAL for moment in (since, until))
    query = (
        f'SELECT count("uptime") FROM "system" WHERE time >= {first}s AND time < {last}s '  # noqa: S608
        f'GROUP BY time({INTERVAL}s), "host" fill(0)'
    )
    frames = influxql(environment, query)
    return {frame["schema"]["fields"][1]["labels"]["host"]: frame["data"]["values"][1] for frame in frames}


def gaps(environment: Environment, since: float, until: float | None = None) -> dict[str, int]:
    """Number of intervals without a point, by host. Without `until`, the newest two are left out, as agents send once
    per interval."""
    end = until if until is not None else time.time() - 2 * INTERVAL
    return {host: sum(not count for count in points) for host, points in counts(environment, since, end).items()}


def caught_up(environment: Environment, moment: float, seconds: float = 240, hosts: Set[str] = HOSTS) -> None:
    """Wait until every host's points of the interval after `moment` have arrived. Agents send the oldest first."""

    def newest() -> bool:
        try:
            ages = screen.newest_points(environment.grafana)
        except OSError:  # requests': Grafana is not up yet
            return False
        return all(time.time() - ages.get(host, time.time()) > moment + INTERVAL for host in hosts)

    assert eventually(newest, seconds), screen.newest_points(environment.grafana)


def steady(environment: Environment, hosts: Set[str] = HOSTS) -> None:
    """Wait until no host has a recent gap, apart from points that may still be on their way. Whatever is missing later
    was lost in the meantime. `lost` waits for the points on their way, so that no fault has to."""

    def no_gaps() -> bool:
        now = time.time()
        found = counts(environment, now - 5 * INTERVAL, now + INTERVAL)
        return set(found) >= hosts and all(only_late(found[host]) for host in hosts)

    assert eventually(no_gaps, 240), gaps(environment, time.time() - 5 * INTERVAL)


def only_late(points: list[int]) -> bool:
    """Whether only the current interval and the two before it are empty, whose points may still be on their way. An
    empty interval before a point that has arrived means a lost point: agents send the oldest first."""
    arrived = len(points)
    while arrived and not points[arrived - 1]:
        arrived -= 1
    return arrived >= len(points) - 3 and all(points[:arrived])


def lost(environment: Environment, since: float, hosts: Set[str] = HOSTS) -> dict[str, int]:
    """Intervals lost by each of these hosts from two intervals before `since` until now, without the current one, once
    all have caught up. Other hosts, such as those of an earlier test file, may just have been removed."""
    now = time.time()
    caught_up(environment, now - INTERVAL, hosts=hosts)
    found = {host: missing for host, missing in gaps(environment, since - 2 * INTERVAL, now).items() if host in hosts}
    print("intervals lost:", ", ".join(f"{host} {number}" for host, number in sorted(found.items())))
    return found
