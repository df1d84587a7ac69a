"""Whether measurements were lost, counted interval by interval as InfluxDB has them in the end."""

from __future__ import annotations

import time
from collections.abc import Set

from sandbox import screen
from tests.live.environment import Environment
from tests.support.waiting import eventually

INTERVAL = 10
"""Seconds between two points of a host, the default of `collectionInterval`."""

SERVER = "monitoring-sandbox"
HOSTS = {"db-1", "web-1", SERVER}
NONE = dict.fromkeys(HOSTS, 0)
"""Nothing lost: not one point of any host."""


def counts(environment: Environment, since: float, until: float) -> dict[str, list[int]]:
    """Points of each interval from the one that holds `since` to the last one that is over at `until`, by host. A host
    without any point in the whole time is not listed."""
    first, last = (int(moment // INTERVAL) * INTERVAL for moment in (since, until))
    query = (
        f'SELECT count("uptime") FROM "system" WHERE time >= {first}s AND time < {last}s '  # noqa: S608
        f'GROUP BY time({INTERVAL}s), "host" fill(0)'
    )
    asked = {"datasource": {"uid": "influxdb"}, "query": query, "rawQuery": True, "resultFormat": "time_series"}
    frames = environment.grafana.query(asked)["results"]["A"]["frames"]
    return {frame["schema"]["fields"][1]["labels"]["host"]: frame["data"]["values"][1] for frame in frames}


def gaps(environment: Environment, since: float, until: float | None = None) -> dict[str, int]:
    """Intervals without a point, by host. Without `until` the newest two are left out: agents send once per
    interval."""
    end = until if until is not None else time.time() - 2 * INTERVAL
    return {host: sum(not count for count in points) for host, points in counts(environment, since, end).items()}


def caught_up(environment: Environment, moment: float, seconds: float = 240, hosts: Set[str] = HOSTS) -> None:
    """Wait until every host's points of the interval after `moment` have arrived: agents send the oldest first."""

    def newest() -> bool:
        try:
            ages = screen.newest_points(environment.grafana)
        except OSError:  # of requests: Grafana is not there yet
            return False
        return all(time.time() - ages.get(host, time.time()) > moment + INTERVAL for host in hosts)

    assert eventually(newest, seconds), screen.newest_points(environment.grafana)


def steady(environment: Environment, hosts: Set[str] = HOSTS) -> None:
    """Wait until every host has measured for a while without a gap, as far as points can have arrived: then whatever is
    missing was lost since. What may still be on its way is counted by `lost`, so that no fault waits for it."""

    def whole() -> bool:
        now = time.time()
        found = counts(environment, now - 5 * INTERVAL, now + INTERVAL)
        return set(found) >= hosts and all(nothing_but_late(found[host]) for host in hosts)

    assert eventually(whole, 240), gaps(environment, time.time() - 5 * INTERVAL)


def nothing_but_late(points: list[int]) -> bool:
    """Whether no interval is empty but the one of now and the two before it, whose points may be on their way. One
    before a point that has arrived was lost: agents send the oldest first."""
    arrived = len(points)
    while arrived and not points[arrived - 1]:
        arrived -= 1
    return arrived >= len(points) - 3 and all(points[:arrived])


def lost(environment: Environment, since: float, hosts: Set[str] = HOSTS) -> dict[str, int]:
    """Points lost by each of the hosts from two intervals before `since` until now, once all have caught up: the
    interval of now is not counted. Others may have just gone, like those of an earlier file's test."""
    now = time.time()
    caught_up(environment, now - INTERVAL, hosts=hosts)
    found = {host: missing for host, missing in gaps(environment, since - 2 * INTERVAL, now).items() if host in hosts}
    print("intervals lost:", ", ".join(f"{host} {number}" for host, number in sorted(found.items())))
    return found
