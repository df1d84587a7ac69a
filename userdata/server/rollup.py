#!/usr/bin/python3
# Fills the retention policy `rollup`: every measurement in steps of five minutes, each numeric field as its mean, under
# its own name, and as its maximum, NAME_max. Installed as /etc/monitoring/influxdb-rollup, which influxdb-rollup.timer
# runs. docs/decisions/11-down-sampling.md says why not continuous queries.
#
# Each step records how many points it was made from (`points` of `system`). A run makes the steps for which raw data
# has more points than that: new ones, and those for which an agent has delivered what it kept during an outage. Each is
# made as a whole, so making it twice changes nothing. Data from before the first run is filled in backwards, an hour at
# a time, with pauses as long as that takes.
#
# The progress is a measurement in raw data, `rollup`, which dashboards query to decide whether to read the policy:
#   policy, peak: a query's prefix of a measurement's name, and its suffix of a field whose maximum it wants
#   since, raw: from when on the policy is complete, and raw data is kept; until: up to when both were compared; in
#   milliseconds
#   longer: the longest time range, in milliseconds, for which raw data is read
import shlex
import sys
import time
from pathlib import Path
from typing import Any

from influxdb_engine import Engine, RefusedError, quoted  # type: ignore[import-not-found]

HOME = "/etc/monitoring"
STEP = 300
CHUNK = 3600
# Seconds; for longer ranges, a step of the dashboards is five minutes anyway (POINTS in dashboards/panels.py).
LONGER = 64800
# Seconds until an agent's newest points have arrived, and for which a run may fill in backwards
MARGIN = 90
BUDGET = 100
# How far in the future a point may be. If a clock is ahead by less, its points are stored, and "Clock is ahead" fires.
AHEAD = "7d"
NOW = int(time.time())
CONF = dict(word.split("=", 1) for word in shlex.split(Path(HOME, "server.conf").read_text()) if "=" in word)
# Seconds for which raw data and the policy are kept, and by which points may arrive late
RAW_KEPT, KEPT, LATE = map(int, CONF["ROLLUP"].split())
RAW, ROLLED = (f'"{CONF["DATABASE"]}"."{policy}"' for policy in ("autogen", "rollup"))


def values(query: str) -> Any:
    return [row for series in own.ask(query, epoch="s") for row in series["values"]]


# Measurement -> what a query selects to down-sample it
def parts_of() -> dict[str, str]:
    found = {}
    for series in own.ask(f"SHOW FIELD KEYS FROM {RAW}./.*/"):
        names = sorted({quoted(name) for name, kind in series["values"] if kind in ("float", "integer")})
        parts = [f'mean("{name}") AS "{name}"' for name in names]
        parts += [f'max("{name}") AS "{name}_max"' for name in names if f"{name}_max" not in names]
        if series["name"] == "system":
            parts.append('count("uptime") AS "points"')
        if names and series["name"] not in ("rollup", "influxdb_probe"):
            found[quoted(series["name"])] = ", ".join(parts)
    return found


def steps(begin: int, end: int) -> str:
    return f"WHERE time >= {begin}s AND time < {end}s GROUP BY time({STEP}s)"


# A measurement that cannot be filled in (its name is InfluxDB's own, a field is text here) does not stop the others.
def fill(begin: int, end: int) -> None:
    for name, what in parts.items():
        try:
            query = f'SELECT {what} INTO {ROLLED}."{name}" FROM {RAW}."{name}" {steps(begin, end)}, * fill(none)'
            list(own.ask(query))
        except RefusedError as error:
            print(error, file=sys.stderr)


def note() -> None:
    fields = f"since={since}000i,until={end}000i,raw={NOW - RAW_KEPT}000i,longer={LONGER}000i"
    # Overwritten for an hour, so that one point per hour remains
    line = f'rollup policy="\\"rollup\\".",peak="_max",{fields} {NOW // 3600 * 3600}'
    own.post("write", lines=line, precision="s").close()


# Otherwise each point on a future day would get a shard of its own, in memory and on disk until that day: one request
# with 20,000 would use up the server's memory. InfluxDB before 1.12 has no such limit.
def limit() -> None:
    database = quoted(CONF["DATABASE"])
    for series in own.ask(f'SHOW RETENTION POLICIES ON "{database}"'):
        for row in series["values"]:
            policy = dict(zip(series["columns"], row, strict=True))
            if policy.get("futureWriteLimit") == "0s":
                name = quoted(policy["name"])
                list(own.ask(f'ALTER RETENTION POLICY "{name}" ON "{database}" FUTURE LIMIT {AHEAD}'))


administrator = ("admin", Path(HOME, "influxdb-administrator").read_text().split()[1])
own = Engine(CONF["TARGET"], CONF["DATABASE"], CONF["TARGET_CA"], administrator)
end = (NOW - MARGIN) // STEP * STEP
try:
    limit()
    parts = parts_of()
    # Not points from when the clock was ahead, which would be the newest until that time.
    last = f'SELECT last("since"), last("until") FROM {RAW}."rollup" WHERE time <= {NOW}s'
    state = values(last) or [[0, end * 1000, end * 1000]]
    since, until = (moment // 1000 for moment in state[0][1:])
    first = values(f'SELECT first("uptime") FROM {RAW}."system"') or [[NOW]]
    least = max(first[0][0], NOW - RAW_KEPT, NOW - KEPT) // STEP * STEP
    begin = max(least, since, min(until, NOW - LATE)) // STEP * STEP
    known = dict(values(f'SELECT sum("points") FROM {ROLLED}."system" {steps(begin, end)} fill(0)'))
    raw = values(f'SELECT count("uptime") FROM {RAW}."system" {steps(begin, end)} fill(0)')
    todo = [at for at, points in raw if points > (known.get(at) or 0)]
    while todo:
        # Adjacent steps in one query, up to an hour
        run = [at for at in todo[: CHUNK // STEP] if at - todo[0] == todo.index(at) * STEP]
        fill(run[0], run[-1] + STEP)
        del todo[: len(run)]
    note()
    stop = time.monotonic() + BUDGET
    while since > 0 and time.monotonic() < stop:
        started = time.monotonic()
        begin = max(least, since - CHUNK)
        if begin < since:
            fill(begin, since)
        since = begin if begin > least else 0
        note()
        time.sleep(time.monotonic() - started)
except OSError as error:
    sys.exit(f"monitoring: roll-up: {error}")
