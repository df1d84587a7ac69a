"""Whether measurements were lost, counted interval by interval as InfluxDB has them in the end."""

from __future__ import annotations

import time
from collections.abc import Callable

from sandbox import screen
from tests.live.environment import Environment

INTERVAL = 10
"""Seconds between two points of a host, the default of `collectionInterval`."""

SERVER = "monitoring-sandbox"
HOSTS = {"db-1", "web-1", SERVER}
NONE = dict.fromkeys(HOSTS, 0)
"""Lost: not one point of any host."""


def eventually(true: Callable[[], bool], seconds: float = 240) -> bool:
    """Whether something becomes true in time: by default a time in which it does on a machine that tests keep busy."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if true():
            return True
        time.sleep(1)
    return False


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
    """Intervals without a point, by host. Without `until` the newest two are left out: agents send once an interval."""
    end = until if until is not None else time.time() - 2 * INTERVAL
    return {host: sum(not count for count in points) for host, points in counts(environment, since, end).items()}


def caught_up(environment: Environment, moment: float, seconds: float = 240) -> None:
    """Wait until every host's points of an interval after `moment` have arrived: agents send the oldest first."""

    def newest() -> bool:
        try:
            ages = screen.newest_points(environment.grafana)
        except OSError:  # of requests: Grafana is not there yet
            return False
        return all(time.time() - ages.get(host, time.time()) > moment + INTERVAL for host in HOSTS)

    assert eventually(newest, seconds), screen.newest_points(environment.grafana)


def steady(environment: Environment) -> None:
    """Wait until every host has measured for a while without a gap, the last whole interval included: then whatever is
    missing was lost since. Not until the present one is there, too: that would be known an interval later, and each
    fault would wait for it."""

    def whole() -> bool:
        moment = time.time() - INTERVAL
        found = gaps(environment, moment - 4 * INTERVAL)
        if any(found.values()) or not set(found) >= HOSTS:
            return False
        caught_up(environment, moment)
        return not any(gaps(environment, moment - 4 * INTERVAL, moment).values())

    assert eventually(whole, 240), gaps(environment, time.time() - 5 * INTERVAL)


def lost(environment: Environment, since: float) -> dict[str, int]:
    """Points lost by each host from two intervals before `since` until now, once all have caught up."""
    now = time.time()
    caught_up(environment, now)
    found = gaps(environment, since - 2 * INTERVAL, now)
    print("intervals lost:", ", ".join(f"{host} {number}" for host, number in sorted(found.items())))
    return found
