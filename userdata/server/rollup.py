#!/usr/bin/python3
# Fills the retention policy `rollup`: every measurement in steps of five minutes, each numeric field as its mean, under
# its own name, and as its maximum, NAME_max. Installed as /etc/monitoring/influxdb-rollup, which influxdb-rollup.timer
# runs. docs/decisions/11-down-sampling.md says why not continuous queries.
#
# What a step was made of is counted: `points` of `system`. A run makes the steps of which raw data has more points than
# that: new ones, and those for which an agent has delivered what it kept during an outage. Each is made as a whole, so
# making it twice changes nothing. What was there before the first run is filled in backwards, an hour at a time, with
# pauses as long as that takes.
#
# How far it is, is the measurement `rollup` of raw data, which the dashboards ask whether to read the policy:
#   policy, peak: what a query puts before a measurement's name, and behind that of a field whose maximum it wants
#   since, raw: from when on the policy is complete, and raw data is kept; until: up to when both were compared; in
#   milliseconds
#   longer: the longest time shown, in milliseconds, for which raw data is read
import base64
import json
import shlex
import ssl
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

HOME = "/etc/monitoring"
STEP = 300
CHUNK = 3600
# Seconds; with more, a step of the dashboards is five minutes anyway (POINTS in dashboards/panels.py).
LONGER = 64800
# Seconds until an agent's newest points are there, and that a run may fill in backwards
MARGIN = 90
BUDGET = 100
NOW = int(time.time())
CONF = dict(word.split("=", 1) for word in shlex.split(Path(HOME, "server.conf").read_text()) if "=" in word)
LOGIN = base64.b64encode(f"admin:{Path(HOME, 'influxdb-administrator').read_text().split()[1]}".encode()).decode()
# Seconds: raw data and the policy are kept, points are delivered later
RAW_KEPT, KEPT, LATE = map(int, CONF["ROLLUP"].split())
RAW, ROLLED = (f'"{CONF["DATABASE"]}"."{policy}"' for policy in ("autogen", "rollup"))


def post(path: str, body: str) -> bytes:
    url = f"{CONF['TARGET']}/{path}&db={CONF['DATABASE']}"
    request = Request(url, body.encode(), {"Authorization": f"Basic {LOGIN}"})
    trust = ssl.create_default_context(cafile=CONF["TARGET_CA"] or None)
    with urlopen(request, timeout=600, context=trust) as answer:
        return bytes(answer.read())


def ask(query: str) -> list[dict[str, Any]]:
    (result,) = json.loads(post("query?epoch=s", urlencode({"q": query})))["results"]
    if "error" in result:
        raise OSError(f"{result['error']}: {query[:200]}")
    return list(result.get("series", []))


def values(query: str) -> list[list[Any]]:
    return [row for series in ask(query) for row in series["values"]]


def quoted(name: str) -> str:
    return name.replace("\\", "\\\\").replace('"', '\\"')


def selections() -> dict[str, str]:
    """Measurement -> what is stored of it."""
    found = {}
    for series in ask(f"SHOW FIELD KEYS FROM {RAW}./.*/"):
        names = sorted({quoted(name) for name, kind in series["values"] if kind in ("float", "integer")})
        parts = [f'mean("{name}") AS "{name}"' for name in names]
        parts += [f'max("{name}") AS "{name}_max"' for name in names if f"{name}_max" not in names]
        if series["name"] == "system":
            parts.append('count("uptime") AS "points"')
        if names and series["name"] not in ("rollup", "influxdb_probe"):
            found[quoted(series["name"])] = ", ".join(parts)
    return found


def between(begin: int, end: int) -> str:
    return f"WHERE time >= {begin}s AND time < {end}s GROUP BY time({STEP}s)"


def fill(begin: int, end: int) -> None:
    for name, chosen in selected.items():
        ask(f'SELECT {chosen} INTO {ROLLED}."{name}" FROM {RAW}."{name}" {between(begin, end)}, * fill(none)')


def note() -> None:
    fields = f"since={since}000i,until={end}000i,raw={NOW - RAW_KEPT}000i,longer={LONGER}000i"
    # One point an hour is kept.
    post("write?precision=s", f'rollup policy="\\"rollup\\".",peak="_max",{fields} {NOW // 3600 * 3600}')


end = (NOW - MARGIN) // STEP * STEP
try:
    selected = selections()
    # Not what a clock that was ahead has left: until then it would be the newest.
    last = f'SELECT last("since"), last("until") FROM {RAW}."rollup" WHERE time <= {NOW}s'
    state = values(last) or [[0, end * 1000, end * 1000]]
    since, until = (moment // 1000 for moment in state[0][1:])
    first = values(f'SELECT first("uptime") FROM {RAW}."system"') or [[NOW]]
    oldest = max(first[0][0], NOW - RAW_KEPT, NOW - KEPT) // STEP * STEP
    begin = max(oldest, since, min(until, NOW - LATE)) // STEP * STEP
    known = dict(values(f'SELECT sum("points") FROM {ROLLED}."system" {between(begin, end)} fill(0)'))
    raw = values(f'SELECT count("uptime") FROM {RAW}."system" {between(begin, end)} fill(0)')
    missing = [at for at, points in raw if points > (known.get(at) or 0)]
    while missing:
        # Steps next to each other at once, up to an hour of them
        run = [at for at in missing[: CHUNK // STEP] if at - missing[0] == missing.index(at) * STEP]
        fill(run[0], run[-1] + STEP)
        del missing[: len(run)]
    note()
    stop = time.monotonic() + BUDGET
    while since > 0 and time.monotonic() < stop:
        started = time.monotonic()
        begin = max(oldest, since - CHUNK)
        if begin < since:
            fill(begin, since)
        since = begin if begin > oldest else 0
        note()
        time.sleep(time.monotonic() - started)
except OSError as error:
    sys.exit(f"monitoring: roll-up: {error}")
